"""The waterfall of a run: where each step lies on an axis of active time, and what the run waited for in between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from signoff.runs.states import is_over
from signoff.runs.views import LegRow, RunDetail, StepRow
from signoff.web.filters import count, duration, money, plural

STEPS_ON_PAGE = 200
# A running axis grows in these strides, so that finished bars stay where they are for a while.
_STRIDES_MS = (1_000, 2_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000)
_TROUBLE = ("failed", "stopped", "refused")


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of the waterfall, in milliseconds of active time; `duration_ms` None while it goes on."""

    id: str
    seq: int
    kind: str
    name: str
    state: str
    href: str
    start_ms: float
    duration_ms: float | None
    cost_text: str
    started_at: datetime
    leg: int
    leg_text: str = ""
    """Before the first step of a later leg: what the run waited for and how long."""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Timeline:
    """The steps of one page of a run. `more_before` and `more_after` are addresses below the workspace."""

    bars: Sequence[Bar]
    span_ms: float
    active_ms: float
    waiting_ms: float
    totals: Sequence[tuple[str, str, str, str]]
    steps: int
    first: int
    more_before: str | None
    more_after: str | None
    waiting_text: str

    def bar(self, step_id: str) -> Bar | None:
        """Return the bar of a step on this page."""
        return next((bar for bar in self.bars if bar.id == step_id), None)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """A leg on the axis: it begins `base_ms` after the run's active time began."""

    number: int
    start: datetime
    end: datetime
    base_ms: float


def draw(found: RunDetail, steps: Sequence[StepRow], address: str, now: datetime, page: int = 1) -> Timeline:
    """Return the waterfall; `address` is the run's own, below the workspace."""
    run = found.run
    stretches = _stretches(found, now)
    active = sum(_ms(stretch.end - stretch.start) for stretch in stretches)
    waiting = _waited(stretches, found, now)
    span = active if is_over(run.state) else _stride(active)
    names = step_names(steps)
    by_leg = {stretch.number: stretch for stretch in stretches}
    pages = max((len(steps) - 1) // STEPS_ON_PAGE + 1, 1)
    page = min(max(page, 1), pages)
    first = (page - 1) * STEPS_ON_PAGE
    bars: list[Bar] = []
    leg = steps[first - 1].leg if first else 1
    for step in steps[first : first + STEPS_ON_PAGE]:
        text = _gap(stretches, step.leg) if step.leg != leg else ""
        leg = step.leg
        bars.append(_bar(run.state, step, names[step.id], by_leg.get(step.leg), stretches[0], address, text))
    return Timeline(
        bars=bars, span_ms=max(span, 1.0), active_ms=active, waiting_ms=waiting,
        totals=_totals(found, steps, waiting), steps=len(steps), first=first,
        more_before=f"{address}?page={page - 1}" if page > 1 else None,
        more_after=f"{address}?page={page + 1}" if page < pages else None,
        waiting_text=_waiting_text(found, stretches, now),
    )  # fmt: skip


def step_names(steps: Sequence[StepRow]) -> dict[str, str]:
    """Return what each step is called: a tool by its name, a model call by its number."""
    names: dict[str, str] = {}
    calls = 0
    for step in steps:
        calls += step.kind == "model"
        names[step.id] = f"Model call {calls}" if step.kind == "model" else step.name
    return names


def first_choice(found: RunDetail, steps: Sequence[StepRow]) -> str | None:
    """Return the step to show when the reader chose none: what went wrong, what is going on, or the last one."""
    run = found.run
    if not steps:
        return None
    if run.state in ("failed", "cancelled"):
        named = [step for step in steps if run.failed_step and run.failed_step in (step.key, step.name)]
        trouble = [step for step in named if step.state in _TROUBLE] or named
        trouble = trouble or [step for step in steps if step.state in _TROUBLE]
        if trouble:
            return trouble[-1].id
    wanted = "waiting" if run.state == "waiting" else "running"
    current = [step for step in steps if step.state == wanted]
    return (current or list(steps))[-1].id


def _stretches(found: RunDetail, now: datetime) -> list[_Stretch]:
    run = found.run
    stretches: list[_Stretch] = []
    base = 0.0
    for leg in found.legs:
        end = leg.ended_at or run.ended_at or now
        stretches.append(_Stretch(leg.number, leg.started_at, end, base))
        base += _ms(end - leg.started_at)
    if stretches:
        return stretches
    start = run.started_at or run.created_at
    return [_Stretch(1, start, (run.ended_at or now) if run.started_at else start, 0.0)]


def _waited(stretches: Sequence[_Stretch], found: RunDetail, now: datetime) -> float:
    gaps = sum(_ms(after.start - before.end) for before, after in pairwise(stretches))
    return gaps + (_ms(now - stretches[-1].end) if found.run.state == "waiting" else 0.0)


def _bar(
    run_state: str, step: StepRow, name: str, stretch: _Stretch | None, first: _Stretch, address: str, text: str
) -> Bar:
    place = stretch or first
    goes_on = step.ended_at is None or (step.state == "waiting" and run_state == "waiting")
    return Bar(
        id=step.id, seq=step.seq, kind=step.kind if step.kind in ("model", "tool") else "guard", name=name,
        state=step.state, href=f"{address}?step={step.id}", start_ms=place.base_ms + _ms(step.started_at - place.start),
        duration_ms=None if goes_on or step.ended_at is None else _ms(step.ended_at - step.started_at),
        cost_text=money(step.cost_usd) if step.cost_usd else "", started_at=step.started_at, leg=step.leg,
        leg_text=text,
    )  # fmt: skip


def _gap(stretches: Sequence[_Stretch], leg: int) -> str:
    pairs = pairwise(stretches)
    found = [(before, after) for before, after in pairs if after.number == leg]
    return f"waited {duration(_ms(found[0][1].start - found[0][0].end))}, then went on" if found else "went on"


def _waiting_text(found: RunDetail, stretches: Sequence[_Stretch], now: datetime) -> str:
    run = found.run
    if run.state != "waiting":
        return ""
    words = {
        "reconciliation": "waits for a person to settle an act",
        "approval": "waits for a person to agree",
        "question": "waits for an answer",
        "login": "waits for a login",
        "window": "waits for its time",
        "sub_agent": "waits for another agent",
        "provider": "waits for the provider",
        "budget": "waits for more budget",
    }.get(run.waiting_for or "", "waits for a worker")
    return f"{words}, {duration(_ms(now - stretches[-1].end))} so far"


def _totals(found: RunDetail, steps: Sequence[StepRow], waiting: float) -> list[tuple[str, str, str, str]]:
    run = found.run
    tools = [step for step in steps if step.kind == "tool"]
    tool_ms = sum(_ms(step.ended_at - step.started_at) for step in tools if step.ended_at)
    tokens = f", {count(run.tokens_in + run.tokens_out)} tokens" if run.tokens_in + run.tokens_out else ""
    cost = money(run.cost_usd or Decimal(0), not run.is_price_unknown, found.is_cost_estimated)
    totals = [
        ("model", "Models", cost, plural(run.model_calls, "call") + tokens),
        ("tool", "Tools", duration(tool_ms), plural(len(tools), "call")),
    ]
    trouble = sum(step.state in _TROUBLE for step in steps)
    if trouble:
        totals.append(("guard", "Refused or failed", str(trouble), plural(trouble, "step")))
    if waiting:
        totals.append(("approval", "Waiting", duration(waiting), plural(_waits(found.legs, run.state), "time")))
    return totals


def _waits(legs: Sequence[LegRow], state: str) -> int:
    return max(len(legs) - 1, 0) + (state == "waiting")


def _stride(ms: float) -> float:
    return next((stride for stride in _STRIDES_MS if stride >= ms), (ms // 3_600_000 + 1) * 3_600_000)


def _ms(span: timedelta) -> float:
    return max(span.total_seconds() * 1000, 0.0)
