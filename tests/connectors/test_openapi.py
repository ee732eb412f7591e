"""Plain HTTP by an OpenAPI document: which tools there are, what is sent, what an answer means."""

from __future__ import annotations

import json
from typing import Any

import pytest

from signoff.connectors import faults
from signoff.connectors.openapi.link import OpenApiLink, open_openapi
from signoff.connectors.openapi.operations import operations_of, parsed_document
from signoff.connectors.openapi.request import request_of
from signoff.connectors.openapi.servers import base_url_of
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings
from tests.connectors.kit_http import Server, http, saying, serve

ORDER = {"$ref": "#/components/schemas/Order"}
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.3",
    "paths": {
        "/orders/{number}": {
            "parameters": [{"$ref": "#/components/parameters/Number"}],
            "get": {
                "operationId": "getOrder",
                "summary": "One order.",
                "parameters": [
                    {"name": "expand", "in": "query", "schema": {"type": "array", "items": {"type": "string"}}},
                    {"name": "X-Trace", "in": "header", "schema": {"type": "string"}},
                    {"name": "Authorization", "in": "header", "schema": {"type": "string"}},
                ],
            },
            "put": {"requestBody": {"content": {"application/json": {"schema": ORDER}}}},
        },
        "/bills": {
            "post": {
                "operationId": "post bill!",
                "requestBody": {
                    "required": True,
                    "content": {"application/json; charset=utf-8": {"schema": {"$ref": "#/components/schemas/Bill"}}},
                },
            }
        },
        "/upload": {"post": {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": {}}}}}},
        "/cookie": {"get": {"parameters": [{"name": "sid", "in": "cookie", "required": True, "schema": {}}]}},
    },
    "components": {
        "parameters": {"Number": {"name": "number", "in": "path", "required": True, "schema": {"type": "string"}}},
        "schemas": {
            "Order": {"type": "object", "properties": {"parent": {"$ref": "#/components/schemas/Order"}}},
            "Bill": {
                "type": "object",
                "required": ["total"],
                "properties": {
                    "total": {"type": "number", "minimum": 0, "exclusiveMinimum": True, "example": 5},
                    "note": {"type": "string", "nullable": True},
                    "evil": {"$ref": "https://evil.example.com/schema.json"},
                    "file": {"$ref": "file:///etc/passwd"},
                },
            },
        },
    },
}  # fmt: skip


def sent(name: str, args: dict[str, Any], **more: Any) -> Any:
    given = {"base_url": "https://erp.example.com/v1/", "headers": {}, "key": None, **more}
    return request_of(operations_of(DOCUMENT)[name], args, **given)


def test_operations_are_tools() -> None:
    found = operations_of(DOCUMENT)
    assert list(found) == ["getOrder", "put_orders_number", "post_bill"]
    assert found["getOrder"].spec.annotations["readOnlyHint"] is True
    assert found["post_bill"].spec.annotations == {
        "readOnlyHint": False, "destructiveHint": True, "openWorldHint": True,
    }  # fmt: skip
    schema = found["getOrder"].spec.input_schema
    assert schema["required"] == ["number"]
    assert set(schema["properties"]) == {"number", "expand", "X-Trace", "Authorization"}


def test_references_are_followed_inside_the_document_only() -> None:
    found = operations_of(DOCUMENT)
    bill = found["post_bill"].spec.input_schema["properties"]["body"]
    assert bill["properties"]["total"] == {"type": "number", "exclusiveMinimum": 0}
    assert bill["properties"]["note"] == {"type": ["string", "null"]}
    assert bill["properties"]["evil"] == bill["properties"]["file"] == {}
    order = found["put_orders_number"].spec.input_schema["properties"]["body"]
    assert order == {"type": "object", "properties": {"parent": {}}}


def test_a_document_that_grows_without_end_is_refused() -> None:
    schemas: dict[str, Any] = {"s0": {"type": "string"}}
    for number in range(1, 30):
        again = {"$ref": f"#/components/schemas/s{number - 1}"}
        schemas[f"s{number}"] = {"type": "object", "properties": {"a": again, "b": again}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/s29"}}}}
    document = {
        "openapi": "3.1.0",
        "paths": {"/x": {"post": {"requestBody": body}}},
        "components": {"schemas": schemas},
    }
    with pytest.raises(ConnectorError, match="too large"):
        operations_of(document)


def test_too_many_operations_are_refused() -> None:
    paths = {f"/p{number}": {"get": {}} for number in range(501)}
    with pytest.raises(ConnectorError, match="more than 500"):
        operations_of({"openapi": "3.1.0", "paths": paths})


@pytest.mark.parametrize(
    "text",
    ["", "null", "[]", "{}", '{"openapi": "2.0", "paths": {}}', '{"swagger": "2.0"}', '{"openapi": "3.1.0"}', "x: [",
     "<html>", "a: &a [1]\nb: [*a, *a]", "!!python/object/apply:os.system ['id']", "[" * 100_000],
)  # fmt: skip
def test_what_is_no_document_is_refused(text: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        parsed_document(text)
    assert caught.value.code == faults.BAD_CONFIG


@pytest.mark.parametrize(
    "paths",
    [{"/x": None}, {"/x": []}, {"/x": {"get": []}}, {"/x": {"get": {"parameters": "no"}}}, {"x": {"get": {}}},
     {"/x": {"get": {"parameters": [None, {"$ref": "#/nowhere"}, {"in": "query"}]}}},
     {"/x": {"$ref": "#/paths/~1x"}}, {"/x": {"post": {"requestBody": {"content": []}}}},
     {"/x": {"get": {"operationId": {"a": 1}, "summary": 5}}}],
)  # fmt: skip
def test_odd_documents_stop_nothing(paths: Any) -> None:
    for operation in operations_of({"openapi": "3.1.0", "paths": paths}).values():
        assert operation.spec.hash


def test_yaml_is_read() -> None:
    document = parsed_document(
        "openapi: 3.1.0\npaths:\n  /x:\n    get: {operationId: look, summary: Look., deprecated: 2020-01-01}\n"
    )
    assert list(operations_of(document)) == ["look"]


def test_arguments_stand_where_they_belong() -> None:
    request = sent("getOrder", {"number": "PO/1 ?#", "expand": ["a", "b&c"], "X-Trace": "t"})
    assert request.url == "https://erp.example.com/v1/orders/PO%2F1%20%3F%23?expand=a&expand=b%26c"
    assert (request.method, request.content, request.headers["X-Trace"]) == ("GET", None, "t")
    request = sent("post_bill", {"body": {"total": 1.5}}, key="run_1:call_1")
    assert json.loads(request.content) == {"total": 1.5}
    assert request.headers["idempotency-key"] == "run_1:call_1"
    assert "idempotency-key" not in sent("getOrder", {"number": "1"}, key="run_1:call_1").headers


@pytest.mark.parametrize("number", ["", ".", ".."])
def test_a_value_cannot_climb_out_of_its_path(number: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        sent("getOrder", {"number": number})
    assert caught.value.code == faults.BAD_ARGUMENTS


def test_an_argument_cannot_stand_in_for_a_login_or_split_a_header() -> None:
    request = sent(
        "getOrder", {"number": "1", "Authorization": "Bearer mine", "X-Trace": "mine"}, headers={"x-trace": "ours"}
    )
    assert "Authorization" not in request.headers
    assert [text for name, text in request.headers.items() if name.lower() == "x-trace"] == ["ours"]
    with pytest.raises(ConnectorError):
        sent("getOrder", {"number": "1", "X-Trace": "a\r\nX-Evil: b"})


@pytest.mark.parametrize(
    ("server", "document_url", "base"),
    [
        ("https://a.example/v1", None, "https://a.example/v1"),
        ("/v1", "https://a.example/openapi.json", "https://a.example/v1"),
        ("", "https://a.example/openapi.json", "https://a.example/openapi.json"),
        ("https://evil.example/", "https://a.example/openapi.json", None),
        ("http://a.example/", "https://a.example/openapi.json", None),
        ("https://{host}/", None, None),
        ("/v1", None, None),
        ("", None, None),
    ],
)
def test_a_document_cannot_send_logins_to_another_host(server: str, document_url: str | None, base: str | None) -> None:
    document = {"servers": [{"url": server}]}
    if base is None:
        with pytest.raises(ConnectorError):
            base_url_of(document, document_url)
    else:
        assert base_url_of(document, document_url) == base


async def opened(settings: Settings, server: Server) -> OpenApiLink:
    return await open_openapi(
        settings, {"document": DOCUMENT, "base_url": server.url("/v1"), "headers": {"X-Api-Key": "k"}}
    )


JSON = "content-type: application/json"


@pytest.mark.parametrize(
    ("answer", "value", "is_error"),
    [
        (http(200, b'{"a": 1}', JSON), {"a": 1}, False),
        (http(201, b'"made"', JSON), "made", False),
        (http(204), None, False),
        (http(200, b"not json", JSON), "not json", False),
        (http(200, b"plain", "content-type: text/plain"), "plain", False),
        (http(200, b"\x89PNG", "content-type: image/png"),
         {"media_type": "image/png", "size_bytes": 4, "note": "left out: not text"}, False),
        (http(200, b'{"a": "\\u0000\\ud800"}', JSON), {"a": "\ufffd?"}, False),
        (http(404, b'{"no": 1}', JSON), {"status": 404, "body": {"no": 1}}, True),
        (http(409, b"taken", "content-type: text/plain"), {"status": 409, "body": "taken"}, True),
    ],
)  # fmt: skip
@pytest.mark.anyio
async def test_what_an_answer_gives(outside: Settings, answer: bytes, value: Any, is_error: bool) -> None:
    async with serve(saying(answer)) as server:
        link = await opened(outside, server)
        found = await link.call("post_bill", {"body": {"total": 1}}, key="k", timeout_seconds=5)
        assert (found.value, found.is_error) == (value, is_error)
        assert server.seen[0].headers["x-api-key"] == "k"
        assert (server.seen[0].target, json.loads(server.seen[0].body)) == ("/v1/bills", {"total": 1})


@pytest.mark.parametrize(
    ("answer", "of_a_read", "of_a_write"),
    [
        (http(401), faults.SIGN_IN, faults.SIGN_IN),
        (http(429, b"", "retry-after: 5"), faults.RATE_LIMITED, faults.RATE_LIMITED),
        (http(500), faults.UNREACHABLE, faults.OUTCOME_UNKNOWN),
        (http(503), faults.UNREACHABLE, faults.OUTCOME_UNKNOWN),
        (http(408), faults.UNREACHABLE, faults.OUTCOME_UNKNOWN),
        (b"", faults.UNREACHABLE, faults.OUTCOME_UNKNOWN),
    ],
)
@pytest.mark.anyio
async def test_what_a_failure_says_about_the_outcome(
    outside: Settings, answer: bytes, of_a_read: str, of_a_write: str
) -> None:
    async with serve(saying(answer)) as server:
        link = await opened(outside, server)
        for tool, args, code in (
            ("getOrder", {"number": "1"}, of_a_read),
            ("post_bill", {"body": {"total": 1}}, of_a_write),
        ):
            with pytest.raises(ConnectorError) as caught:
                await link.call(tool, args, key="k", timeout_seconds=5)
            assert caught.value.code == code


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500])
@pytest.mark.parametrize(
    ("redirect", "unknown_of_a_write"),
    [(http(303, b"", "location: /v1/jobs/1"), True), (http(302, b"", "location: /v1/jobs/1"), True),
     (http(307, b"", "location: /v1/bills/"), False), (http(308, b"", "location: /v1/bills/"), False)],
)  # fmt: skip
@pytest.mark.anyio
async def test_what_stands_behind_a_redirect_says_nothing_about_the_write_that_was_redirected(
    outside: Settings, redirect: bytes, unknown_of_a_write: bool, status: int
) -> None:
    """But a redirect that asks for the same request elsewhere is followed by an answer to that request."""
    async with serve(saying(redirect, http(status))) as server:
        link = await opened(outside, server)
        assert (await _code_of(link, "post_bill", {"body": {"total": 1}}) == faults.OUTCOME_UNKNOWN) is (
            unknown_of_a_write or status == 500
        )
        assert [seen.method for seen in server.seen] == ["POST", "GET" if unknown_of_a_write else "POST"]
    async with serve(saying(redirect, http(status))) as server:
        link = await opened(outside, server)
        assert await _code_of(link, "getOrder", {"number": "1"}) != faults.OUTCOME_UNKNOWN


async def _code_of(link: OpenApiLink, tool: str, args: dict[str, Any]) -> str | None:
    try:
        answer = await link.call(tool, args, key="k", timeout_seconds=5)
    except ConnectorError as error:
        return error.code
    assert answer.is_error
    return None


@pytest.mark.anyio
async def test_the_answer_behind_a_redirect_is_the_answer(outside: Settings) -> None:
    async with serve(saying(http(303, b"", "location: /v1/jobs/1"), http(200, b'{"job": 1}', JSON))) as server:
        link = await opened(outside, server)
        answer = await link.call("post_bill", {"body": {"total": 1}}, key="k", timeout_seconds=5)
        assert (answer.value, answer.is_error) == ({"job": 1}, False)


@pytest.mark.anyio
async def test_a_large_answer_is_shortened_with_a_mark(outside: Settings) -> None:
    settings = outside.model_copy(update={"tool_result_chars_max": 1000})
    async with serve(saying(http(200, json.dumps({"a": "x" * 5000}).encode(), JSON))) as server:
        link = await opened(settings, server)
        value = (await link.call("getOrder", {"number": "1"}, key=None, timeout_seconds=5)).value
        assert (value["is_truncated"], len(value["beginning"])) == (True, 1001)


@pytest.mark.anyio
async def test_arguments_that_do_not_fit_are_never_sent(outside: Settings) -> None:
    async with serve(saying(http(200))) as server:
        link = await opened(outside, server)
        for args in ({}, {"body": {"total": 0}}, {"body": {"total": 1}, "more": 1}, {"body": []}):
            with pytest.raises(ConnectorError) as caught:
                await link.call("post_bill", args, key="k", timeout_seconds=5)
            assert caught.value.code == faults.BAD_ARGUMENTS
        assert server.seen == []


@pytest.mark.anyio
async def test_a_document_from_another_host_is_fetched_without_the_login(outside: Settings) -> None:
    async with serve(saying(http(200, json.dumps(DOCUMENT).encode()))) as documents, serve(saying(http(200))) as api:
        link = await open_openapi(
            outside, {"url": documents.url("/d"), "base_url": api.url("/"), "headers": {"X-Api-Key": "k"}}
        )
        await link.call("getOrder", {"number": "1"}, key=None, timeout_seconds=5)
        assert "x-api-key" not in documents.seen[0].headers
        assert api.seen[0].headers["x-api-key"] == "k"
