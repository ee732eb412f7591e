"""The counts of an agent's caps: which of them a call meets, a place taken in each, a place given back.

A place is taken by one conditional update in the transaction that begins the step, where the intent is written too, so
that of many workers at once none passes a full count. It is kept with the step's key: a step that begins again has it,
and from then on nobody gives it back, because the attempt before may have acted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Table, bindparam, delete, select, update
from sqlalchemy.orm import Session

from signoff.agents.openings import zone_named
from signoff.agents.part import Effect
from signoff.agents.periods import identity_of, is_in_force, period_of
from signoff.agents.rules import Cap, CapPer
from signoff.gateways.standing import Standing
from signoff.gateways.tool.call import ToolCall
from signoff.kit import clock
from signoff.record import trace
from signoff.runs.facts import RunContext
from signoff.tables.caps import CapCounter, CapPlace
from signoff.tables.prepared import Prepared
from signoff.tables.upsert import Insert, in_each

# A count that is over is kept so long, for whoever wants to see it.
_KEEP = timedelta(days=30)
_FORGOTTEN_AT_ONCE = 500
_counters = cast("Table", CapCounter.__table__)
_places = cast("Table", CapPlace.__table__)


def _take(new: Insert) -> Any:
    return new.on_conflict_do_update(
        index_elements=["counter"],
        set_={"used": _counters.c.used + 1},
        where=_counters.c.used < bindparam("at_most"),
    ).returning(_counters.c.used)


_TAKE = Prepared(in_each(_counters, _take))
_KEEP_PLACE = Prepared(in_each(_places, lambda new: new.on_conflict_do_nothing(index_elements=["counter", "step_key"])))
_OWN_NO_MORE = Prepared(update(_places).where(_places.c.step_key == bindparam("of_step")).values(holder=None))
_HELD = Prepared(select(_places.c.counter).where(_places.c.step_key == bindparam("of_step")))
_USED = Prepared(select(_counters.c.used).where(_counters.c.counter == bindparam("of_counter")))
_LEAVE = Prepared(
    delete(_places).where(
        _places.c.step_key == bindparam("of_step"),
        _places.c.counter == bindparam("of_counter"),
        _places.c.holder == bindparam("of_holder"),
    )
)
_GIVE_BACK = Prepared(
    update(_counters).where(_counters.c.counter == bindparam("of_counter")).values(used=_counters.c.used - 1)
)


@dataclass(frozen=True, slots=True)
class CapState:
    """A cap that a call meets, and how far its count has come.

    Args:
        counter: the row that counts.
        is_held: this very call has its place already.
    """

    counter: str
    most: int
    per: CapPer
    ends_at: datetime
    used: int = 0
    is_held: bool = False

    @property
    def is_full(self) -> bool:
        """Return whether there is no place for the call."""
        return not self.is_held and self.used >= self.most


def caps_met(run: RunContext, call: ToolCall, standing: Standing, effect: Effect) -> list[CapState]:
    """Return the caps that a call meets, each count once: of two caps with the same scope the lower one holds."""
    caps = [cap for cap in run.body.rules.caps if cap.applies_to(call.slot, call.tool, effect)]
    if not caps:
        return []
    moment, zone = clock.now(), zone_named(standing.time_zone) or ZoneInfo("UTC")
    found: dict[str, CapState] = {}
    for cap in caps:
        if not is_in_force(cap, zone, moment):
            continue
        period = period_of(cap.per, zone, moment)
        counter = f"cap:{_whose(run, standing, cap)}:{identity_of(cap)}:{period.name}"
        before = found.get(counter)
        if before is None or cap.most < before.most:
            found[counter] = CapState(counter, cap.most, cap.per, period.ends_at)
    # In one order everywhere, so that two steps never wait for each other's rows.
    return [found[counter] for counter in sorted(found)]


def _whose(run: RunContext, standing: Standing, cap: Cap) -> str:
    """Return whose calls are counted together: an agent's in one environment, its tests apart, a rehearsal alone."""
    if cap.per == "run" or run.mode != "live":
        return run.run_id if run.mode == "live" else f"{run.run_id}:{run.mode}"
    kind = "" if standing.origin == "production" else f":{standing.origin}"
    return f"{run.environment_id}:{run.agent_id}{kind}"


def cap_states(
    session: Session, run: RunContext, call: ToolCall, standing: Standing, effect: Effect
) -> tuple[CapState, ...]:
    """Return the caps that a call meets, as they stand. Asks nothing when there are none."""
    met = caps_met(run, call, standing, effect)
    if not met:
        return ()
    held = _held(session, call.key)
    return tuple(
        CapState(cap.counter, cap.most, cap.per, cap.ends_at, _used(session, cap.counter), cap.counter in held)
        for cap in met
    )


def take_places(
    session: Session, run: RunContext, call: ToolCall, caps: Sequence[CapState], *, holder: str
) -> CapState | None:
    """Take a place in every count, or in none. Returns the cap that is full, None when all was well.

    `holder` names this attempt, which alone may give the places back.
    """
    # Before the counts, as at the end of a step: whoever holds the run's row may wait for a count, never the reverse.
    trace.take_turn(session, run.run_id)
    held, taken = _held(session, call.key), list[str]()
    if held:
        _OWN_NO_MORE.run(session, {"of_step": call.key})
    for cap in caps:
        if cap.counter in held:
            continue
        values = {
            "counter": cap.counter, "workspace_id": run.workspace_id, "used": 1, "ends_at": cap.ends_at,
            "at_most": cap.most,
        }  # fmt: skip
        if cap.most < 1 or _TAKE.first(session, values) is None:
            for counter in taken:
                _leave(session, call.key, counter, holder)
            return CapState(cap.counter, cap.most, cap.per, cap.ends_at, _used(session, cap.counter))
        kept = {
            "counter": cap.counter, "step_key": call.key, "workspace_id": run.workspace_id, "holder": holder,
        }  # fmt: skip
        _KEEP_PLACE.run(session, kept)
        taken.append(cap.counter)
    return None


def give_back(session: Session, call: ToolCall, caps: Sequence[CapState], *, holder: str) -> None:
    """Give the places that this attempt took back: the call was surely not made."""
    for cap in caps:
        _leave(session, call.key, cap.counter, holder)


def forget_counts(session: Session) -> None:
    """Remove counts whose periods ended long ago."""
    before = clock.now() - _KEEP
    old = session.scalars(
        select(CapCounter.counter)
        .where(CapCounter.ends_at < before)
        .order_by(CapCounter.ends_at)
        .limit(_FORGOTTEN_AT_ONCE)
    ).all()
    if old:
        session.execute(delete(CapPlace).where(CapPlace.counter.in_(old)))
        session.execute(delete(CapCounter).where(CapCounter.counter.in_(old)))


def _leave(session: Session, step_key: str, counter: str, holder: str) -> None:
    of = {"of_step": step_key, "of_counter": counter, "of_holder": holder}
    if _LEAVE.run(session, of) == 1:
        _GIVE_BACK.run(session, {"of_counter": counter})


def _held(session: Session, step_key: str) -> set[str]:
    return {row.counter for row in _HELD.all(session, {"of_step": step_key})}


def _used(session: Session, counter: str) -> int:
    return int(_USED.scalar(session, {"of_counter": counter}) or 0)
