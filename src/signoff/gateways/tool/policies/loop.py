"""The same call with the same arguments and the same result again and again is not work, nor is a circle of a few."""

from __future__ import annotations

from collections.abc import Sequence

from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.facts import ToolFacts
from signoff.gateways.tool.holding import ToAsk, hold, never_asks, rule_for
from signoff.gateways.tool.trail import REPEATED, Patience, TrailCall
from signoff.runs.facts import RunContext

FLAGGED_AT = 3
_SHOWN = 20


class Loop:
    """Tells the model first, then asks a person, then stops the run, at `limits.same_call` in any case."""

    name = "loop"

    def check(self, call: tuple[RunContext, ToolCall], facts: ToolFacts, /) -> Verdict:
        """Return `deny` with a warning for the model, `hold` or `stop` with the calls as evidence, or `allow`."""
        run, asked = call
        number, most = facts.same_call_before + 1, run.body.limits.same_call
        if number >= most:
            return _stop(
                f"The agent called {asked.name} {number} times with the same arguments (limits.same_call is {most}).",
                facts.trail.same,
            )
        return _same(run, asked, facts, number) or _circle(run, asked, facts) or _remark(number)


def _same(run: RunContext, asked: ToolCall, facts: ToolFacts, number: int) -> Verdict | None:
    """Judge equal calls that all came to the same. Where the results differ, it may be waiting for something."""
    patience, trail = Patience.of(run.body), facts.trail
    if not trail.is_stuck:
        return None
    what = f"{asked.name} was called {number - 1} times with the same arguments, and came to the same"
    if number >= patience.asked_at:
        return _ask(run, asked, facts, f"{what}; the agent was told, and called it again.", trail.same)
    if number >= patience.told_at and not trail.was_told_of_same:
        return _warn(f"{what}. It was not called again.", trail.same)
    return None


def _circle(run: RunContext, asked: ToolCall, facts: ToolFacts) -> Verdict | None:
    """Judge a circle of up to four calls, gone round `rules.cycle_repeats` times."""
    trail, most = facts.trail, run.body.rules.cycle_repeats
    if trail.rounds < most:
        return None
    names = ", ".join(dict.fromkeys([*(one.name for one in trail.cycle), asked.name]))
    what = f"The same calls ({names}) were made {trail.rounds} times in the same order, and came to the same"
    if trail.rounds > most + 1:
        return _stop(f"{what}.", trail.cycle)
    if trail.rounds > most:
        return _ask(run, asked, facts, f"{what}; the agent was told, and went on.", trail.cycle)
    return None if trail.was_told_of_cycle else _warn(f"{what}. The last of them was not made again.", trail.cycle)


def _remark(number: int) -> Verdict:
    if number < FLAGGED_AT:
        return ALLOW
    return Verdict("allow", f"This is call number {number} with the same arguments.", code=REPEATED)


def _warn(what: str, calls: Sequence[TrailCall]) -> Verdict:
    reason = (
        f"{what} Use what you know already, try something else, or finish and say what is missing. "
        "Going on like this ends the run."
    )
    return Verdict("deny", reason, code=REPEATED, value=_evidence(calls))


def _ask(run: RunContext, asked: ToolCall, facts: ToolFacts, what: str, calls: Sequence[TrailCall]) -> Verdict:
    """Ask a person whether this call may be made once more. An agent that has no gates works unattended: it ends."""
    if never_asks(run, facts) or not run.body.gates:
        return _stop(what, calls)
    if facts.approvals:
        return Verdict("allow", facts.approvals[0].remark, code="approved")
    rule = rule_for(run.body, asked, facts.effect, policy=Loop.name)
    shown = ToAsk(rule, more={"evidence": facts.redactor.value(_evidence(calls))})
    return hold(run, asked, facts, shown, f"{what} May it be made once more?")


def _stop(what: str, calls: Sequence[TrailCall]) -> Verdict:
    reason = f"{what} It goes in a circle; read its steps and its instructions."
    return Verdict("stop", reason, code="loop", value=_evidence(calls))


def _evidence(calls: Sequence[TrailCall]) -> dict[str, object]:
    return {"calls": [one.as_plain() for one in calls[-_SHOWN:]]}
