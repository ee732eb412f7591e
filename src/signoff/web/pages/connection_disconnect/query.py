"""What the page before a disconnect shows."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.connections.queries import connection
from signoff.kit.errors import NotNow
from signoff.people.access import Principal
from signoff.runs.blast import BlastRadius, blast_radius
from signoff.web.filters import plural


@dataclass(frozen=True, slots=True)
class DisconnectView:
    """The page. Addresses lie below the workspace."""

    blast: BlastRadius
    reason: str
    problem: str

    @property
    def path(self) -> str:
        """Return the address of the connection."""
        return f"/connections/{self.blast.connection_id}"

    @property
    def summary(self) -> str:
        """Return in one sentence what stops."""
        blast = self.blast
        if not blast.agents and not blast.under_way:
            return "No live agent uses it, and no run that is under way may still want it."
        agents = f"{plural(len(blast.agents), 'live agent')} in {blast.environment} cannot use it any more"
        runs = f"{plural(blast.under_way, 'run')} under way stop at their next call through it"
        return f"{agents}; {runs}." if blast.under_way else f"{agents}. No run is under way."


def load(
    session: Session, viewer: Principal, connection_id: str, *, reason: str = "", problem: str = ""
) -> DisconnectView:
    """Return the view.

    Raises:
        NotFound: there is no such connection where the viewer may look.
        NotAllowed: the viewer may not disconnect it.
        NotNow: it is disconnected already.
    """
    found = blast_radius(session, viewer, connection_id)
    if connection(session, viewer, connection_id).row.state == "disconnected" and not problem:
        raise NotNow("This connection is disconnected already. Reconnect it on its page.")
    return DisconnectView(found, reason, problem)
