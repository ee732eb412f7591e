"""A person goes to the provider, agrees, and comes back once, in the same browser. Or the client asks for itself."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from signoff.connections.kinds import hosts_of
from signoff.connections.logins.keeping import keep_authorised
from signoff.connections.logins.refreshing import HasVaultAndSettings
from signoff.connections.logins.rows import login_for, note
from signoff.connections.logins.sealing import client_of
from signoff.connections.vault import Place, Sealed, Vault
from signoff.connectors.oauth import tokens as oauth
from signoff.connectors.oauth.tokens import Granted, OAuthClient, OAuthRefused, words_for
from signoff.kit import clock, ids
from signoff.kit.errors import ConnectorError, NotAllowed, NotNow
from signoff.people import tokens
from signoff.people.access import Principal
from signoff.tables.connections import Connection, Login, LoginAttempt
from signoff.tables.people import Workspace
from signoff.tables.session import Store

ATTEMPT_SECONDS = 900
# Who opens more than this at once is no person.
ATTEMPTS_MAX = 20


class NotAuthorised(NotNow):
    """The provider, or the person there, did not agree. The text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a person goes to agree.

    Args:
        url: with the state in it, so good once and for this browser only.
        host: the provider, for a person to recognise.
    """

    connection_id: str
    connection_name: str
    url: str = field(repr=False)
    host: str
    scopes: tuple[str, ...]
    principal: str


@dataclass(frozen=True, slots=True)
class Return:
    """A person who came back: to what, and in which workspace."""

    attempt_id: str
    login_id: str
    connection_id: str
    workspace_slug: str
    member_id: str


@dataclass(frozen=True, slots=True)
class _Exchange:
    login_id: str
    version: int
    client: OAuthClient
    verifier: str = field(repr=False)
    redirect_uri: str
    scopes: tuple[str, ...]
    issuer: str | None


def begin_authorisation(
    session: Session, principal: Principal, vault: Vault, connection_id: str, *, browser: str, redirect_uri: str
) -> Departure:
    """Prepare one trip to the provider.

    Args:
        browser: the token of the person's session; whoever comes back must have it.
        redirect_uri: where the provider sends them back to; it must know that address.

    Raises:
        NotNow: the login is not one that a person authorises.
        NotAllowed: the caller is no person.
    """
    connection, row = login_for(session, principal, connection_id)
    if principal.kind != "member":
        raise NotAllowed("Only a person can agree at a provider. Open the connection's page in a browser.")
    if row.kind != "oauth_authorization_code" or row.authorize_url is None:
        raise NotNow("This login needs no person. Ask for its token instead.")
    if connection.state != "active":
        raise NotNow(f"“{connection.name}” is {connection.state}. Enable it first.")
    moment = clock.now()
    session.execute(delete(LoginAttempt).where(LoginAttempt.login_id == row.id, LoginAttempt.expires_at <= moment))
    open_ones = session.scalars(select(LoginAttempt.id).where(LoginAttempt.login_id == row.id)).all()
    if len(open_ones) >= ATTEMPTS_MAX:
        raise NotNow("Too many sign-ins of this login are under way. Try again in a quarter of an hour.")
    attempt_id, state, verifier = ids.new_id("lat"), secrets.token_urlsafe(32), secrets.token_urlsafe(64)
    sealed = vault.seal(verifier, Place(row.workspace_id, attempt_id, 1))
    session.add(
        LoginAttempt(
            id=attempt_id,
            workspace_id=row.workspace_id,
            login_id=row.id,
            state_hash=tokens.hash_of(state),
            session_hash=tokens.hash_of(browser),
            member_id=principal.id,
            verifier=sealed.ciphertext,
            verifier_nonce=sealed.nonce,
            verifier_key_id=sealed.key_id,
            redirect_uri=redirect_uri,
            created_at=moment,
            expires_at=moment + timedelta(seconds=ATTEMPT_SECONDS),
        )
    )
    note(session, principal.actor, row, "login.authorisation_begun", {"scopes": list(row.scopes_asked)[:50]})
    url = _authorize_url(row, state=state, verifier=verifier, redirect_uri=redirect_uri)
    host = urlsplit(row.authorize_url).netloc
    return Departure(connection.id, connection.name, url, host, tuple(row.scopes_asked), row.principal)


def _authorize_url(row: Login, *, state: str, verifier: str, redirect_uri: str) -> str:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "response_type": "code",
        "client_id": row.client_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **({"scope": " ".join(row.scopes_asked)} if row.scopes_asked else {}),
        **({"resource": row.resource} if row.resource else {}),
    }
    base = row.authorize_url or ""
    return base + ("&" if "?" in base else "?") + urlencode(query)


def returning(session: Session, state: str, browser: str) -> Return:
    """Return who came back, without using the attempt up.

    Raises:
        NotAuthorised: nobody was sent away with this state, or from another browser, or too long ago.
    """
    row = session.scalar(select(LoginAttempt).where(LoginAttempt.state_hash == tokens.hash_of(state)))
    if row is None or not tokens.is_same(row.session_hash, browser):
        # Told alike: somebody else's state is none.
        raise NotAuthorised(
            "This browser did not begin such a sign-in. Open the connection's page here, and authorise it from there.",
            code="login_state_unknown",
        )
    if row.used_at is not None:
        raise NotAuthorised("This sign-in was used already. Authorise the connection again.", code="login_state_used")
    if row.expires_at <= clock.now():
        raise NotAuthorised(
            "It took too long: a sign-in is good for a quarter of an hour. Authorise the connection again.",
            code="login_state_expired",
        )
    login = session.get_one(Login, row.login_id)
    slug = session.get_one(Workspace, row.workspace_id).slug
    return Return(row.id, login.id, login.connection_id, slug, row.member_id)


def refused_there(session: Session, principal: Principal, back: Return, error: str, description: str | None) -> str:
    """Use an attempt up that the provider sent back with an error. Returns the reason in words."""
    _use_up(session, back)
    reason = words_for(error, description)
    row = session.get_one(Login, back.login_id)
    note(session, principal.actor, row, "login.authorisation_refused", {"error": error[:100]})
    if row.state in ("needs_login", "refresh_failed"):
        row.last_error = reason
    return reason


async def complete_authorisation(
    store: Store, services: HasVaultAndSettings, principal: Principal, back: Return, *, code: str, issuer: str | None
) -> None:
    """Exchange the code that a person brought back, and keep the tokens.

    Args:
        issuer: who the answer says it is from (RFC 9207); None when it does not say.

    Raises:
        NotAuthorised: the provider did not take the code, or the answer is from somebody else.
        Refusal: the caller may not any more, or the attempt was used.
    """
    exchange = await store.write_async(_take, principal, services.vault, back)
    # After the attempt was used up: a code that came by a wrong way is not tried a second time.
    if issuer is not None and exchange.issuer is not None and issuer.rstrip("/") != exchange.issuer.rstrip("/"):
        raise NotAuthorised("The answer is from another provider than the one you were sent to. Nothing was kept.")
    try:
        granted = await oauth.redeem_code(
            services.settings,
            exchange.client,
            code=code,
            verifier=exchange.verifier,
            redirect_uri=exchange.redirect_uri,
        )
    except ConnectorError as error:
        await store.write_async(_note_failure, exchange.login_id, error.detail)
        raise NotAuthorised(
            f"{error.detail} Check the login's settings, then authorise it again.", code=error.code
        ) from error
    await _keep(store, services, principal, exchange, granted)


async def obtain_as_client(
    store: Store, services: HasVaultAndSettings, principal: Principal, connection_id: str
) -> None:
    """Get a token without a person (client credentials).

    Raises:
        NotAuthorised: the provider refuses, or cannot be reached.
        Refusal: the caller may not, the login is of another kind, or the connection leads elsewhere than when the
            client's secret was entered.
    """

    def read(session: Session) -> _Exchange:
        connection, row = login_for(session, principal, connection_id)
        if row.kind != "oauth_client_credentials":
            raise NotNow("A person must agree to this login. Authorise it on the connection's page, in a browser.")
        if connection.state != "active":
            raise NotNow(f"“{connection.name}” is {connection.state}. Enable it first.")
        if not set(hosts_of(connection.kind, connection.config)) <= set(row.hosts):
            raise NotNow(
                f"“{connection.name}” leads elsewhere than when its login was set up. Enter the client's secret again "
                "to confirm that its token may go there.",
                code="login_locked",
            )
        client = client_of(services.vault, row)
        return _Exchange(row.id, row.version, client, "", "", tuple(row.scopes_asked), None)

    exchange = await store.read_async(read)
    try:
        granted = await oauth.ask_as_client(services.settings, exchange.client, exchange.scopes)
    except ConnectorError as error:
        await store.write_async(_note_failure, exchange.login_id, error.detail)
        what = "Check client and scopes." if isinstance(error, OAuthRefused) else "Try again."
        raise NotAuthorised(f"{error.detail} {what}", code=error.code) from error
    await _keep(store, services, principal, exchange, granted)


async def _keep(
    store: Store, services: HasVaultAndSettings, principal: Principal, exchange: _Exchange, granted: Granted
) -> None:
    def keep(session: Session) -> bool:
        row = session.get_one(Login, exchange.login_id)
        return keep_authorised(session, services.vault, principal, row, exchange.version, granted)

    if not await store.write_async(keep):
        raise NotAuthorised("The login was changed while you were away. Authorise it again.", code="stale_login")


def _take(session: Session, principal: Principal, vault: Vault, back: Return) -> _Exchange:
    if principal.id != back.member_id:
        raise NotAuthorised("Somebody else began this sign-in. Authorise the connection yourself.")
    connection, row = login_for(session, principal, back.connection_id)
    attempt = session.get_one(LoginAttempt, back.attempt_id)
    _use_up(session, back)
    if connection.state == "disconnected":
        raise NotNow("The connection was disconnected meanwhile.")
    sealed = Sealed(attempt.verifier, attempt.verifier_nonce, attempt.verifier_key_id)
    return _Exchange(
        login_id=row.id,
        version=row.version,
        client=client_of(vault, row),
        verifier=vault.open(sealed, Place(row.workspace_id, attempt.id, 1)),
        redirect_uri=attempt.redirect_uri,
        scopes=tuple(row.scopes_asked),
        issuer=row.issuer,
    )


def _use_up(session: Session, back: Return) -> None:
    result = session.execute(
        update(LoginAttempt)
        .where(LoginAttempt.id == back.attempt_id, LoginAttempt.used_at.is_(None))
        .values(used_at=clock.now())
    )
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        raise NotAuthorised("This sign-in was used already. Authorise the connection again.", code="login_state_used")


def _note_failure(session: Session, login_id: str, detail: str) -> None:
    row = session.get(Login, login_id)
    # A token that works is not made worse by an attempt to get a better one.
    if row is not None and row.state != "active":
        row.last_error = detail


def forget_attempts(session: Session) -> None:
    """Delete the attempts whose time is over."""
    session.execute(delete(LoginAttempt).where(LoginAttempt.expires_at <= clock.now() - timedelta(hours=1)))


def connection_of(session: Session, login_id: str) -> Connection:
    """Return the connection of a login."""
    return session.get_one(Connection, session.get_one(Login, login_id).connection_id)
