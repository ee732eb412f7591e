"""The trail of a run: whether its last calls repeat themselves. Read only when some of them are known to look alike."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.gateways.tool.call import ToolCall
from signoff.kit.canonical import canonical_json, content_hash
from signoff.runs.facts import RunContext
from signoff.tables.runs import Step

CYCLE_MAX = 4
# What a call is answered with that goes in a circle, the first time.
REPEATED = "repeated_call"
# The first part of what `limits.same_call` allows is free, then the model is told, then a person is asked.
_TOLD_AT, _ASKED_AT, _OF = 3, 4, 5
_NUMBERS = re.compile(r"[0-9]+")
_RESULT_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class TrailCall:
    """A call of the run, oldest first. `outcome` is the class of what came of it; None when it was told to stop."""

    key: str
    seq: int
    name: str
    like: str
    outcome: str | None
    state: str
    code: str | None

    def as_plain(self) -> dict[str, Any]:
        """Return plain JSON, as evidence."""
        return {"step": self.seq, "call": self.name, "state": self.state, "code": self.code}


@dataclass(frozen=True, slots=True)
class Trail:
    """What repeats itself, seen from the call that is asked about.

    Args:
        same: the last calls that are just like it.
        is_stuck: so many of them came to the same that the model has to be told.
        cycle: the calls of the circle it closes, and how often that was gone round with it.
        was_told: the model has been told of it since it began.
    """

    same: tuple[TrailCall, ...] = ()
    is_stuck: bool = False
    cycle: tuple[TrailCall, ...] = ()
    rounds: int = 0
    was_told_of_same: bool = False
    was_told_of_cycle: bool = False


NO_TRAIL = Trail()


@dataclass(frozen=True, slots=True)
class Patience:
    """At which of equal calls the model is told and a person asked; `limits.same_call` itself ends the run."""

    told_at: int
    asked_at: int

    @staticmethod
    def of(body: Body) -> Patience:
        """Return what a revision grants."""
        most = body.limits.same_call
        return Patience(-(-most * _TOLD_AT // _OF), -(-most * _ASKED_AT // _OF))


def like_hash(call: ToolCall) -> str:
    """Return what tells calls apart that differ in more than spaces and the width of letters."""
    return content_hash([call.name, _plain(call.args)])


def likeness(call: ToolCall) -> dict[str, str]:
    """Return what a step keeps of it: nothing where the arguments are in their plain form already."""
    return {"like": like_hash(call)} if _plain(call.args) != call.args else {}


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return " ".join(unicodedata.normalize("NFKC", value).split())
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[Any]", value)]
    return value


def trail_of(session: Session, run: RunContext, call: ToolCall, *, same_before: int) -> Trail:
    """Return what repeats itself. Asks nothing unless this very call was made often enough to be part of it."""
    told_at, rounds = Patience.of(run.body).told_at, run.body.rules.cycle_repeats
    if same_before < max(min(told_at, rounds) - 1, 1):
        return NO_TRAIL
    like = like_hash(call)
    equal = _calls(session, run, call, like=like, limit=told_at)
    last = _calls(session, run, call, like=None, limit=CYCLE_MAX * (rounds + 2))
    this = TrailCall(call.key, (last[-1].seq if last else 0) + 1, call.name, like, None, "asked", None)
    length, times = _circle([*last, this])
    circle = tuple(last[-(length * times - 1) :]) if length else ()
    answered = [one for one in equal if one.outcome is not None]
    is_stuck = len(answered) >= told_at - 1 and len({one.outcome for one in answered[-(told_at - 1) :]}) == 1
    return Trail(
        same=tuple(equal),
        is_stuck=is_stuck,
        cycle=circle,
        rounds=times,
        was_told_of_same=any(one.code == REPEATED and one.state == "refused" for one in equal),
        was_told_of_cycle=any(one.outcome is None for one in circle),
    )


def _circle(calls: Sequence[TrailCall]) -> tuple[int, int]:
    """Return the length of the circle that the last call closes, and how often it was gone round; (0, 0) for none."""
    best = (0, 0)
    for length in range(2, CYCLE_MAX + 1):
        fits = 0
        while fits + length < len(calls) and _is_alike(calls[-1 - fits], calls[-1 - fits - length]):
            fits += 1
        times = (fits + length) // length if fits else 0
        # One call alone is no circle of several: that is counted as the same call.
        if times > max(best[1], 1) and len({one.like for one in calls[-length:]}) > 1:
            best = (length, times)
    return best


def _is_alike(one: TrailCall, other: TrailCall) -> bool:
    return one.like == other.like and (one.outcome is None or other.outcome is None or one.outcome == other.outcome)


def _calls(session: Session, run: RunContext, call: ToolCall, *, like: str | None, limit: int) -> list[TrailCall]:
    wanted = select(
        Step.key, Step.seq, Step.name, Step.state, Step.code, Step.response, Step.detail["args_hash"].as_string(),
        Step.detail["like"].as_string(),
    ).where(Step.run_id == run.run_id, Step.kind == "tool", Step.key != call.key)  # fmt: skip
    if like is not None:
        is_like = (Step.detail["args_hash"].as_string() == like, Step.detail["like"].as_string() == like)
        wanted = wanted.where(Step.name == call.name, or_(*is_like))
    rows = session.execute(wanted.order_by(Step.seq.desc()).limit(limit)).all()
    return [
        TrailCall(key, seq, name, own or args, _class_of(state, code, response), state, code)
        for key, seq, name, state, code, response, args, own in reversed(rows)
    ]


def _class_of(state: str, code: str | None, response: Any) -> str | None:
    """Return what a call came to, numbers left out: a clock or a counter in a result is no progress."""
    if state == "refused" and code == REPEATED:
        return None
    said = _NUMBERS.sub("0", canonical_json(response)[:_RESULT_CHARS])
    return content_hash([state, code, said])
