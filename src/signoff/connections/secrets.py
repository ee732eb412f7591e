"""Secrets: entered, replaced and deleted by people; opened only for one call of the connection they belong to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import timedelta

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from signoff.connections.kinds import hosts_of
from signoff.connections.lookup import connection_for, secret_for
from signoff.connections.placeholders import NAME_PATTERN
from signoff.connections.vault import Place, Sealed, Vault
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.kit.text import storable
from signoff.people.access import Principal, system
from signoff.people.actions.providers import reseal_client_secrets
from signoff.record import audit
from signoff.tables.connections import Connection, Secret

__all__ = [
    "SecretLocked",
    "SecretMissing",
    "Vault",
    "create_secret",
    "delete_secret",
    "replace_secret",
    "reveal_for_call",
    "rotate_master_key",
]

# Shorter values could not be masked in answers without masking half of every text.
VALUE_CHARS_MIN = 6
VALUE_CHARS_MAX = 16_384
_NAME = re.compile(NAME_PATTERN)
_USE_NOTED_EVERY = timedelta(minutes=1)
_ROTATE_AT_ONCE = 200


class SecretMissing(NotFound):
    """A configuration or a call names a secret that this connection does not have."""


class SecretLocked(NotAllowed):
    """The connection's hosts changed since the value was entered."""


def create_secret(
    session: Session,
    principal: Principal,
    vault: Vault,
    *,
    connection_id: str,
    name: str,
    value: str,
    description: str = "",
) -> str:
    """Keep a value for one connection, in its environment, bound to the hosts it has now. Returns the secret's id.

    Raises:
        Malformed: name or value is not usable.
        NotNow: the environment has a secret of this name.
    """
    connection = connection_for(session, principal, connection_id, "secret.manage")
    if connection.state == "disconnected":
        raise NotNow("This connection was disconnected for good; it takes no secrets.")
    if not _NAME.fullmatch(name):
        sentence = "A secret's name is a letter, then letters, digits and underscores; at most 63."
        raise Malformed(sentence, errors={"name": [sentence]})
    value = _checked_value(value)
    taken = select(Secret.id).where(Secret.environment_id == connection.environment_id, Secret.name == name)
    if session.scalar(taken) is not None:
        raise NotNow(
            f"This environment already has a secret “{name}”. Replace its value, or choose another name.",
            errors={"name": ["taken in this environment"]},
            code="secret_name_taken",
        )
    row = Secret(
        id=ids.new_id("sec"),
        workspace_id=connection.workspace_id,
        environment_id=connection.environment_id,
        connection_id=connection.id,
        name=name,
        description=storable(description)[:1_000],
        hosts=list(hosts_of(connection.kind, connection.config)),
        version=1,
        created_at=clock.now(),
        ciphertext=b"",
        nonce=b"",
        key_id="",
    )
    _put(row, vault.seal(value, _place(row)))
    session.add(row)
    session.flush()
    _note(session, principal, row, "secret.created")
    return row.id


def replace_secret(session: Session, principal: Principal, vault: Vault, secret_id: str, *, value: str) -> int:
    """Put a new value in place of the old, bound to the hosts the connection has now. Returns the new version."""
    row = secret_for(session, principal, secret_id, "secret.manage")
    connection = session.get_one(Connection, row.connection_id)
    version = row.version + 1
    sealed = vault.seal(_checked_value(value), Place(row.workspace_id, row.id, version))
    values = {
        "ciphertext": sealed.ciphertext,
        "nonce": sealed.nonce,
        "key_id": sealed.key_id,
        "version": version,
        "hosts": list(hosts_of(connection.kind, connection.config)),
        "rotated_at": clock.now(),
    }
    _change(session, row, values)
    _note(session, principal, row, "secret.replaced")
    return version


def delete_secret(session: Session, principal: Principal, secret_id: str) -> None:
    """Forget a value for good."""
    row = secret_for(session, principal, secret_id, "secret.manage")
    _note(session, principal, row, "secret.deleted")
    session.execute(delete(Secret).where(Secret.id == row.id))
    session.expunge(row)


def reveal_for_call(
    session: Session,
    vault: Vault,
    *,
    environment_id: str,
    connection_id: str,
    names: Iterable[str],
    host: str | None = None,
) -> dict[str, str]:
    """Return the values of `names` for one call through one connection. Only the tool gateway may ask.

    Only this connection's own secrets are found, and only while its hosts are those the values were entered for.

    Args:
        host: where the values are about to go; refused unless the values are bound to it.

    Raises:
        SecretMissing: the connection has no secret of that name in this environment.
        SecretLocked: the connection leads elsewhere now.
    """
    wanted = sorted(set(names))
    if not wanted:
        return {}
    connection = session.get(Connection, connection_id)
    if connection is None or connection.environment_id != environment_id:
        raise SecretMissing("There is no such connection in this environment.")
    rows = session.scalars(
        select(Secret).where(
            Secret.environment_id == environment_id,
            Secret.connection_id == connection_id,
            Secret.workspace_id == connection.workspace_id,
            Secret.name.in_(wanted),
        )
    ).all()
    # Databases may compare names more generously than we do.
    found = {row.name: row for row in rows if row.name in wanted}
    if missing := [name for name in wanted if name not in found]:
        raise SecretMissing(
            f"The connection “{connection.name}” has no secret named {', '.join(missing)[:200]}. Enter it on the "
            "connection's page.",
            extra={"missing": missing[:20]},
        )
    now_leads_to = {*hosts_of(connection.kind, connection.config), *([host] if host else [])}
    for row in found.values():
        if not now_leads_to <= set(row.hosts):
            raise SecretLocked(
                f"“{connection.name}” leads elsewhere than when the secret {row.name} was entered. Enter its value "
                "again to confirm that it may go there.",
                extra={"secret": row.name},
            )
    _note_use(session, list(found.values()))
    return {name: vault.open(Sealed(row.ciphertext, row.nonce, row.key_id), _place(row)) for name, row in found.items()}


def _note_use(session: Session, rows: list[Secret]) -> None:
    moment = clock.now()
    due = [row.id for row in rows if row.last_used_at is None or moment - row.last_used_at > _USE_NOTED_EVERY]
    if due:
        session.execute(update(Secret).where(Secret.id.in_(due)).values(last_used_at=moment))


def rotate_master_key(session: Session, vault: Vault) -> int:
    """Encrypt every value that an older key still holds with the current one. Returns how many.

    For the command line on the machine. Safe to repeat; until it has ended, the old key must stay in the settings.
    """
    done = reseal_client_secrets(session, vault)
    while True:
        rows = session.scalars(
            select(Secret).where(Secret.key_id != vault.keys.current.id).order_by(Secret.id).limit(_ROTATE_AT_ONCE)
        ).all()
        if not rows:
            break
        for row in rows:
            value = vault.open(Sealed(row.ciphertext, row.nonce, row.key_id), _place(row))
            _put(row, vault.seal(value, _place(row)))
            done[row.workspace_id] = done.get(row.workspace_id, 0) + 1
        session.flush()
    for workspace_id, count in sorted(done.items()):
        audit.write(
            session,
            workspace_id=workspace_id,
            actor=system(workspace_id).actor,
            action="secret.master_key_rotated",
            object_kind="workspace",
            object_id=workspace_id,
            detail={"secrets": count, "key": vault.keys.current.id},
        )
    return sum(done.values())


def _checked_value(value: str) -> str:
    # A line end that came along with a pasted value is never meant.
    value = value.rstrip("\r\n")
    if not VALUE_CHARS_MIN <= len(value) <= VALUE_CHARS_MAX or storable(value) != value:
        sentence = f"A value has {VALUE_CHARS_MIN} to {VALUE_CHARS_MAX} characters; shorter ones could not be masked."
        raise Malformed(sentence, errors={"value": [sentence]})
    return value


def _place(row: Secret) -> Place:
    return Place(row.workspace_id, row.id, row.version)


def _put(row: Secret, sealed: Sealed) -> None:
    row.ciphertext, row.nonce, row.key_id = sealed.ciphertext, sealed.nonce, sealed.key_id


def _change(session: Session, row: Secret, values: Mapping[str, object]) -> None:
    result = session.execute(update(Secret).where(Secret.id == row.id, Secret.version == row.version).values(**values))
    if not isinstance(result, CursorResult) or result.rowcount != 1:
        raise NotNow("Somebody else replaced this secret meanwhile.")
    session.refresh(row)


def _note(session: Session, principal: Principal, row: Secret, event: str) -> None:
    audit.write(
        session,
        workspace_id=row.workspace_id,
        actor=principal.actor,
        action=event,
        object_kind="secret",
        object_id=row.id,
        detail={"name": row.name, "connection": row.connection_id, "hosts": row.hosts, "version": row.version},
    )
