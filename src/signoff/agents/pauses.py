"""Whether an agent is paused: asked wherever something would start it. A pause whose time is over is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, and_, bindparam, or_, select
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.record.marks import Reach, reach_of
from signoff.tables.base import Moment
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Run
from signoff.tables.stops import AgentPause

_pauses = cast("Table", AgentPause.__table__).c
_NOW = bindparam("moment", type_=Moment)
# Built once: they are asked before every start of a run.
_OF_RUN = Prepared(
    select(_pauses.id, _pauses.until)
    .join(cast("Table", Run.__table__), Run.agent_id == _pauses.agent_id)
    .where(
        Run.id == bindparam("of_run"),
        # Who mends an agent tries it: tests, rehearsals and replays are not held.
        Run.origin == "production",
        Run.mode == "live",
        _pauses.resumed_at.is_(None),
        or_(_pauses.until.is_(None), _pauses.until > _NOW),
    )
    .limit(1)
)
_OF_AGENT = Prepared(
    select(_pauses.id, _pauses.agent_id, _pauses.reason, _pauses.paused_by_name, _pauses.paused_at, _pauses.until)
    .where(
        _pauses.agent_id == bindparam("of_agent"),
        _pauses.resumed_at.is_(None),
        or_(_pauses.until.is_(None), _pauses.until > _NOW),
    )
    .order_by(_pauses.id.desc())
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class PauseFacts:
    """A pause that stands. `reach`: how many workers knew of it, and when the last of them did."""

    id: str
    agent_id: str
    reason: str
    paused_by_name: str
    paused_at: datetime
    until: datetime | None
    reach: Reach = field(default_factory=Reach)

    @property
    def sentence(self) -> str:
        """Return who paused it, until when and why, as a sentence."""
        end = f" until {self.until:%Y-%m-%d %H:%M} UTC" if self.until else ""
        stop = "" if self.reason.endswith((".", "!", "?")) else "."
        return f"{self.paused_by_name} paused it{end}: {self.reason}{stop}"


def stands(moment: datetime) -> ColumnElement[bool]:
    """Return the condition under which a pause stands at `moment`."""
    return and_(AgentPause.resumed_at.is_(None), or_(AgentPause.until.is_(None), AgentPause.until > moment))


def pause_of(session: Session, agent_id: str) -> PauseFacts | None:
    """Return the pause of an agent, if one stands. For rooms and gateways."""
    row = _OF_AGENT.first(session, {"of_agent": agent_id, "moment": clock.now()})
    return None if row is None else _facts(row, Reach())


def pauses_of(session: Session, agent_ids: Iterable[str], *, with_reach: bool = False) -> dict[str, PauseFacts]:
    """Return the pauses that stand, by agent, in one query; with `with_reach` in two. For rooms."""
    wanted = list(agent_ids)
    if not wanted:
        return {}
    rows = session.scalars(
        select(AgentPause).where(AgentPause.agent_id.in_(wanted), stands(clock.now())).order_by(AgentPause.id)
    ).all()
    reached = reach_of(session, [row.id for row in rows]) if with_reach and rows else {}
    return {row.agent_id: _facts(row, reached.get(row.id, Reach())) for row in rows}


def _facts(row: Any, reach: Reach) -> PauseFacts:
    return PauseFacts(row.id, row.agent_id, row.reason, row.paused_by_name, row.paused_at, row.until, reach)


def held_by(session: Session, run_id: str) -> Any:
    """Return the pause that keeps a queued run from starting, with `id` and `until`; None when none does."""
    return _OF_RUN.first(session, {"of_run": run_id, "moment": clock.now()})
