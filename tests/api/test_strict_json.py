"""Bodies, addresses and headers that are wrong are told so, and never break anything."""

from __future__ import annotations

import json
import re

import pytest
from pydantic import ValidationError

from signoff.api import strict_json
from signoff.api.shapes import Body
from signoff.kit.errors import Malformed
from tests.api.world import World

WRONG: list[tuple[bytes, int]] = [
    (b"", 422),
    (b"{", 400),
    (b"[]", 422),
    (b"null", 422),
    (b'{"a":1,"a":2}', 400),
    (b'{"input":NaN}', 400),
    (b'{"input":Infinity}', 400),
    (b'{"input":1e999}', 422),
    (b'{"input":' + b"1" * 100_000 + b"}", 422),
    (b'{"input":9223372036854775808}', 422),
    (b'{"input":-9223372036854775809}', 422),
    (b'{"input":"\\u0000"}', 422),
    (b'{"input":{"\\u0000":1}}', 422),
    (b'{"input":"\\ud800"}', 422),
    (b'\xef\xbb\xbf{"input":1}', 400),
    ('{"input":1}'.encode("utf-16"), 400),
    (b'{"input":"\xff"}', 400),
    (b'{"input":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
    (b'{"input":[' + b"1," * 200_000 + b"1]}", 400),
    (b'{"input":1,"workspace_id":"ws_x"}', 422),
    (b'{"input":1,"wait":-1}', 422),
    (b'{"input":1,"wait":1e9}', 422),
    (b'{"input":1,"environment":"../../x"}', 422),
]


@pytest.mark.parametrize(("body", "status"), WRONG)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_wrong_body_is_a_problem_document(world: World, body: bytes, status: int) -> None:
    with world.client(key=world.keys["runner"]) as client:
        answer = client.post(
            "/v1/acme/agents/helper:execute", content=body, headers={"Content-Type": "application/json"}
        )
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "instance", "code", "errors"} <= set(problem)
    assert problem["status"] == status


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_whoever_is_not_known_hears_that_first(world: World) -> None:
    with world.client() as nobody:
        assert (
            nobody.post("/v1/acme/agents", content=b"{", headers={"Content-Type": "application/json"}).status_code
            == 401
        )


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content-Type": "application/json; charset=utf-16"}, 415),
        ({"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
        ({"Content-Type": "application/json; charset=UTF-8"}, 202),
    ],
)
@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_only_json_in_utf8_is_read(world: World, headers: dict[str, str], status: int) -> None:
    with world.client(key=world.keys["runner"]) as client:
        answer = client.post("/v1/acme/agents/helper:execute", content=b'{"input":{"a":1}}', headers=headers)
    assert answer.status_code == status


@pytest.mark.parametrize(
    "path",
    [
        "/v1/acme/runs/%00",
        "/v1/acme/runs?text=%00",
        "/v1/acme/runs/run_%0a",
        "/v1//acme/runs",
        "/v1/acme/../other/runs",
        "/v1/acme/runs/%ff",
        "/v1/acme/runs?cursor=%F0%9F%92%A9",
        "/v1/acme/runs?cursor=WyJcdTAwMDAiXQ",
        "/v1/acme/runs?size=0",
        "/v1/acme/runs?size=201",
        "/v1/acme/runs?size=99999999999999999999",
        "/v1/acme/runs?since=0001-01-01T00:00:00%2B14:00",
        "/v1/acme/runs?since=9999-12-31T23:59:59-14:00",
        "/v1/acme/runs?since=yesterday",
        "/v1/acme/runs?revision=99999999999999999999999",
        "/v1/acme/agents/helper/revisions/999999999",
        "/v1/acme/audit?cursor=WzFd",
        "/v1/acme/members?cursor=WzFd",
        "/v1/acme/members?cursor=WyJhIl0",
    ],
)
def test_odd_addresses_are_4xx_or_plain_answers_on_both_databases(world: World, path: str) -> None:
    with world.client(key=world.keys["admin"]) as client:
        answer = client.get(path)
    assert answer.status_code < 500, answer.text
    assert answer.status_code == 200 or answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1@evil.example", "127.0.0.1/x", "127.0.0.1#x", "a b", ""])
def test_other_names_than_ours_get_nothing(world: World, host: str) -> None:
    with world.client(key=world.keys["admin"]) as client:
        assert client.get("/v1/me", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_two_different_keys_are_one_too_many(world: World) -> None:
    with world.client(key=world.keys["admin"]) as client:
        answer = client.get("/v1/me", headers={"x-agent-api-key": world.keys["runner"]})
        assert (answer.status_code, answer.json()["code"]) == (400, "two_keys")
        assert client.get("/v1/me", headers={"x-agent-api-key": world.keys["admin"]}).status_code == 200


def test_what_json_allows_is_read() -> None:
    for value in ({}, [], {"a": [1, -1.5, 2**63 - 1, "é", "😀", None, True, {"b": {}}]}, "x", 0, [[[]]] * 10):
        assert strict_json.loads(json.dumps(value).encode()) == value


def test_depth_and_size_have_limits_of_their_own() -> None:
    def nested(depth: int) -> bytes:
        return b"[" * depth + b"]" * depth

    assert strict_json.loads(nested(60)) is not None
    with pytest.raises(Malformed) as deep:
        strict_json.loads(nested(61))
    assert deep.value.code == "too_deep"


def bodies(of: type[Body]) -> list[type[Body]]:
    return [one for below in of.__subclasses__() for one in (below, *bodies(below))]


def refuses(body: type[Body], field: str, value: object) -> bool:
    try:
        body.model_validate({field: value})
    except ValidationError as error:
        return any(one["loc"][:1] == (field,) for one in error.errors())
    return False


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_true_is_no_number_in_any_body(world: World) -> None:
    assert world
    numbers = [
        (body, name)
        for body in bodies(Body)
        for name, field in body.model_fields.items()
        if re.search(r"\b(int|Decimal|float)\b", str(field.annotation)) and "bool" not in str(field.annotation)
    ]
    assert ("NewVouching", "days") in {(body.__name__, name) for body, name in numbers}
    assert [f"{body.__name__}.{name}" for body, name in numbers if not refuses(body, name, True)] == []


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_word_does_not_stand_for_true_days(world: World) -> None:
    word = {
        "environment": "production",
        "probe": "owner.runbook",
        "kind": "attest",
        "reason": "It is so.",
        "days": True,
    }
    with world.client(key=world.keys["admin"]) as client:
        answer = client.post("/v1/acme/agents/helper/vouchings", json=word)
    assert (answer.status_code, answer.json()["errors"]) == (422, {"days": ["Write a number, not true or false."]})
