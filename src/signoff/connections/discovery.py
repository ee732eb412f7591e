"""Asking a connection what it offers, and whether it works. The network is spoken to with no session open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sqlalchemy.orm import Session

from signoff.connections.actions import Discovery, record_discovery, record_health
from signoff.connections.logins.refreshing import Bearer, LoginNeeded, bearer_of, renewed
from signoff.connections.logins.rows import login_row
from signoff.connections.logins.sending import with_bearer
from signoff.connections.lookup import connection_for
from signoff.connections.placeholders import names_in, resolved
from signoff.connections.secrets import Revealed, Use, reveal_for_call
from signoff.connections.vault import Vault
from signoff.connectors.faults import SIGN_IN
from signoff.connectors.pool import Pool
from signoff.connectors.protocol import Link, ToolSpec
from signoff.connectors.vaults.stores import SecretStores
from signoff.kit import clock
from signoff.kit.errors import ConnectorError, NotNow
from signoff.kit.redact import Redactor
from signoff.people.access import Principal
from signoff.settings import Settings
from signoff.tables.session import Store


class HasPoolAndVault(Protocol):
    """What of the built services this needs."""

    @property
    def pool(self) -> Pool:
        """The open links."""
        ...

    @property
    def vault(self) -> Vault:
        """What opens secrets."""
        ...

    @property
    def stores(self) -> SecretStores:
        """Outside stores that secrets may refer to."""
        ...

    @property
    def settings(self) -> Settings:
        """What may be reached."""
        ...


@dataclass(frozen=True, slots=True)
class Checked:
    """What trying a connection found.

    Args:
        error, code: a sentence for a person and its stable code; None when it works.
        discovery: what changed among the tools; None when they were not asked for, or the connection failed.
    """

    ok: bool
    seconds: float
    error: str | None = None
    code: str | None = None
    discovery: Discovery | None = None


@dataclass(frozen=True, slots=True)
class _Target:
    kind: str
    version: int
    config: dict[str, Any]
    secrets: dict[str, str]
    login_id: str | None = None
    login_version: int = 0

    def signed_in(self, bearer: Bearer) -> _Target:
        """Return the target with a token on it, which is masked like its secrets."""
        secrets = {**self.secrets, **bearer.masks}
        return replace(
            self, config=with_bearer(self.config, bearer.token), secrets=secrets, login_version=bearer.version
        )


async def discover(store: Store, services: HasPoolAndVault, principal: Principal, connection_id: str) -> Checked:
    """Ask for the tools and pin them. A failure of the system is an answer, not an exception.

    Raises:
        Refusal: the caller may not, the connection is switched off, or a secret is missing.
    """
    started = clock.monotonic_seconds()

    def keep(session: Session, specs: list[ToolSpec], target: _Target) -> Discovery:
        found = record_discovery(session, principal, connection_id, specs=specs, version=target.version)
        record_health(session, connection_id, ok=True, version=target.version)
        return found

    async def ask(link: Link) -> list[ToolSpec]:
        # A system may repeat what it was sent in what it describes, too.
        redactor = Redactor(target.secrets)
        return [ToolSpec(**redactor.value(spec.definition)) for spec in await link.list_tools()]

    target = await _target(store, services, principal, connection_id)
    outcome, target = await _try(store, services, connection_id, target, ask)
    if isinstance(outcome, ConnectorError):
        return _failed(outcome, target, started)
    found = await store.write_async(keep, outcome, target)
    return Checked(True, clock.monotonic_seconds() - started, discovery=found)


async def check(store: Store, services: HasPoolAndVault, principal: Principal, connection_id: str) -> Checked:
    """Try the connection and keep what was found as its health. Raises as `discover` does."""
    started = clock.monotonic_seconds()

    def keep(session: Session) -> None:
        record_health(session, connection_id, ok=True, version=target.version)

    target = await _target(store, services, principal, connection_id)
    outcome, target = await _try(store, services, connection_id, target, lambda link: link.check())
    if isinstance(outcome, ConnectorError):
        return _failed(outcome, target, started)
    await store.write_async(keep)
    return Checked(True, clock.monotonic_seconds() - started)


async def _target(store: Store, services: HasPoolAndVault, principal: Principal, connection_id: str) -> _Target:
    def read(session: Session) -> tuple[str, int, dict[str, Any], Revealed, str | None]:
        row = connection_for(session, principal, connection_id, "connection.test")
        if row.state != "active":
            raise NotNow(f"“{row.name}” is {row.state}. Enable it first.")
        found = reveal_for_call(
            session,
            services.vault,
            environment_id=row.environment_id,
            connection_id=row.id,
            names=names_in(row.config),
            use=Use(principal.actor, purpose="connection.test"),
        )
        login = login_row(session, row.id)
        login_id = login.id if login is not None else None
        return row.kind, row.version, row.config, found, login_id

    kind, version, config, found, login_id = await store.write_async(read)
    try:
        secrets = {**found.values, **await services.stores.fetch_all(found.references)}
        target = _Target(kind, version, resolved(config, secrets), secrets, login_id)
        return target if login_id is None else target.signed_in(await bearer_of(store, services, login_id))
    except ConnectorError as error:
        # An outside store or the login's provider fails; the login's room has kept and told what concerns it.
        raise NotNow(error.detail, code=error.code) from error


async def _try(
    store: Store,
    services: HasPoolAndVault,
    connection_id: str,
    target: _Target,
    ask: Callable[[Link], Awaitable[Any]],
) -> tuple[Any, _Target]:
    """Return what `ask` gives, or the ConnectorError, which is kept as the connection's health; and what was asked."""

    def keep(session: Session, error: str, code: str) -> None:
        record_health(session, connection_id, ok=False, error=error, code=code, version=target.version)

    try:
        try:
            return await _asked(services, connection_id, target, ask), target
        except ConnectorError as error:
            if error.code != SIGN_IN or target.login_id is None:
                raise
        target = target.signed_in(await renewed(store, services, target.login_id, target.login_version))
        return await _asked(services, connection_id, target, ask), target
    except LoginNeeded as needed:
        return ConnectorError(needed.detail, code=needed.code), target
    except ConnectorError as error:
        await store.write_async(keep, Redactor(target.secrets).text(error.detail), error.code)
        return error, target


async def _asked(
    services: HasPoolAndVault, connection_id: str, target: _Target, ask: Callable[[Link], Awaitable[Any]]
) -> Any:
    return await ask(await services.pool.link(connection_id, target.version, target.kind, target.config))


def _failed(error: ConnectorError, target: _Target, started: float) -> Checked:
    # A system may repeat what it was sent in what it complains about.
    told = Redactor(target.secrets).text(error.detail)
    return Checked(False, clock.monotonic_seconds() - started, error=told, code=error.code)
