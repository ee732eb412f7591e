"""May it reach further already? Only what has been on target for weeks is given more to do."""

from __future__ import annotations

from signoff.watch.probes.facts import ProbeFacts, Targets, WeekFact
from signoff.watch.probes.probe import Answer, Probe, verdict, yes
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import counted, listed


def _on_target(facts: ProbeFacts, rule: Rule) -> Answer:
    expansion = facts.expansion
    if not expansion.widens:
        return yes("It reaches no further than what serves.")
    weeks = expansion.weeks
    off = [f"{_when(at)}: {why}" for at, week in enumerate(weeks) if (why := _off_target(week, facts.targets))]
    good = next((at for at, week in enumerate(weeks) if _off_target(week, facts.targets)), len(weeks))
    words = f"It widens: {listed(expansion.widens)}. On target for {counted(good, 'week')} in a row"
    return verdict(good >= rule.bar, f"{words}{f'; {listed(off)}' if off else ''}.")


def _off_target(week: WeekFact, targets: Targets) -> str:
    """Return what of a week was off its target; empty: nothing was."""
    if week.runs == 0:
        return "nothing ran"
    if week.failed_percent > targets.failed_percent:
        return f"{week.failed_percent:.1f} % failed"
    if week.needs_input_percent > targets.needs_input_percent:
        return f"{week.needs_input_percent:.1f} % needed a person"
    if week.denied_percent > targets.denied_percent:
        return f"{week.denied_percent:.1f} % of requests were denied"
    if targets.cost_usd is not None and week.cost_usd > targets.cost_usd:
        return f"a run cost ${week.cost_usd:.4f}"
    return ""


def _when(at: int) -> str:
    return "the last seven days" if at == 0 else f"the week {at} before"


PROBES = (
    Probe(
        "expansion.on_target", "It was on target for weeks before it reaches further", ("mature:147",),
        "What reaches further than what serves (more tools that act, agents, volume or hours, or fewer gates) "
        "follows {threshold} weeks in a row on the policy's targets.",
        "Leave out what is new, or wait until the weeks are full. Whoever knows better waives it, with a reason.",
        _on_target, ("/agents/{agent}/follow-up", "/runs?agent={agent}&environment={environment}"), tighter="more",
    ),
)  # fmt: skip
