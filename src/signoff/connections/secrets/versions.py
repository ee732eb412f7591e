"""The values of a secret, one version each: entered, replaced, restored, and erased when they are too many."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from signoff.connections.envelope import open_value, seal_value
from signoff.connections.kinds import hosts_of
from signoff.connections.secrets.changing import change, checked_date, checked_reason, note, secret_to_change
from signoff.connections.secrets.sources import check_allowed, checked_reference
from signoff.connections.states import SecretSourceName
from signoff.connections.vault import Place, Sealed, Vault
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.kit.text import storable
from signoff.people.access import Principal
from signoff.tables.connections import Connection, Secret, SecretVersion

# Shorter values could not be masked in answers without masking half of every text.
VALUE_CHARS_MIN = 6
VALUE_CHARS_MAX = 16_384
# Rows without a value: who replaced it, when and why.
_HISTORY_KEPT = 200


@dataclass(frozen=True, slots=True)
class Content:
    """What a version holds: a value that is sealed here, or a reference to an outside store."""

    source: SecretSourceName
    value: str = ""
    reference: str | None = None


def content_of(
    session: Session, vault: Vault, *, value: str | None, reference: str | None, workspace_id: str, environment_id: str
) -> Content:
    """Return what was entered, checked.

    Raises:
        Malformed: both or neither was given, or it cannot be used.
        NotAllowed: the operator does not allow the reference here.
    """
    if (value is None) == (reference is None):
        sentence = "Give either the value, or a reference to where it is kept."
        raise Malformed(sentence, errors={"value": [sentence]})
    if value is not None:
        return Content("built_in", checked_value(value))
    found = checked_reference(reference or "")
    check_allowed(session, vault.sources, found, workspace_id=workspace_id, environment_id=environment_id)
    return Content(found.kind, reference=found.text)


def checked_value(value: str) -> str:
    """Return the value as it is kept.

    Raises:
        Malformed: it is too short to be masked, too long, or not text.
    """
    # A line end that came along with a pasted value is never meant.
    value = value.rstrip("\r\n")
    if not VALUE_CHARS_MIN <= len(value) <= VALUE_CHARS_MAX or storable(value) != value:
        sentence = f"A value has {VALUE_CHARS_MIN} to {VALUE_CHARS_MAX} characters; shorter ones could not be masked."
        raise Malformed(sentence, errors={"value": [sentence]})
    return value


def replace_secret(
    session: Session,
    principal: Principal,
    vault: Vault,
    secret_id: str,
    *,
    value: str | None = None,
    reference: str | None = None,
    reason: str = "",
    expires_at: datetime | None = None,
) -> int:
    """Put a new value in place of the old, bound to the hosts the connection has now. Returns the new version.

    The next call uses it: nothing is deployed anew, and a run that is under way need not end.

    Args:
        expires_at: when the new value runs out; None when nobody knows, whatever was known of the old one.

    Raises:
        Malformed: value, reference or reason is not usable.
        NotNow: somebody else replaced it meanwhile.
    """
    row = secret_to_change(session, principal, secret_id)
    why = checked_reason(row, reason)
    content = content_of(
        session,
        vault,
        value=value,
        reference=reference,
        workspace_id=row.workspace_id,
        environment_id=row.environment_id,
    )
    _advance(session, principal, vault, row, content, reason=why, expires_at=checked_date(expires_at))
    note(session, principal, row, "secret.replaced", reason=why, source=content.source, reference=content.reference)
    return row.version


def restore_secret(
    session: Session, principal: Principal, vault: Vault, secret_id: str, *, version: int, reason: str = ""
) -> int:
    """Make a new version with the value of an older one. Returns the new version.

    Raises:
        NotFound: there is no such version.
        NotNow: its value was erased, it is the one in use, or it was entered for other hosts than the connection's.
    """
    row = secret_to_change(session, principal, secret_id)
    why = checked_reason(row, reason)
    adopt(session, row)
    old = session.get(SecretVersion, (row.id, version))
    if old is None:
        raise NotFound(f"{row.name} has no version {version}.")
    if version == row.version:
        raise NotNow(f"Version {version} is the one in use.", code="secret_version_current")
    if old.state == "erased":
        raise NotNow(f"The value of version {version} was erased. Enter it again.", code="secret_version_erased")
    _refuse_elsewhere(session, row, old)
    if old.source == "built_in":
        content = Content("built_in", open_value(session, vault, sealed_of(old), place_of(old)))
    else:
        content = content_of(
            session, vault, value=None, reference=old.reference, workspace_id=row.workspace_id,
            environment_id=row.environment_id,
        )  # fmt: skip
    _advance(session, principal, vault, row, content, reason=why, restored_from=version)
    note(session, principal, row, "secret.restored", restored_from=version, reason=why)
    return row.version


def first_version(
    session: Session, principal: Principal, vault: Vault, row: Secret, content: Content, reason: str
) -> None:
    """Add the first version of a new secret."""
    session.add(_version(session, principal, vault, row, 1, content, reason, None))
    session.flush()


def adopt(session: Session, row: Secret) -> None:
    """Make a version of a value that a release before versions wrote into the secret itself."""
    if row.key_id and session.get(SecretVersion, (row.id, row.version)) is None:
        moment = clock.now()
        _supersede(session, row.id, before=row.version)
        session.add(
            SecretVersion(
                secret_id=row.id, version=row.version, workspace_id=row.workspace_id, state="current",
                source="built_in", hosts=list(row.hosts), ciphertext=row.ciphertext, nonce=row.nonce, key_id=row.key_id,
                reason="", created_at=row.rotated_at or row.created_at or moment,
            )
        )  # fmt: skip
        session.flush()


def sealed_of(version: SecretVersion) -> Sealed:
    """Return a version's value as it is stored."""
    return Sealed(version.ciphertext, version.nonce, version.key_id)


def place_of(version: SecretVersion) -> Place:
    """Return where a version's value belongs."""
    return Place(version.workspace_id, version.secret_id, version.version)


def _advance(
    session: Session,
    principal: Principal,
    vault: Vault,
    row: Secret,
    content: Content,
    *,
    reason: str,
    restored_from: int | None = None,
    expires_at: datetime | None = None,
) -> None:
    adopt(session, row)
    number = row.version + 1
    values: dict[str, Any] = {
        "version": number,
        "hosts": _present_hosts(session, row),
        "rotated_at": clock.now(),
        "ciphertext": b"",
        "nonce": b"",
        "key_id": "",
        # The date of the value before says nothing about this one.
        "expires_at": expires_at,
        "expiry_warned_days": None,
    }
    # First of all: of two who replace it at once, the second stops here and has added nothing.
    change(session, row, values)
    _supersede(session, row.id, before=number)
    session.add(_version(session, principal, vault, row, number, content, reason, restored_from))
    session.flush()
    _erase(session, row.id, up_to=number - vault.versions_kept)


def _version(
    session: Session,
    principal: Principal,
    vault: Vault,
    row: Secret,
    number: int,
    content: Content,
    reason: str,
    restored_from: int | None,
) -> SecretVersion:
    place = Place(row.workspace_id, row.id, number)
    is_ours = content.source == "built_in"
    sealed = seal_value(session, vault, content.value, place) if is_ours else Sealed(b"", b"", "")
    return SecretVersion(
        secret_id=row.id,
        version=number,
        workspace_id=row.workspace_id,
        state="current",
        source=content.source,
        reference=content.reference,
        hosts=list(row.hosts),
        ciphertext=sealed.ciphertext,
        nonce=sealed.nonce,
        key_id=sealed.key_id,
        reason=reason,
        restored_from=restored_from,
        created_by=principal.id,
        created_by_name=principal.name,
        created_at=clock.now(),
    )


def _present_hosts(session: Session, row: Secret) -> list[str]:
    connection = session.get_one(Connection, row.connection_id)
    return list(hosts_of(connection.kind, connection.config))


def _refuse_elsewhere(session: Session, row: Secret, old: SecretVersion) -> None:
    # Whoever may point the connection elsewhere need not know the value: an old one must not follow it there.
    if old.hosts is None or not set(_present_hosts(session, row)) <= set(old.hosts):
        raise NotNow(
            f"Version {old.version} was entered for other hosts. Enter its value again.",
            code="secret_version_elsewhere",
        )


def _supersede(session: Session, secret_id: str, *, before: int) -> None:
    session.execute(
        update(SecretVersion)
        .where(
            SecretVersion.secret_id == secret_id, SecretVersion.state == "current", SecretVersion.version < before
        )
        .values(state="superseded", ended_at=clock.now())
    )  # fmt: skip


def _erase(session: Session, secret_id: str, *, up_to: int) -> None:
    """Forget the values of the versions up to this one; in the end, that there were any."""
    of = SecretVersion.secret_id == secret_id
    session.execute(
        update(SecretVersion)
        .where(of, SecretVersion.state == "superseded", SecretVersion.version <= up_to)
        .values(state="erased", ciphertext=b"", nonce=b"", key_id="")
    )
    session.execute(delete(SecretVersion).where(of, SecretVersion.version <= up_to - _HISTORY_KEPT))
