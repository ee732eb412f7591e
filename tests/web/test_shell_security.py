"""The rules every request meets before any page does."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from signoff.web.security import POLICY, BodyLimit, RequestId, SameOrigin, SecurityHeaders

COOKIE = {"cookie": "session=abc"}


async def act(request: Request) -> Response:
    body = await request.body()
    return PlainTextResponse(f"{len(body)} {request.state.request_id}")


def client(**https: bool) -> TestClient:
    app = Starlette(
        routes=[Route("/{path:path}", act, methods=["GET", "POST"])],
        middleware=[
            Middleware(RequestId, is_proxy_trusted=True),
            Middleware(SecurityHeaders, **https),
            Middleware(SameOrigin, public_origins=["https://signoff.example"]),
            Middleware(BodyLimit, bytes_max=100, larger={"/big": 1_000}),
        ],
    )
    return TestClient(app, base_url="http://here.example:8000")


@pytest.mark.parametrize(
    "headers",
    [
        {**COOKIE, "sec-fetch-site": "same-origin"},
        {**COOKIE, "sec-fetch-site": "none"},
        {**COOKIE, "origin": "http://here.example:8000"},
        {**COOKIE, "origin": "https://signoff.example"},
        {},
        {"authorization": "Bearer k", "origin": "https://other.example", "sec-fetch-site": "cross-site"},
        {"x-agent-api-key": "k"},
    ],
)
def test_own_pages_and_keys_may_act(headers: dict[str, str]):
    assert client().post("/x", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {**COOKIE, "sec-fetch-site": "cross-site"},
        {**COOKIE, "sec-fetch-site": "same-site"},
        {**COOKIE, "sec-fetch-site": "cross-site", "authorization": "Bearer k"},
        {**COOKIE, "origin": "null"},
        {**COOKIE, "origin": "http://evil.here.example:8000"},
        {**COOKIE, "origin": "http://here.example:9999"},
        {**COOKIE, "origin": "http://[broken"},
        {**COOKIE},
        {"cookie": "a=b; __Host-session=x"},
        {"origin": "https://other.example"},
        {"sec-fetch-site": "cross-site"},
    ],
)
def test_other_sites_may_not_act(headers: dict[str, str]):
    answer = client().post("/x", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["code"] == "cross_site_request"
    assert answer.headers["content-security-policy"] == POLICY


def test_reading_is_never_refused():
    assert client().get("/x", headers={**COOKIE, "sec-fetch-site": "cross-site"}).status_code == 200


def test_headers_are_on_every_answer_also_on_a_refusal():
    for answer in (client().get("/x"), client().post("/x", content=b"x" * 101)):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert "strict-transport-security" not in answer.headers
    assert "strict-transport-security" in client(is_https=True).get("/x").headers


def test_a_body_over_the_limit_is_refused_with_and_without_a_length():
    def chunks():
        yield b"x" * 60
        yield b"x" * 60

    assert client().post("/x", content=b"x" * 100).status_code == 200
    for content in (b"x" * 101, chunks()):
        answer = client().post("/x", content=content)
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert client().post("/big/x", content=b"x" * 1_000).status_code == 200
    assert client().post("/x", content=b"x", headers={"content-length": "9" * 30}).status_code == 413


def test_a_browser_reads_words_not_json():
    answer = client().post("/x", headers={**COOKIE, "accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/plain")
    assert "another site" in answer.text


def test_each_request_has_a_name():
    answer = client().get("/x")
    assert answer.text.endswith(answer.headers["x-request-id"])
    assert client().get("/x", headers={"x-request-id": "edge-12345678"}).headers["x-request-id"] == "edge-12345678"
    assert client().get("/x", headers={"x-request-id": 'a"\t<b>'}).headers["x-request-id"].startswith("req_")
