"""Whether a connection can do more than its agents need, as far as that can be known."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.connections.live_use import live_use
from signoff.connections.logins.views import LoginView
from signoff.people.access import Principal
from signoff.tables.connections import Connection
from signoff.tables.people import Environment

# Words in the names of scopes. Providers name them as they like, so this is a hint and never a rule.
_WRITES = re.compile(r"(write|modify|manage|admin|full|delete|send|update|create|edit|owner|root|\*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PrivilegeWarning:
    """Something to look at before production relies on it."""

    code: str
    title: str
    text: str


def warnings_of(
    login: LoginView | None, *, is_production: bool, live_effects: Collection[str], has_live_agents: bool
) -> tuple[PrivilegeWarning, ...]:
    """Return what is wider, or more personal, than it should be.

    Args:
        live_effects: the classes of the tools that live revisions may call through the connection.
    """
    if login is None or login.state not in ("active", "refresh_failed"):
        return ()
    found: list[PrivilegeWarning] = []
    if is_production and login.principal == "personal":
        who = login.authorised_by or "one person"
        found.append(
            PrivilegeWarning(
                "personal_in_production",
                "A personal account in production",
                f"It acts as {who}: everything it does is done in their name, and it ends when they leave. Use a "
                "service account.",
            )
        )
    writing = [scope for scope in login.scopes_granted if may_write(scope)]
    if writing and has_live_agents and set(live_effects) <= {"read"}:
        found.append(
            PrivilegeWarning(
                "wider_than_used",
                "It may write, and its agents only read",
                f"The scopes {', '.join(writing[:8])} allow more than any live agent does through it. Ask for less, "
                "and authorise it again.",
            )
        )
    if login.scopes_beyond:
        found.append(
            PrivilegeWarning(
                "wider_than_asked",
                "More was granted than asked for",
                f"The provider gave {', '.join(login.scopes_beyond[:8])} as well. Restrict the client there.",
            )
        )
    if login.scopes_missing:
        found.append(
            PrivilegeWarning(
                "narrower_than_asked",
                "Less was granted than asked for",
                f"The provider did not give {', '.join(login.scopes_missing[:8])}. Calls that need it will fail with "
                "“wrong scope”.",
            )
        )
    return tuple(found)


def connection_warnings(
    session: Session, viewer: Principal, connection_id: str, login: LoginView | None
) -> tuple[PrivilegeWarning, ...]:
    """Return the warnings about a connection whose login the viewer has read."""
    if login is None:
        return ()
    environment_id = session.get_one(Connection, connection_id).environment_id
    uses = live_use(session, viewer, connection_id)
    return warnings_of(
        login,
        is_production=session.get_one(Environment, environment_id).is_production,
        live_effects={effect for use in uses for effect in use.effects},
        has_live_agents=bool(uses),
    )


def may_write(scope: str) -> bool:
    """Return whether the name of a scope sounds like more than reading."""
    return _WRITES.search(scope) is not None and not re.search(r"read.?only", scope, re.IGNORECASE)
