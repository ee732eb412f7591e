"""What the page of an order to stop shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.agents.queries import agent_by_slug
from signoff.people.access import Principal
from signoff.record.marks import sightings_of
from signoff.runs.stops import StopFacts, stop_order
from signoff.web.flash import Tone

_STATES: dict[str, tuple[str, Tone]] = {
    "under_way": ("Calling off", "run"),
    "ending": ("Waiting for the last to end", "run"),
    "done": ("Done", "ok"),
}


@dataclass(frozen=True, slots=True)
class StopView:
    """The page. `agent_path`, `agent_name`: of the agent that is stopped; empty when the order names none.

    Args:
        workers: each worker that knows of it, with after how many seconds it did.
    """

    order: StopFacts
    agent_path: str
    agent_name: str
    workers: Sequence[tuple[str, float]]

    @property
    def path(self) -> str:
        """Return the page's own address, below the workspace."""
        return f"/stops/{self.order.id}"

    @property
    def is_done(self) -> bool:
        """Return whether everything it named has ended."""
        return self.order.state == "done"

    @property
    def state(self) -> tuple[str, Tone]:
        """Return how far it is, in words."""
        return _STATES.get(self.order.state, (self.order.state, "idle"))

    @property
    def title(self) -> str:
        """Return what was stopped."""
        return f"Stop of {self.agent_name}" if self.agent_name else "Stop of many runs"


def load(session: Session, viewer: Principal, order_id: str) -> StopView:
    """Return the view.

    Raises:
        NotFound: the viewer has no such order.
    """
    order = stop_order(session, viewer, order_id)
    agent = agent_by_slug(session, viewer, order.agent_id) if order.agent_id else None
    return StopView(
        order=order,
        agent_path=f"/agents/{agent.slug}" if agent else "",
        agent_name=agent.name if agent else "",
        workers=sightings_of(session, order.id),
    )
