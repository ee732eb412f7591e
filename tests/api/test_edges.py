"""What every request meets before a route is asked: heads, bodies, rates; and what every answer carries."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable, Generator, MutableMapping
from typing import Any

import pytest

from signoff.api.address_rate import AddressRate
from signoff.api.shared_rates import SharedRates
from signoff.api.slow_body import BodyDeadline
from signoff.people.actions import create_key
from signoff.web import pages, shell, switching
from signoff.web.security import POLICY
from tests.api.sweep import operations
from tests.api.world import World, make_world

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

JSON = {"Content-Type": "application/json"}
EXECUTE = "/v1/acme/agents/helper:execute"
Asgi = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


@pytest.fixture
def counted(settings: Any) -> Generator[World]:
    """A world with small limits: 5 a minute for a caller, 8 for a workspace."""
    made = make_world(settings.model_copy(update={"rate_per_minute": 5, "rate_workspace_per_minute": 8}))
    yield made
    made.close()


# Rates


def test_a_key_a_workspace_and_the_others(counted: World) -> None:
    with counted.store.write() as session:
        keys = [create_key(session, counted.alice, name=f"k{number}").key for number in range(3)]
    answers = []
    for key in keys:
        with counted.client(key=key) as client:
            answers.append([client.get("/v1/me") for _ in range(7)])
    statuses = [[answer.status_code for answer in of_key] for of_key in answers]
    assert statuses == [[200] * 5 + [429] * 2, [200] * 3 + [429] * 4, [429] * 7]
    told = [of_key[place].json()["detail"].split(".")[0] for place, of_key in zip((6, 6, 0), answers, strict=True)]
    assert told == ["Too many requests", "Too many requests", "The workspace sends too many requests"]
    last = answers[2][0]
    assert (last.headers["RateLimit-Limit"], last.headers["RateLimit-Remaining"]) == ("8", "0")
    assert 1 <= int(last.headers["Retry-After"]) <= 61
    assert last.headers["Retry-After"] == last.headers["RateLimit-Reset"]
    with counted.client(key=counted.keys["charlie"]) as charlie:
        assert [charlie.get("/v1/me").status_code for _ in range(5)] == [200] * 5, "the neighbour waits for nobody"


def test_wrong_keys_are_counted_by_address_and_do_not_stop_right_ones(counted: World) -> None:
    with counted.client(key="so_aaaaaaaaaa_" + "b" * 43) as forger:
        seen = [forger.get("/v1/me") for _ in range(7)]
    assert [answer.status_code for answer in seen] == [401] * 5 + [429] * 2
    assert int(seen[-1].headers["Retry-After"]) >= 1
    with counted.client(key=counted.keys["charlie"]) as charlie:
        assert charlie.get("/v1/me").status_code == 200


def test_an_address_is_counted_on_every_page_but_not_for_browser_files(counted: World) -> None:
    with counted.client() as nobody:
        for _ in range(60):
            assert nobody.get("/static/app.css").status_code == 200
        seen = [nobody.get("/sign-in").status_code for _ in range(52)]
        api = nobody.get("/v1/me")
    assert seen == [200] * 50 + [429] * 2
    assert (api.status_code, api.json()["code"]) == (429, "too_many_requests")
    assert int(api.headers["Retry-After"]) >= 1


def test_addresses_do_not_wait_for_each_other(backend: str) -> None:
    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    app = AddressRate(answer, SharedRates(2))
    statuses = [ask(app, client=(address, 1))["status"] for address in ("10.0.0.1", "10.0.0.2") * 3]
    assert statuses == [200, 200, 200, 200, 429, 429]


# Bodies


def ask(app: Asgi, *, body: list[bytes] | None = None, never: bool = False, **scope: Any) -> dict[str, Any]:
    """Ask an application without a server; `never`: the body does not end."""
    pieces = list(body or [b""])
    told: dict[str, Any] = {"body": b""}

    async def receive() -> dict[str, Any]:
        if not pieces:
            await asyncio.sleep(3600)
        piece = pieces.pop(0)
        return {"type": "http.request", "body": piece, "more_body": never or bool(pieces)}

    async def send(message: Any) -> None:
        told["body"] += message.get("body", b"")
        if message["type"] == "http.response.start":
            told["status"] = message["status"]
            told["headers"] = {name.decode().lower(): value.decode() for name, value in message["headers"]}

    whole = {
        "type": "http", "method": "POST", "path": "/x", "raw_path": b"/x", "query_string": b"", "headers": [],
        "client": ("10.0.0.1", 1), "server": ("127.0.0.1", 80), "scheme": "http", "http_version": "1.1", **scope,
    }  # fmt: skip
    asyncio.run(asyncio.wait_for(app(whole, receive, send), 20))
    return told


@pytest.mark.parametrize("path", [EXECUTE, "/sign-in", "/v1/acme/keys"])
def test_a_body_that_does_not_come_is_408(settings: Any, path: str) -> None:
    world = make_world(settings.model_copy(update={"request_seconds_max": 0.2}))
    kind = b"application/x-www-form-urlencoded" if path == "/sign-in" else b"application/json"
    headers = [(b"host", b"127.0.0.1"), (b"content-type", kind)]
    headers += [(b"authorization", f"Bearer {world.keys['admin']}".encode())]
    try:
        told = ask(world.app, body=[b'{"input":', b"1"], never=True, path=path, raw_path=path.encode(), headers=headers)
    finally:
        world.close()
    assert told["status"] == 408, told
    assert json.loads(told["body"])["code"] == "body_too_slow"
    assert told["headers"]["connection"] == "close"
    assert told["headers"]["content-security-policy"] == POLICY


def test_what_comes_after_the_body_has_no_deadline(backend: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        listening = asyncio.create_task(receive())
        await asyncio.sleep(0.2)
        assert not listening.done()
        listening.cancel()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    assert ask(BodyDeadline(app, seconds=0.05))["body"] == b"done"


def test_a_body_too_long_is_413_also_when_it_does_not_say_so(settings: Any) -> None:
    world = make_world(settings.model_copy(update={"request_bytes_max": 1_000}))
    try:
        with world.client(key=world.keys["admin"]) as client:
            for content in (b"x" * 1_001, (piece for piece in (b"x" * 600, b"x" * 600))):
                answer = client.post(EXECUTE, content=content, headers=JSON)
                assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    finally:
        world.close()


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "application/json"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencodedx"},
        {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"},
        {},
    ],
)
def test_pages_take_the_fields_of_forms_and_nothing_else(world: World, headers: dict[str, str]) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="name"; filename="/etc/passwd"\r\n\r\nx\r\n--x--\r\n'
    with world.client(session=world.tokens["owner"]) as client:
        answer = client.post("/w/acme/settings/keys", content=body, headers=headers)
    assert answer.status_code in (415, 422), answer.text
    assert answer.status_code == 415 or "Content-Encoding" in headers


def test_a_form_without_a_field_needs_no_kind(world: World) -> None:
    with world.client(session=world.tokens["owner"]) as client:
        made = client.post(f"/w/acme/settings/keys/{world.ids['key']}/rotate")
    assert made.status_code == 200


# Heads


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([(b"x-a", b"x" * 40_000)], 431),
        ([(b"x-a", b"x")] * 101, 431),
        ([(b"content-length", b"2"), (b"content-length", b"3")], 400),
        ([(b"content-length", b"2"), (b"transfer-encoding", b"chunked")], 400),
        ([(b"x-a", b"one\r\nx-user-role: admin")], 400),
        ([(b"x-a", b"\x00")], 400),
        ([(b"x-a", b"a\tb")], 200),
    ],
)
def test_heads_nobody_sends(world: World, headers: list[tuple[bytes, bytes]], status: int) -> None:
    host = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {world.keys['admin']}".encode())]
    told = ask(world.app, method="GET", path="/v1/me", raw_path=b"/v1/me", headers=host + headers)
    assert told["status"] == status, told
    assert told["headers"]["content-security-policy"] == POLICY


# Answers


def all_answers(world: World) -> Generator[tuple[str, Any]]:
    """One answer of every address of the product, signed in and not, and of what goes wrong."""
    inside = [str(vars(route)["path"]) for router in (*pages.INSIDE, shell.inside) for route in router.routes]
    entry = [
        str(vars(route)["path"]) for router in (*pages.ENTRY, shell.router, switching.router) for route in router.routes
    ]
    api = [operation.path for operation in operations()]
    paths = sorted({*(pages.BASE + path for path in inside), *entry, *api, "/static/{name:path}", "/v1/openapi.json"})
    assert len(paths) > 100
    with world.client(session=world.tokens["owner"]) as alice, world.client() as nobody:
        for template in paths:
            path = template
            for name, value in {**world.ids, "name": "app.css", "workspace": "acme", "token": "set_x"}.items():
                path = path.replace("{" + name + "}", str(value)).replace("{" + name + ":path}", str(value))
            if "{" in path or path.endswith("/events") or "stream" in path or not path:
                continue
            for client in (alice, nobody):
                for method in ("GET", "POST", "OPTIONS"):
                    yield f"{method} {path}", client.request(method, path)
        for path in ("/nowhere", "/v1/nowhere", "/static/none", "/v1//x", "/w/none/agents"):
            yield path, alice.get(path)
        yield "bad host", alice.get("/v1/me", headers={"Host": "evil.example"})
        yield "cross site", alice.post("/theme", headers={"Sec-Fetch-Site": "cross-site"})
        yield "broken", alice.post("/v1/acme/agents", content=b"{", headers=JSON)


def test_every_answer_carries_every_header(world: World) -> None:
    seen = 0
    for what, answer in all_answers(world):
        seen += 1
        headers = answer.headers
        assert answer.status_code != 500, (what, answer.text)
        assert headers["x-content-type-options"] == "nosniff", what
        assert headers["referrer-policy"] in ("same-origin", "no-referrer"), what
        assert headers["x-frame-options"] == "DENY", what
        assert "default-src 'none'" in headers["content-security-policy"], what
        assert "unsafe" not in headers["content-security-policy"], what
        assert headers["cross-origin-opener-policy"] == "same-origin", what
        assert headers["cross-origin-resource-policy"] == "same-origin", what
        assert "camera=()" in headers["permissions-policy"], what
        assert headers["x-request-id"].startswith("req_"), what
        assert "access-control-allow-origin" not in headers, what
        assert "server" not in headers, what
        if "/static/" not in what:
            assert headers["cache-control"] in ("no-store", "private, no-cache"), what
    assert seen > 300


def test_a_crash_carries_them_too_and_tells_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError("the inside of it")

    monkeypatch.setattr("signoff.people.queries.workspace", crash)
    for path, session in (("/v1/me", "owner"), ("/w/acme", "owner")):
        with world.client(session=world.tokens[session]) as client:
            answer = client.get(path)
        assert answer.status_code == 500
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] in ("no-store", "private, no-cache")
        assert answer.headers["x-request-id"] in answer.text
        assert "the inside" not in answer.text


def test_https_is_remembered_when_it_is_there(settings: Any) -> None:
    world = make_world(settings.model_copy(update={"is_https": True}))
    try:
        with world.client() as nobody:
            for path in ("/v1/me", "/nowhere", "/static/app.css"):
                assert nobody.get(path).headers["strict-transport-security"].startswith("max-age=31536000")
    finally:
        world.close()


# Another site's page


SITES = ("same-origin", "none", "same-site", "cross-site", None)
ORIGINS = ("http://127.0.0.1", "https://evil.example", "http://127.0.0.1:9", "null", None)


def test_who_may_act_from_where(world: World) -> None:
    """A cookie acts from this site's pages only; a key acts from anywhere, because no other site has it."""
    for proof, site, origin in itertools.product(("cookie", "key", "both", "nothing"), SITES, ORIGINS):
        headers = {name: value for name, value in (("Sec-Fetch-Site", site), ("Origin", origin)) if value}
        if proof in ("key", "both"):
            headers["Authorization"] = f"Bearer {world.keys['admin']}"
        with world.client() as client:
            if proof in ("cookie", "both"):
                client.cookies.set("session", world.tokens["owner"])
            answer = client.patch("/v1/acme/agents/helper", json={"description": "x"}, headers=headers)
        is_here = site in ("same-origin", "none") or (site is None and origin == ORIGINS[0])
        if proof == "key":
            expected = 200
        elif proof == "nothing":
            expected = 401 if is_here or (site is None and origin is None) else 403
        else:
            expected = 200 if is_here else 403
        assert answer.status_code == expected, (proof, site, origin, answer.text)
        if expected == 403:
            assert answer.json()["code"] == "cross_site_request"
