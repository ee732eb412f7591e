"""A login is given back: here at once, at the provider as soon as it can be reached (RFC 7009)."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy.orm import Session

from signoff.connections.logins.keeping import alert_key, let_go
from signoff.connections.logins.refreshing import HasVaultAndSettings
from signoff.connections.logins.rows import change, login_for, login_row, note
from signoff.connections.logins.sealing import NO_TOKENS, client_of, opened_tokens
from signoff.connections.vault import Vault
from signoff.connectors.oauth import tokens as oauth
from signoff.connectors.oauth.asking import in_words
from signoff.connectors.oauth.tokens import OAuthClient, OAuthRefused
from signoff.kit.errors import ConnectorError, NotNow
from signoff.people.access import Principal
from signoff.record import alarms, outbox
from signoff.record.actor import SYSTEM, Actor
from signoff.tables.connections import Connection, Login
from signoff.tables.session import Store

log = logging.getLogger(__name__)

REVOKE: Final = "login.revoke"
NOT_REVOKED: Final = "login_not_revoked"
ATTEMPTS_MAX = 5


@dataclass(frozen=True, slots=True)
class _Due:
    client: OAuthClient
    access: str = field(repr=False)
    refresh: str | None = field(repr=False)


def give_back(session: Session, actor: Actor, connection_id: str) -> bool:
    """End the login of a connection in this transaction, and have its tokens revoked at the provider.

    Returns whether there was a login with tokens.
    """
    row = login_row(session, connection_id)
    if row is None:
        return False
    has_tokens, is_offered = row.tokens is not None, row.revoke_url is not None
    let_go(session, row, is_revoked_there=has_tokens and is_offered)
    note(session, actor, row, "login.revoked", {"at_provider": has_tokens and is_offered})
    alarms.ask_to_resolve(session, row.workspace_id, key=alert_key(row.id))
    if has_tokens and is_offered:
        payload = {"login_id": row.id, "version": row.version}
        outbox.send(session, workspace_id=row.workspace_id, kind=REVOKE, payload=payload)
    return has_tokens


def forget_login(session: Session, principal: Principal, connection_id: str) -> None:
    """Sign a connection out: its tokens are given back; how it signs in stays set up.

    Raises:
        NotNow: it is signed out already.
    """
    _, row = login_for(session, principal, connection_id)
    if row.state in ("revoked", "needs_login"):
        raise NotNow("This connection is not signed in; there is nothing to give back.")
    give_back(session, principal.actor, connection_id)


async def revoke_at_provider(
    store: Store, services: HasVaultAndSettings, login_id: str, version: int, *, is_last_try: bool
) -> None:
    """Tell the provider that the tokens are not used any more, then forget them here.

    Raises:
        ConnectorError: it cannot be reached; it is tried again unless this was the last time.
    """
    due = await store.read_async(_due, services.vault, login_id, version)
    if due is None:
        return
    problem = None
    try:
        # The refresh token first: with it a provider ends whatever was made from it.
        if due.refresh is not None:
            await oauth.revoke(services.settings, due.client, due.refresh, "refresh_token")
        await oauth.revoke(services.settings, due.client, due.access, "access_token")
    except OAuthRefused as refused:
        problem = refused.detail
    except ConnectorError as error:
        if not is_last_try:
            raise
        problem = in_words(error.detail)
    await store.write_async(_done, login_id, version, problem)


def _due(session: Session, vault: Vault, login_id: str, version: int) -> _Due | None:
    row = session.get(Login, login_id)
    # Authorised again meanwhile: the tokens of then are gone, those of now are in use.
    if row is None or row.state != "revoked" or row.version != version:
        return None
    tokens = opened_tokens(vault, row)
    return _Due(client_of(vault, row), tokens.access, tokens.refresh) if tokens else None


def _done(session: Session, login_id: str, version: int, problem: str | None) -> None:
    row = session.get_one(Login, login_id)
    values = {**NO_TOKENS, "last_error": problem}
    if not change(session, row, version, values, Login.state == "revoked"):
        return
    note(session, SYSTEM, row, "login.revoked_at_provider", {"problem": problem} if problem else {})
    if problem is not None:
        name = session.get_one(Connection, row.connection_id).name
        text = (
            f"The login of {name} is ended here, but its provider did not take the tokens back. {problem} "
            "End the access there by hand."
        )
        alarms.ask_for_alert(session, row.workspace_id, key=f"revoke:{row.id}", kind=NOT_REVOKED, text=text)
