"""What the card of the three stops shows: pause, freeze writes, stop; each with the time that was measured."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.freezes.queries import Freeze, freeze_on
from signoff.people.access import Principal, can
from signoff.record.marks import Reach, reach_of
from signoff.runs.stops import OpenRuns, StopFacts, last_stop, open_runs
from signoff.web.agent_head import AgentHead

NOTHING = OpenRuns(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Stops:
    """The three stops of one agent.

    Args:
        runs: what a stop would hit now.
        frozen: the freeze that keeps it from writing: its own, or the workspace's.
        last: the newest order to stop it.
    """

    runs: OpenRuns
    frozen: Freeze | None
    frozen_reach: Reach
    last: StopFacts | None
    may_pause: bool
    may_freeze: bool
    may_stop: bool

    @property
    def is_under_way(self) -> bool:
        """Return whether a stop is being carried out."""
        return self.last is not None and self.last.state != "done"

    @property
    def is_shown(self) -> bool:
        """Return whether the card has anything for this reader."""
        return self.may_pause or self.may_freeze or self.may_stop or self.frozen is not None


def load_stops(session: Session, viewer: Principal, head: AgentHead) -> Stops:
    """Return what the card shows."""
    agent = head.agent
    owners = tuple(person.member_id for person in (agent.owner, agent.backup) if person) or (None,)
    may_stop = can(viewer, "run.cancel", owners=owners, agent_id=agent.id)
    frozen = freeze_on(session, workspace_id=viewer.workspace_id, agent_id=agent.id, connection_id=None)
    return Stops(
        runs=open_runs(session, viewer, agent.id) if may_stop else NOTHING,
        frozen=frozen,
        frozen_reach=reach_of(session, [frozen.id]).get(frozen.id, Reach()) if frozen else Reach(),
        last=last_stop(session, agent.id),
        may_pause=head.may_disable,
        may_freeze=can(viewer, "freeze.order"),
        may_stop=may_stop,
    )
