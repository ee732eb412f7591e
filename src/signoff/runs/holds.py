"""What a leg ended for: each hold is one call that waits for a person, or for its time. They are answered in any order,
and the next leg starts when the last one is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, cast, get_args

from sqlalchemy import Table, bindparam, select
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.runs.states import is_over
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Effect, HoldAnswer, Run
from signoff.tables.upsert import in_each

# In the order in which a run with several says what it waits for: the gravest first.
HoldKind = Literal["reconciliation", "approval", "login", "question", "budget", "sub_agent", "window"]
HOLD_KINDS: tuple[HoldKind, ...] = get_args(HoldKind)
# Acts of which nobody knows yet whether they happened.
_OPEN = ("intended", "unknown")
# Nobody answers these; their time comes.
_BY_ITSELF: frozenset[HoldKind] = frozenset(("window",))

# What holds the run itself, and no call of a tool, has the key of its step behind this word.
_OF_RUN = "budget:"

_answers = cast("Table", HoldAnswer.__table__)
_ADD = Prepared(in_each(_answers, lambda new: new.on_conflict_do_nothing(index_elements=["run_id", "leg", "call_id"])))
_GIVEN = Prepared(
    select(_answers.c.call_id, _answers.c.answer).where(
        _answers.c.run_id == bindparam("of_run"), _answers.c.leg == bindparam("of_leg")
    )
)


@dataclass(frozen=True, slots=True)
class Hold:
    """One call that a leg ended for.

    Args:
        call: the id of the tool call; what holds the run itself has a word of its own.
        ref: the approval that asks, where one does; the run of another agent that is waited for.
        until: when its time comes, for what nobody answers.
    """

    call: str
    kind: HoldKind
    ref: str | None = None
    until: datetime | None = None

    @property
    def is_asked(self) -> bool:
        """Return whether somebody has to answer it."""
        return self.kind not in _BY_ITSELF

    def as_plain(self) -> dict[str, Any]:
        """Return plain JSON, as the leg keeps it."""
        plain: dict[str, Any] = {"call": self.call, "kind": self.kind}
        if self.ref is not None:
            plain["ref"] = self.ref
        if self.until is not None:
            plain["until"] = self.until.isoformat()
        return plain


def of_run(step_key: str) -> str:
    """Return the word for a hold of the run itself, which began at a step."""
    return f"{_OF_RUN}{step_key}"


def is_of_run(call: str) -> bool:
    """Return whether a hold is one of the run itself."""
    return call.startswith(_OF_RUN)


def holds_of(kept: Sequence[Any]) -> list[Hold]:
    """Return the holds that a leg keeps. Before there were kinds, a hold was the id of a call to reconcile."""
    return [_hold(each) for each in kept]


def _hold(kept: Any) -> Hold:
    if isinstance(kept, str):
        return Hold(kept, "reconciliation")
    plain = cast("dict[str, Any]", kept)
    until = plain.get("until")
    return Hold(plain["call"], plain["kind"], plain.get("ref"), datetime.fromisoformat(until) if until else None)


def first_kind(holds: Sequence[Hold]) -> HoldKind:
    """Return what a run with these holds waits for."""
    kinds: set[HoldKind] = {hold.kind for hold in holds}
    return next(kind for kind in HOLD_KINDS if kind in kinds)


def keep_answer(
    session: Session, *, workspace_id: str, run_id: str, leg: int, call_id: str, answer: Mapping[str, Any]
) -> bool:
    """Keep what was answered to one hold. False when it was answered before: the first answer stands."""
    values = {
        "run_id": run_id, "leg": leg, "call_id": call_id, "workspace_id": workspace_id, "answer": dict(answer),
        "answered_at": clock.now(),
    }  # fmt: skip
    return _ADD.run(session, values) == 1


def answers_to_holds(session: Session, run_id: str, leg: int, holds: Sequence[Hold]) -> dict[str, dict[str, Any]]:
    """Return what was answered so far, by call id. What waits for its time alone is answered by that."""
    found: dict[str, dict[str, Any]] = {hold.call: {"outcome": "go"} for hold in holds if not hold.is_asked}
    unknown = {f"{run_id}:{hold.call}": hold.call for hold in holds if hold.kind == "reconciliation"}
    if unknown:
        for act in session.scalars(select(Effect).where(Effect.key.in_(list(unknown)), Effect.state.not_in(_OPEN))):
            # No settlement: its answer came before anybody looked.
            found[unknown[act.key]] = {"outcome": act.settlement, "reason": act.reason, "result": act.result}
    children = {hold.ref: hold.call for hold in holds if hold.kind == "sub_agent"}
    if children:
        # Its call is made again, and finds what came of it.
        ended = session.execute(select(Run.id, Run.state).where(Run.id.in_([ref for ref in children if ref])))
        found |= {children[row.id]: {"outcome": "go"} for row in ended if is_over(row.state)}
    if any(hold.is_asked and hold.kind not in ("reconciliation", "sub_agent") for hold in holds):
        given = _GIVEN.all(session, {"of_run": run_id, "of_leg": leg})
        asked = {hold.call for hold in holds if hold.is_asked}
        found |= {row.call_id: row.answer for row in given if row.call_id in asked}
    return found


def still_open(session: Session, run_id: str, leg: int, holds: Sequence[Hold]) -> list[Hold]:
    """Return the holds that somebody still has to answer."""
    answered = answers_to_holds(session, run_id, leg, holds)
    return [hold for hold in holds if hold.call not in answered]
