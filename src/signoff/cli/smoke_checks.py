"""What `signoff smoke` asserts: content, not that something answers. The same on staging and production.

Each check asks once and gives rows of what was expected and what was seen. Without `--agent` nothing is changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

from signoff.cli.remote import Reply, Unreachable, Visitor

_PROBLEM = "application/problem+json"
_PARTS = ("database", "migrations", "worker", "queue")
_PATHS_MIN = 50
_EXECUTE = "/v1/{workspace}/agents/{agent}:execute"
# Names nobody can have taken: a slug begins with a letter, and a key with so_ and more than this.
_NOBODYS_KEY, _NOBODYS_WORKSPACE = "so_smoke", "smoke-no-such-workspace"


@dataclass(frozen=True, slots=True)
class Row:
    """One check: what was expected and what was seen."""

    check: str
    expected: str
    seen: str
    ok: bool
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Target:
    """What is asked, and with what: `version` None takes whatever the server says it is."""

    visitor: Visitor
    key: str | None = None
    version: str | None = None


Check = Callable[[Target], Generator[Row]]


def rows_of(target: Target, checks: tuple[Check, ...]) -> Generator[Row]:
    """Yield the rows of each check; one without an answer is a row that failed."""
    for check in checks:
        try:
            yield from check(target)
        except Unreachable as error:
            yield Row(check.__name__.strip("_").replace("_", " "), "an answer", f"none ({error})", False, 0)


def _row(check: str, expected: str, reply: Reply, seen: str, is_ok: bool) -> Row:
    return Row(check, expected, seen[:200], is_ok, reply.milliseconds)


def _member(value: Any, *names: str) -> Any:
    """Return a member of a JSON value, None where there is none."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return value  # pyright: ignore[reportUnknownVariableType]


def _live(target: Target) -> Generator[Row]:
    reply = target.visitor.ask("GET", "/v1/health/live")
    version = _member(reply.json, "version")
    wanted = target.version or "some version"
    is_ok = reply.status == 200 and _member(reply.json, "ok") is True and bool(version)
    is_ok = is_ok and target.version in (None, version)
    yield _row("live", f"200, ok, {wanted}", reply, f"{reply.status}, {version}", is_ok)


def _ready(target: Target) -> Generator[Row]:
    reply = target.visitor.ask("GET", "/v1/health/ready")
    for part in _PARTS:
        word = _member(reply.json, "checks", part)
        yield _row(part, "ok", reply, str(word), word == "ok")
    is_ok = reply.status == 200 and _member(reply.json, "ok") is True
    yield _row("ready", "200, ok", reply, f"{reply.status}, ok: {_member(reply.json, 'ok')}", is_ok)
    order = _member(reply.json, "maintenance")
    is_open = isinstance(reply.json, Mapping) and order is None
    yield _row("maintenance", "none", reply, "none" if is_open else str(order), is_open)


def _without_a_key(target: Target) -> Generator[Row]:
    yield _refused(target, "read without a key", 401, "AGENT_API_KEY_MISSING", "GET", "/v1/me")
    path = _EXECUTE.format(workspace=_NOBODYS_WORKSPACE, agent="smoke")
    yield _refused(target, "run without a key", 401, "AGENT_API_KEY_MISSING", "POST", path, body={"input": {}})
    yield _refused(target, "a wrong key", 401, "AGENT_API_KEY_INVALID", "GET", "/v1/me", key=_NOBODYS_KEY)
    yield _refused(target, "no such address", 404, "not_found", "GET", "/v1/smoke/no/such/address")


def _refused(
    target: Target, check: str, status: int, code: str, method: str, path: str, *, key: str | None = None,
    body: Any = None,
) -> Row:  # fmt: skip
    reply = target.visitor.ask(method, path, key=key, body=body)
    told = _member(reply.json, "code")
    kind = reply.headers.get("content-type", "").partition(";")[0]
    is_ok = (reply.status, told, kind) == (status, code, _PROBLEM)
    return _row(check, f"{status} {code}", reply, f"{reply.status} {told} ({kind})", is_ok)


def _openapi(target: Target) -> Generator[Row]:
    reply = target.visitor.ask("GET", "/v1/openapi.json")
    paths = _member(reply.json, "paths")
    count = len(paths) if isinstance(paths, Mapping) else 0  # pyright: ignore[reportUnknownArgumentType]
    dialect, version = str(_member(reply.json, "openapi")), _member(reply.json, "info", "version")
    is_ok = reply.status == 200 and dialect.startswith("3.1") and count >= _PATHS_MIN and _EXECUTE in paths
    is_ok = is_ok and target.version in (None, version)
    wanted = f"200, OpenAPI 3.1, {target.version or 'a version'}, {_PATHS_MIN} paths or more"
    yield _row("OpenAPI", wanted, reply, f"{reply.status}, OpenAPI {dialect}, {version}, {count} paths", is_ok)


def _pages(target: Target) -> Generator[Row]:
    reply = target.visitor.ask("GET", "/sign-in")
    has_form = 'name="password"' in reply.text and "Sign in" in reply.text
    is_guarded = "default-src 'none'" in reply.headers.get("content-security-policy", "")
    seen = f"{reply.status}, {'a' if has_form else 'no'} password field, {'a' if is_guarded else 'no'} policy"
    is_ok = reply.status == 200 and has_form and is_guarded
    yield _row("sign-in page", "200, a password field, a policy", reply, seen, is_ok)
    for name, kind, mark in (("app.css", "text/css", ":root"), ("app.js", "text/javascript", "htmx")):
        yield _asset(target, reply.text, name, kind, mark)


def _asset(target: Target, page: str, name: str, kind: str, mark: str) -> Row:
    """Ask for a browser file under the address that the page names, which holds its hash."""
    wanted = f"200 {kind}, whole"
    stem, _, end = name.partition(".")
    found = re.search(rf'(?:href|src)="(/static/[^"]*{stem}[^"]*\.{end}[^"]*)"', page)
    if found is None:
        return Row(name, wanted, "the page does not name it", False, 0)
    reply = target.visitor.ask("GET", found[1])
    told = reply.headers.get("content-type", "").partition(";")[0]
    is_whole = mark in reply.text
    seen = f"{reply.status} {told}, {'whole' if is_whole else 'not what it should be'}"
    return _row(name, wanted, reply, seen, (reply.status, told, is_whole) == (200, kind, True))


def _with_a_key(target: Target) -> Generator[Row]:
    me = target.visitor.ask("GET", "/v1/me", key=target.key)
    workspace = _member(me.json, "workspace")
    yield _row("the key", "200, its workspace", me, f"{me.status}, {workspace}", me.status == 200 and bool(workspace))
    reply = target.visitor.ask("GET", f"/v1/{workspace}/agents?size=5", key=target.key)
    items = _member(reply.json, "items")
    count = len(items) if isinstance(items, list) else None  # pyright: ignore[reportUnknownArgumentType]
    is_ok = reply.status == 200 and count is not None
    yield _row("agents", "200, a list", reply, f"{reply.status}, {'no list' if count is None else count}", is_ok)
    # What no key may do, whatever its preset; and what is in another workspace.
    yield _refused(target, "beyond the key", 403, "not_allowed", "GET", "/v1/instance/workspaces", key=target.key)
    path = f"/v1/{_NOBODYS_WORKSPACE}/agents"
    yield _refused(target, "another workspace", 404, "not_found", "GET", path, key=target.key)


ANYBODY: tuple[Check, ...] = (_live, _ready, _without_a_key, _openapi, _pages)
WITH_KEY: tuple[Check, ...] = (*ANYBODY, _with_a_key)
