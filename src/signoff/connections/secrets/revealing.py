"""A secret's value, for one call of the connection it belongs to; who read it is written down."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import Table, and_, bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from signoff.connections.envelope import open_value
from signoff.connections.kinds import hosts_of
from signoff.connections.placeholders import names_in
from signoff.connections.secrets.sources import check_allowed, checked_reference
from signoff.connections.vault import Place, Sealed, Vault
from signoff.connectors.vaults.reference import Reference
from signoff.kit import clock
from signoff.kit.errors import NotAllowed, NotFound
from signoff.record import audit
from signoff.record.actor import Actor
from signoff.tables.connections import Connection, Secret, SecretGrant, SecretUse, SecretVersion
from signoff.tables.upsert import in_each

log = logging.getLogger(__name__)

_USE_NOTED_EVERY = timedelta(minutes=1)
_uses = cast("Table", SecretUse.__table__)
_NOTE = in_each(
    _uses,
    lambda new: (
        new.on_conflict_do_nothing(index_elements=["secret_id", "run_id", "version"])
        # Not every driver counts the rows of such an insert.
        .returning(_uses.c.run_id)
    ),
)
_FOUND = (
    select(Secret, SecretVersion)
    .outerjoin(SecretVersion, and_(SecretVersion.secret_id == Secret.id, SecretVersion.version == Secret.version))
    .where(
        Secret.environment_id == bindparam("of_environment"),
        Secret.connection_id == bindparam("of_connection"),
        Secret.workspace_id == bindparam("of_workspace"),
        Secret.name.in_(bindparam("of_names", expanding=True)),
    )
    # A session that saw it before must not remember an older value.
    .execution_options(populate_existing=True)
)


class SecretMissing(NotFound):
    """A configuration or a call names a secret that this connection does not have."""


class SecretLocked(NotAllowed):
    """The connection's hosts changed since the value was entered, or the value is too sensitive for where it goes, or
    it is one member's login in what the connection sends for everybody."""


class SecretNotGranted(NotAllowed):
    """The agent was not given the secret."""


@dataclass(frozen=True, slots=True)
class Use:
    """Who reads, for the audit.

    Args:
        purpose: such as `connection.check`; empty for a run.
        asked: the names that the agent itself asked for: each has to be granted to it.
    """

    actor: Actor
    run_id: str = ""
    agent_id: str = ""
    agent_name: str = ""
    revision_number: int = 0
    requested_by: str | None = None
    call: str = ""
    purpose: str = ""
    asked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Revealed:
    """What was found: values that are kept here, and references to those kept elsewhere."""

    values: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    references: dict[str, Reference] = field(default_factory=dict[str, Reference])


@dataclass(frozen=True, slots=True)
class _Found:
    secret: Secret
    version: SecretVersion | None


def reveal_for_call(
    session: Session,
    vault: Vault,
    *,
    environment_id: str,
    connection_id: str,
    names: Iterable[str],
    host: str | None = None,
    use: Use | None = None,
) -> Revealed:
    """Return the values of `names` for one call through one connection. Only the tool gateway may ask.

    Only this connection's own secrets are found, and only while its hosts are those the values were entered for.

    Args:
        host: where the values are about to go; refused unless the values are bound to it.
        use: who reads. None leaves no trace but the time; for tools on the machine.

    Raises:
        SecretMissing: the connection has no secret of that name in this environment.
        SecretLocked: the connection leads elsewhere now; or it would send one member's login in everybody's calls.
        SecretNotGranted: an agent asks for what it was not given.
        SourceNotAllowed: the operator no longer allows the reference.
    """
    wanted = sorted(set(names))
    if not wanted:
        return Revealed()
    connection = session.get(Connection, connection_id)
    if connection is None or connection.environment_id != environment_id:
        raise SecretMissing("There is no such connection in this environment.")
    found = _found(session, connection, wanted)
    _check_shared(connection, [row.secret for row in found.values()])
    _check_hosts(connection, [row.secret for row in found.values()], host)
    if use is not None:
        _check_grants(session, [row.secret for row in found.values()], use)
    revealed = Revealed()
    for name, row in found.items():
        _open(session, vault, row, name, revealed)
    _note_time(session, [row.secret for row in found.values()])
    if use is not None:
        _note_use(session, [row.secret for row in found.values()], use)
    return revealed


def _found(session: Session, connection: Connection, wanted: Sequence[str]) -> dict[str, _Found]:
    of = {
        "of_environment": connection.environment_id,
        "of_connection": connection.id,
        "of_workspace": connection.workspace_id,
        "of_names": wanted,
    }
    # Databases may compare names more generously than we do.
    rows: list[Any] = [row for row in session.execute(_FOUND, of) if row[0].name in wanted]
    found = {row[0].name: _Found(row[0], row[1]) for row in rows}
    if missing := [name for name in wanted if name not in found]:
        raise SecretMissing(
            f"The connection “{connection.name}” has no secret named {', '.join(missing)[:200]}. Enter it on the "
            "connection's page.",
            extra={"missing": missing[:20]},
        )
    return found


def _check_shared(connection: Connection, rows: Sequence[Secret]) -> None:
    """Refuse one member's login in what a connection sends for everybody: it would act in that member's name."""
    in_config = names_in(connection.config)
    for row in rows:
        if row.principal == "personal" and row.name in in_config:
            raise SecretLocked(
                f"“{connection.name}” sends {row.name} with every call, and it is the personal login of "
                f"{row.owner_name or 'someone'}. They, or an administrator, make it a shared one on its page; or the "
                "connection is given a shared secret of another name.",
                extra={"secret": row.name},
                code="personal_secret_in_connection",
            )


def _check_hosts(connection: Connection, rows: Sequence[Secret], host: str | None) -> None:
    now_leads_to = {*hosts_of(connection.kind, connection.config), *([host] if host else [])}
    for row in rows:
        if not now_leads_to <= set(row.hosts):
            raise SecretLocked(
                f"“{connection.name}” leads elsewhere than when the secret {row.name} was entered. Enter its value "
                "again to confirm that it may go there.",
                extra={"secret": row.name},
            )
        if row.sensitivity == "high" and connection.kind == "mcp_stdio":
            raise SecretLocked(
                f"{row.name} is of high sensitivity and is not given to a program on this machine.",
                extra={"secret": row.name},
            )


def _check_grants(session: Session, rows: Sequence[Secret], use: Use) -> None:
    closed = [row for row in rows if row.name in use.asked and not row.is_open_to_all]
    if not closed:
        return
    granted = set(
        session.scalars(
            select(SecretGrant.secret_id).where(
                SecretGrant.agent_id == use.agent_id, SecretGrant.secret_id.in_([row.id for row in closed])
            )
        )
    )
    if lacking := [row.name for row in closed if row.id not in granted]:
        raise SecretNotGranted(
            f"The secret {', '.join(lacking)[:200]} was not granted to {use.agent_name}. Whoever keeps it can grant it "
            "on the secret's page; nothing has to be deployed anew.",
            extra={"secrets": lacking[:20]},
            code="secret_not_granted",
        )


def _open(session: Session, vault: Vault, row: _Found, name: str, into: Revealed) -> None:
    secret, version = row.secret, row.version
    place = Place(secret.workspace_id, secret.id, secret.version)
    if version is None:
        # Entered by a release before versions, while both were at work.
        into.values[name] = vault.open(Sealed(secret.ciphertext, secret.nonce, secret.key_id), place)
    elif version.source == "built_in":
        sealed = Sealed(version.ciphertext, version.nonce, version.key_id)
        into.values[name] = open_value(session, vault, sealed, place)
    else:
        reference = checked_reference(version.reference or "")
        check_allowed(
            session, vault.sources, reference, workspace_id=secret.workspace_id, environment_id=secret.environment_id
        )
        into.references[name] = reference


def _note_time(session: Session, rows: Sequence[Secret]) -> None:
    moment = clock.now()
    due = [row.id for row in rows if row.last_used_at is None or moment - row.last_used_at > _USE_NOTED_EVERY]
    if due:
        session.execute(
            update(Secret)
            .where(Secret.id.in_(due))
            .values(last_used_at=moment)
            .execution_options(synchronize_session=False)
        )


def _note_use(session: Session, rows: Sequence[Secret], use: Use) -> None:
    """Write the audit's row: for a run, one for each version it reads; of high sensitivity, one for each call.

    Of standard sensitivity the use goes on when the audit cannot be written; of high, nothing is revealed.
    """
    known = _known_uses(session, rows, use)
    for row in rows:
        if row.sensitivity == "high":
            _first_use(session, row, use)
            _audit(session, row, use)
            continue
        if (row.id, row.version) in known:
            continue
        try:
            with session.begin_nested():
                if not use.run_id or _first_use(session, row, use):
                    _audit(session, row, use)
        except SQLAlchemyError as error:
            log.warning("the use of the secret %s could not be audited: %s", row.id, type(error).__name__)


def _known_uses(session: Session, rows: Sequence[Secret], use: Use) -> set[tuple[str, int]]:
    if not use.run_id:
        return set()
    wanted = select(_uses.c.secret_id, _uses.c.version).where(
        _uses.c.run_id == use.run_id, _uses.c.secret_id.in_([row.id for row in rows])
    )
    return {(row.secret_id, row.version) for row in session.connection().execute(wanted)}


def _first_use(session: Session, row: Secret, use: Use) -> bool:
    if not use.run_id:
        return False
    connection = session.connection()
    added = connection.execute(
        _NOTE[connection.dialect.name],
        {
            "secret_id": row.id, "run_id": use.run_id, "version": row.version, "workspace_id": row.workspace_id,
            "agent_id": use.agent_id, "agent_name": use.agent_name[:200], "revision_number": use.revision_number,
            "first_at": clock.now(),
        },
    )  # fmt: skip
    return added.one_or_none() is not None


def _audit(session: Session, row: Secret, use: Use) -> None:
    told: Mapping[str, Any] = {
        "name": row.name,
        "version": row.version,
        "connection": row.connection_id,
        "run": use.run_id,
        "agent": use.agent_id,
        "revision": use.revision_number,
        "requested_by": use.requested_by,
        "call": use.call if row.sensitivity == "high" else "",
        "purpose": use.purpose,
    }
    audit.write(
        session,
        workspace_id=row.workspace_id,
        actor=use.actor,
        action="secret.used",
        object_kind="secret",
        object_id=row.id,
        detail={name: value for name, value in told.items() if value},
    )
