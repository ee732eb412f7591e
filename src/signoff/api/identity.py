"""Who is calling: a key, or a signed-in browser on our own pages. A dependency of each route, never a rule on paths."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPBearer
from sqlalchemy.orm import Session
from starlette.requests import Request

from signoff.api.house import House, house_of
from signoff.api.strict_json import NotReadable
from signoff.kit.errors import NotFound, NotSignedIn, Refusal, TooMuch
from signoff.kit.networks import counted_as
from signoff.kit.rates import Grant
from signoff.people import key_queries, queries
from signoff.people.access import Principal
from signoff.people.actions import accept_by_looking, note_key_used, note_revoked_key_used, note_session_seen
from signoff.people.facts import Seen
from signoff.people.key_queries import RevokedKey
from signoff.people.roles import PERMISSIONS, ROLES, Role
from signoff.people.sign_in_rules import sentence_of
from signoff.tables.walls import bind

# Only for the OpenAPI document: the values are read below, from the headers themselves.
_BEARER = HTTPBearer(auto_error=False, scheme_name="key", description="`Authorization: Bearer so_…`")
_AGENT_KEY = APIKeyHeader(name="x-agent-api-key", auto_error=False, scheme_name="agentKey")
_COOKIE = APIKeyCookie(name="session", auto_error=False, scheme_name="session", description="Our own pages.")

COOKIE, SECURE_COOKIE = "session", "__Host-session"
# In the state of a request that is a call of a tool: the operation it is a call of. Only this process writes there.
TOOL = "tool"
# Names other products give their roles in `x-user-role`.
_ROLE_WORDS: dict[str, Role] = {"admin": "administrator", "provider": "builder"}


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the request brought: a key or a session's token."""

    key: str | None = None
    session: str | None = None


def credentials_of(request: Request) -> Credentials:
    """Return what the request brought to prove who it is.

    Raises:
        NotSignedIn: nothing.
        NotReadable: two different keys.
    """
    keys = {value.strip() for value in request.headers.getlist("x-agent-api-key") if value.strip()}
    for line in request.headers.getlist("authorization"):
        scheme, _, value = line.strip().partition(" ")
        if scheme.lower() != "bearer" or not value.strip():
            raise NotSignedIn("Send the key as `Authorization: Bearer so_…`.", code="AGENT_API_KEY_INVALID")
        keys.add(value.strip())
    if len(keys) > 1:
        raise NotReadable("The request brings two different keys. Send one.", code="two_keys")
    if keys:
        return Credentials(key=keys.pop())
    # With https only the prefixed cookie counts: a neighbouring host can set the other one.
    token = request.cookies.get(SECURE_COOKIE if house_of(request).settings.is_https else COOKIE)
    if token:
        return Credentials(session=token)
    raise NotSignedIn(
        "Send an API key: `Authorization: Bearer so_…` or `x-agent-api-key: so_…`. "
        "A key is made under Settings, or with `signoff keys create`.",
        code="AGENT_API_KEY_MISSING",
    )


async def principal_of(
    house: House, credentials: Credentials, workspace: str | None, address: str | None = None
) -> Principal:
    """Return the caller, inside the workspace asked for.

    Raises:
        NotSignedIn: the key or session is not good (any more).
        NotFound: it belongs to another workspace.
    """
    store = house.door  # Whose workspace it is, is what is being asked.
    seen = await store.read_async(_look_up, credentials, workspace, house.settings.session_idle_seconds)
    if seen.is_touch_due:
        if credentials.key:
            await store.write_async(note_key_used, seen.row_id, address)
        else:
            await store.write_async(note_session_seen, seen.row_id)
    if seen.is_first_look:
        await store.write_async(accept_by_looking, seen.principal)
    return seen.principal


def _look_up(session: Session, credentials: Credentials, workspace: str | None, idle_seconds: int) -> Seen:
    if credentials.key is None:
        return queries.principal_of_session(
            session, credentials.session or "", idle_seconds=idle_seconds, workspace_slug=workspace
        )
    seen = key_queries.principal_of_key(session, credentials.key)
    if workspace is not None and workspace != seen.workspace_slug:
        raise NotFound("There is no such workspace, or you do not belong to it.")
    return seen


async def caller(
    request: Request,
    _bearer: Annotated[object, Security(_BEARER)] = None,
    _agent_key: Annotated[object, Security(_AGENT_KEY)] = None,
    _cookie: Annotated[object, Security(_COOKIE)] = None,
) -> Principal:
    """Return who calls, counted against their rate; every route of the API that is not public depends on this."""
    principal = await known_caller(request)
    await counted(request, principal)
    unreadable: Refusal | None = getattr(request.state, "unreadable", None)
    if unreadable is not None:
        raise unreadable
    return narrowed(principal, request.headers.getlist("x-user-role"))


async def known_caller(request: Request) -> Principal:
    """Return who calls, and bind the request to their workspace. Only who is nobody is counted.

    Raises:
        NotSignedIn: no key and no session, or one that is not good.
        NotFound: another workspace's; or a tool whose arguments lead to another operation than its own.
    """
    house = house_of(request)
    knocks, address = house.knocks, address_of(request)
    try:
        credentials = credentials_of(request)
        principal = await principal_of(house, credentials, request.path_params.get("workspace"), address)
    except NotSignedIn as refusal:
        if isinstance(refusal, RevokedKey):
            await house.door.write_async(note_revoked_key_used, refusal.key_id, refusal.reason, address)
        _spend(request, await knocks.take(counted_as(address)))
        raise invalid_key(refusal) from None
    bind(principal.workspace_id)  # From here on the database shows this request nothing of another workspace.
    request.state.credentials = credentials
    tool: str | None = getattr(request.state, TOOL, None)
    if tool is None:
        return principal
    if request.scope["route"].name != tool:
        raise NotFound("There is no such thing in this workspace.")
    return replace(principal, origin="mcp")


async def counted(request: Request, principal: Principal) -> None:
    """Count the request for its caller and for their workspace.

    Raises:
        TooMuch: one of them asks too often.
    """
    house = house_of(request)
    _spend(request, await house.callers.take(principal.key_id or principal.id))
    _spend(request, await house.crowds.take(principal.workspace_id), "The workspace sends too many requests.")


def invalid_key(refusal: NotSignedIn) -> NotSignedIn:
    """Return the refusal with the code programs look for; revoked, expired and unknown keys are told alike."""
    if refusal.code in ("AGENT_API_KEY_MISSING", "session_over") or sentence_of(refusal.code):
        return refusal
    return NotSignedIn(refusal.detail, code="AGENT_API_KEY_INVALID")


def _spend(request: Request, grant: Grant, fact: str = "Too many requests.") -> None:
    known: Grant | None = getattr(request.state, "rate", None)
    # The answer tells of the limit that is reached first.
    if known is None or not grant.is_allowed or grant.remaining < known.remaining:
        request.state.rate = grant
    if not grant.is_allowed:
        raise TooMuch(
            f"{fact} Try again in {grant.reset_seconds} seconds.",
            retry_after_seconds=grant.reset_seconds,
            code="too_many_requests",
        )


def address_of(request: Request) -> str:
    """Return the network address of the client; uvicorn has already replaced a trusted proxy's by its client's."""
    return request.client.host if request.client else "unknown"


Caller = Annotated[Principal, Depends(caller)]


def narrowed(principal: Principal, words: Iterable[str]) -> Principal:
    """Return the caller with no more than each role named in `x-user-role`. The header can only take away: a word that
    names a role of the workspace's own leaves what a viewer may."""
    for word in words:
        wanted = word.strip().lower()
        if wanted:
            wanted = _ROLE_WORDS.get(wanted, wanted)
            role: Role = wanted if wanted in ROLES else "viewer"
            principal = principal.under(role, PERMISSIONS[role])
    return principal
