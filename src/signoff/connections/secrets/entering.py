"""A secret is entered, described anew, given to another owner, and deleted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from signoff.connections.kinds import hosts_of
from signoff.connections.lookup import connection_for
from signoff.connections.placeholders import NAME_PATTERN, names_in
from signoff.connections.secrets.changing import change, checked_date, checked_reason, note, secret_to_change
from signoff.connections.secrets.grants import add_grants
from signoff.connections.secrets.versions import content_of, first_version
from signoff.connections.states import SecretPrincipal, Sensitivity
from signoff.connections.vault import Vault
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.kit.text import storable
from signoff.people.access import Principal, authorize
from signoff.people.roles import Action
from signoff.tables.connections import Connection, Secret
from signoff.tables.people import Member, Person

DESCRIPTION_CHARS_MAX = 1_000
_NAME = re.compile(NAME_PATTERN)


def create_secret(
    session: Session,
    principal: Principal,
    vault: Vault,
    *,
    connection_id: str,
    name: str,
    value: str | None = None,
    reference: str | None = None,
    description: str = "",
    sensitivity: Sensitivity = "standard",
    whose: SecretPrincipal = "service",
    expires_at: datetime | None = None,
    agents: Iterable[str] = (),
) -> str:
    """Keep a value for one connection, in its environment, bound to the hosts it has now. Returns the secret's id.

    Args:
        reference: instead of a value, where an outside store has it.
        whose: `personal` makes it the caller's own.
        agents: ids of the agents that may use it; no others may.

    Raises:
        Malformed: name, value or date is not usable; or it would be one's own login in what everybody's calls send.
        NotNow: the environment has a secret of this name.
    """
    right: Action = "secret.manage_personal" if whose == "personal" else "secret.manage"
    connection = connection_for(session, principal, connection_id, right)
    if connection.state == "disconnected":
        raise NotNow("This connection is disconnected; it takes no secrets. Reconnect it first.")
    _check_name(session, connection, name)
    _check_whose(connection, name, whose)
    content = content_of(
        session,
        vault,
        value=value,
        reference=reference,
        workspace_id=connection.workspace_id,
        environment_id=connection.environment_id,
    )
    _check_sensitivity(sensitivity, connection)
    row = Secret(
        id=ids.new_id("sec"),
        workspace_id=connection.workspace_id,
        environment_id=connection.environment_id,
        connection_id=connection.id,
        name=name,
        description=storable(description)[:DESCRIPTION_CHARS_MAX],
        hosts=list(hosts_of(connection.kind, connection.config)),
        version=1,
        created_at=clock.now(),
        sensitivity=sensitivity,
        expires_at=checked_date(expires_at),
        is_open_to_all=False,
        **_ownership(principal, whose),
    )
    session.add(row)
    session.flush()
    first_version(session, principal, vault, row, content, "")
    note(
        session, principal, row, "secret.created", source=content.source, reference=content.reference,
        sensitivity=sensitivity, whose=whose,
    )  # fmt: skip
    add_grants(session, principal, row, agents)
    return row.id


def edit_secret(
    session: Session,
    principal: Principal,
    secret_id: str,
    *,
    description: str,
    sensitivity: Sensitivity,
    expires_at: datetime | None,
    reason: str = "",
) -> None:
    """Say anew what it is, how sensitive, and when it runs out. The value stays.

    Raises:
        Malformed: the date is not usable, a program could not have it, or a reason is missing.
    """
    row = secret_to_change(session, principal, secret_id)
    why = checked_reason(row, reason)
    _check_sensitivity(sensitivity, session.get_one(Connection, row.connection_id))
    before = {"sensitivity": row.sensitivity, "expires_at": row.expires_at.isoformat() if row.expires_at else None}
    values: dict[str, Any] = {
        "description": storable(description)[:DESCRIPTION_CHARS_MAX],
        "sensitivity": sensitivity,
        "expires_at": checked_date(expires_at),
    }
    if values["expires_at"] != row.expires_at:
        values["expiry_warned_days"] = None
    change(session, row, values)
    after = {"sensitivity": row.sensitivity, "expires_at": row.expires_at.isoformat() if row.expires_at else None}
    note(session, principal, row, "secret.edited", reason=why, before=before, after=after)


def share_secret(session: Session, principal: Principal, secret_id: str, *, reason: str = "") -> None:
    """Make a personal login the workspace's own. Its owner may who may enter shared secrets, or an administrator.

    Raises:
        NotAllowed: the caller may not enter shared secrets, or it is not theirs to give.
        NotNow: it is shared already.
    """
    row = secret_to_change(session, principal, secret_id)
    # Whoever enters personal logins only would otherwise make shared ones in two steps.
    authorize(principal, "secret.manage", environment_id=row.environment_id)
    why = checked_reason(row, reason)
    if row.principal == "service":
        raise NotNow(f"{row.name} belongs to the workspace already.", code="secret_shared")
    owner = row.owner_id
    change(session, row, {"principal": "service", "owner_id": None, "owner_name": None})
    note(session, principal, row, "secret.shared", reason=why, owner_before=owner)


def hand_over_secret(
    session: Session, principal: Principal, secret_id: str, member_id: str, *, reason: str = ""
) -> None:
    """Make a personal login another member's, such as when a colleague leaves.

    Raises:
        NotFound: there is no such member in this workspace.
        NotNow: it is a shared one, which nobody can take away from the others.
    """
    row = secret_to_change(session, principal, secret_id)
    why = checked_reason(row, reason)
    if row.principal != "personal":
        raise NotNow(
            f"{row.name} belongs to the workspace. Only personal logins are handed over.", code="secret_shared"
        )
    found = session.execute(
        select(Member.id, Person.name)
        .join(Person, Person.id == Member.person_id)
        .where(Member.id == member_id, Member.workspace_id == row.workspace_id, Member.state == "active")
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such member in this workspace.")
    owner = row.owner_id
    change(session, row, {"principal": "personal", "owner_id": found.id, "owner_name": found.name})
    note(session, principal, row, "secret.handed_over", reason=why, owner_before=owner, owner=found.id)


def delete_secret(session: Session, principal: Principal, secret_id: str, *, reason: str = "") -> None:
    """Forget a secret and all its values for good."""
    row = secret_to_change(session, principal, secret_id)
    why = checked_reason(row, reason)
    # Before the audit, as everywhere: whoever uses it at this moment holds the row, and waits for the audit.
    session.execute(delete(Secret).where(Secret.id == row.id).execution_options(synchronize_session=False))
    note(session, principal, row, "secret.deleted", reason=why)
    session.expunge(row)


def _check_name(session: Session, connection: Connection, name: str) -> None:
    if not _NAME.fullmatch(name):
        sentence = "A secret's name is a letter, then letters, digits and underscores; at most 63."
        raise Malformed(sentence, errors={"name": [sentence]})
    taken = select(Secret.id).where(Secret.environment_id == connection.environment_id, Secret.name == name)
    if session.scalar(taken) is not None:
        raise NotNow(
            f"This environment already has a secret “{name}”. Replace its value, or choose another name.",
            errors={"name": ["taken in this environment"]},
            code="secret_name_taken",
        )


def _check_whose(connection: Connection, name: str, whose: SecretPrincipal) -> None:
    if whose == "personal" and name in names_in(connection.config):
        sentence = (
            f"“{connection.name}” sends {name} with every call, whoever's it is: that takes a shared secret. Enter it "
            "as one, or ask an administrator to."
        )
        raise Malformed(sentence, errors={"name": [sentence]}, code="shared_secret_needed")


def _ownership(principal: Principal, whose: SecretPrincipal) -> dict[str, Any]:
    if whose == "service":
        return {"principal": "service", "owner_id": None, "owner_name": None}
    if principal.kind != "member":
        sentence = "Only a member has a personal login. Enter it as a shared one."
        raise Malformed(sentence, errors={"principal": [sentence]})
    return {"principal": "personal", "owner_id": principal.id, "owner_name": principal.name}


def _check_sensitivity(sensitivity: Sensitivity, connection: Connection) -> None:
    if sensitivity == "high" and connection.kind == "mcp_stdio":
        sentence = (
            f"“{connection.name}” is a program on this machine, and a program keeps what it is given: a secret of "
            "high sensitivity does not go there. Use a connection over the network, or standard sensitivity."
        )
        raise Malformed(sentence, errors={"sensitivity": [sentence]}, code="too_sensitive_for_program")
