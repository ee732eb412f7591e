"""A login is set up: who we are to the provider, where it is, and what is asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from signoff.connections.kinds import hosts_of
from signoff.connections.logins.rows import change, login_row, note
from signoff.connections.logins.sealing import NO_TOKENS, sealed_client_secret
from signoff.connections.logins.states import CLIENT_AUTHS, KINDS_WITH_LOGIN, LOGIN_KINDS, LOGIN_PRINCIPALS
from signoff.connections.lookup import connection_for
from signoff.connections.vault import Vault
from signoff.connectors import net
from signoff.connectors.oauth.asking import checked_endpoint
from signoff.kit import clock, ids
from signoff.kit.errors import ConnectorError, Malformed, NotNow
from signoff.kit.text import storable
from signoff.people.access import Principal, authorize
from signoff.settings import Settings
from signoff.tables.connections import Connection, Login

SCOPES_MAX = 100
CLIENT_ID_CHARS_MAX = 1_000
CLIENT_SECRET_CHARS_MAX = 4_000
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")
_VISIBLE = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class LoginSetup:
    """What a person, or a provider's own metadata, says about a login.

    Args:
        client_secret: None keeps the one that is there, an empty text means that the client has none.
    """

    kind: str
    token_url: str
    client_id: str
    principal: str = "service"
    authorize_url: str | None = None
    revoke_url: str | None = None
    issuer: str | None = None
    resource: str | None = None
    client_auth: str = "client_secret_basic"
    client_secret: str | None = field(default=None, repr=False)
    scopes: Sequence[str] = ()
    is_registered_by_us: bool = False


def set_up_login(
    session: Session, principal: Principal, vault: Vault, connection_id: str, setup: LoginSetup, *, settings: Settings
) -> str:
    """Make or change the login of a connection. Returns its id.

    A change of who signs in, or where, lets the tokens go: it must be authorised again. A change of scopes alone keeps
    them until it is. For a login without a person, entering the client's secret again binds it to where the connection
    leads now.

    Raises:
        Malformed: a field is wrong; `errors` says which.
        NotNow: the connection cannot have a login, or somebody else changed it.
    """
    connection = connection_for(session, principal, connection_id, "connection.manage")
    authorize(principal, "secret.manage", environment_id=connection.environment_id)
    if connection.kind not in KINDS_WITH_LOGIN:
        raise NotNow("Only MCP servers over HTTP and HTTP APIs sign in by OAuth.", code="no_login_here")
    if connection.state == "disconnected":
        raise NotNow("This connection is disconnected. Reconnect it first, then set up its login.")
    values = _checked(setup, settings)
    row = login_row(session, connection.id)
    if row is None:
        return _made(session, principal, vault, connection, setup, values)
    return _changed(session, principal, vault, connection, row, setup, values)


def _made(
    session: Session,
    principal: Principal,
    vault: Vault,
    connection: Connection,
    setup: LoginSetup,
    values: dict[str, Any],
) -> str:
    row = Login(
        id=ids.new_id("log"),
        workspace_id=connection.workspace_id,
        environment_id=connection.environment_id,
        connection_id=connection.id,
        state="needs_login",
        scopes_granted=[],
        hosts=list(hosts_of(connection.kind, connection.config)),
        client_secret_version=0,
        created_at=clock.now(),
        **values,
    )
    _check_secret_is_there(setup, has_one=bool(setup.client_secret))
    for name, value in sealed_client_secret(vault, row, setup.client_secret or None).items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    note(session, principal.actor, row, "login.set_up", _told(row))
    return row.id


def _changed(
    session: Session,
    principal: Principal,
    vault: Vault,
    connection: Connection,
    row: Login,
    setup: LoginSetup,
    values: dict[str, Any],
) -> str:
    before = {name: getattr(row, name) for name in values}
    is_same_host = _secret_hosts(row.token_url, row.revoke_url) >= _secret_hosts(
        values["token_url"], values["revoke_url"]
    )
    keeps_secret = setup.client_secret is None and row.client_secret is not None
    if keeps_secret and not is_same_host and values["client_auth"] != "none":
        sentence = "It would go to another host than before. Enter the client's secret again."
        raise Malformed(sentence, errors={"client_secret": [sentence]}, code="bad_login")
    _check_secret_is_there(setup, has_one=bool(setup.client_secret) or keeps_secret)
    if not keeps_secret or values["client_auth"] == "none":
        values |= sealed_client_secret(vault, row, setup.client_secret or None)
    if setup.client_secret and values["kind"] == "oauth_client_credentials":
        # Whoever enters the secret says that what it brings may go where the connection leads now.
        values["hosts"] = list(hosts_of(connection.kind, connection.config))
    if any(values[name] != before[name] for name in before if name not in ("scopes_asked", "authorize_url")):
        values |= {**NO_TOKENS, "scopes_granted": [], "expires_at": None, "refresh_due_at": None, "last_error": None}
        values |= {"state": "needs_login", "version": row.version + 1, "is_in_doubt": False, "lease_until": None}
    if not change(session, row, row.version, values):
        raise NotNow("Somebody else changed this login meanwhile. Look at it again.", code="stale_login")
    note(session, principal.actor, row, "login.changed", _told(row))
    return row.id


def _told(row: Login) -> dict[str, Any]:
    return {"client": row.client_id[:200], "token_url": row.token_url[:300], "scopes": list(row.scopes_asked)[:50]}


def _secret_hosts(*urls: str | None) -> set[str]:
    return {net.host_of(url) for url in urls if url}


def _check_secret_is_there(setup: LoginSetup, *, has_one: bool) -> None:
    if setup.client_auth == "none":
        if setup.kind == "oauth_client_credentials":
            raise _wrong("client_auth", "A login without a person needs a client with a secret.")
        return
    if not has_one:
        raise _wrong("client_secret", "Enter the client's secret, or say that the client has none.")


def _checked(setup: LoginSetup, settings: Settings) -> dict[str, Any]:
    kind = _one_of("kind", setup.kind, LOGIN_KINDS)
    if kind == "oauth_authorization_code" and not setup.authorize_url:
        raise _wrong(
            "authorize_url", "Give the address where a person agrees, such as https://login.example.com/authorize."
        )
    if kind == "oauth_client_credentials" and setup.principal == "personal":
        raise _wrong("principal", "A login without a person is a service login.")
    if not 0 < len(setup.client_id) <= CLIENT_ID_CHARS_MAX or not _VISIBLE.fullmatch(setup.client_id):
        raise _wrong("client_id", "Give the id under which the provider knows this client.")
    secret = setup.client_secret
    if secret and (len(secret) > CLIENT_SECRET_CHARS_MAX or len(secret) < 6 or storable(secret) != secret):
        raise _wrong("client_secret", f"A client's secret has 6 to {CLIENT_SECRET_CHARS_MAX} characters.")
    return {
        "kind": kind,
        "principal": _one_of("principal", setup.principal, LOGIN_PRINCIPALS),
        "client_auth": _one_of("client_auth", setup.client_auth, CLIENT_AUTHS),
        "client_id": setup.client_id,
        "token_url": _endpoint("token_url", setup.token_url, settings),
        "authorize_url": _endpoint("authorize_url", setup.authorize_url, settings) if setup.authorize_url else None,
        "revoke_url": _endpoint("revoke_url", setup.revoke_url, settings) if setup.revoke_url else None,
        "issuer": _endpoint("issuer", setup.issuer, settings, keep=True) if setup.issuer else None,
        "resource": _resource(setup.resource) if setup.resource else None,
        "scopes_asked": _scopes(setup.scopes),
        "is_registered_by_us": setup.is_registered_by_us,
    }


def _one_of(name: str, value: str, known: Sequence[str]) -> str:
    if value not in known:
        raise _wrong(name, f"“{value[:40]}” is none of {', '.join(known)}.")
    return value


def _endpoint(name: str, value: str, settings: Settings, *, keep: bool = False) -> str:
    try:
        found = checked_endpoint(value, settings)
    except ConnectorError as error:
        raise _wrong(name, error.detail) from error
    # What a provider calls itself is compared letter by letter.
    return value if keep else found


def _resource(value: str) -> str:
    try:
        net.checked_url(value)
    except ConnectorError as error:
        raise _wrong("resource", error.detail) from error
    return value


def _scopes(given: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(scope for scope in given if scope))
    if len(found) > SCOPES_MAX:
        raise _wrong("scopes", f"At most {SCOPES_MAX} scopes can be asked for.")
    bad = next((scope for scope in found if not _SCOPE.fullmatch(scope)), None)
    if bad is not None:
        raise _wrong("scopes", f"“{storable(bad)[:60]}” is not a scope: one is a word without spaces or quotes.")
    return found


def _wrong(name: str, sentence: str) -> Malformed:
    return Malformed(sentence, errors={name: [sentence]}, code="bad_login")
