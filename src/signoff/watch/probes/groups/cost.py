"""What does it cost, how long does it take, and does that fit?"""

from __future__ import annotations

from decimal import Decimal
from statistics import median

from signoff.watch.probes.facts import LimitFact, ProbeFacts, RunFact
from signoff.watch.probes.probe import Answer, Probe, no, nothing, verdict, yes
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import counted, dollars, lasting, quantile

_RUNS = ("/runs?agent={agent}&revision={number}", "/settings/limits")
_P95 = 0.95
_DAYS = {"day": 1, "week": 7, "month": 30}
_SAY = "Say it in the policy under expected, by the agent's slug: signoff policy set."


def _within_budget(facts: ProbeFacts, rule: Rule) -> Answer:
    costs = [run.cost_usd for run in facts.finished]
    if not costs:
        return nothing("No run of this revision to take the cost of.")
    frequency, why = _frequency(facts)
    if frequency is None:
        return nothing("Nobody has said how often it will run, and it has not run here yet.")
    budget = _day_budget(facts)
    if budget is None:
        return nothing("There is no limit of money to fit into.")
    each = sum(costs, Decimal(0)) / len(costs)
    day = each * frequency
    words = f"{dollars(each)} a run × {frequency} a day ({why}) = {dollars(day)} of {dollars(budget)} a day."
    return verdict(day <= budget * Decimal(str(rule.bar)) / 100, words, facts.finished[0].ended_at)


def _frequency(facts: ProbeFacts) -> tuple[int | None, str]:
    if facts.expected.runs_per_day is not None:
        return facts.expected.runs_per_day, "as the policy says"
    return facts.busiest_day, "its busiest day" if facts.busiest_day is not None else ""


def _day_budget(facts: ProbeFacts) -> Decimal | None:
    """Return what the tightest limit leaves for a day, over all scopes."""
    return min((_of_a_day(limit) for limit in facts.limits if limit.cap_usd is not None), default=None)


def _of_a_day(limit: LimitFact) -> Decimal:
    return (limit.cap_usd or Decimal(0)) / _DAYS.get(limit.period, 1)


def _latency(facts: ProbeFacts, rule: Rule) -> Answer:
    took = _seconds(facts.finished)
    if not took:
        return nothing("No run of this revision to take the time of.")
    most = facts.expected.run_seconds_max
    if most is None:
        return nothing(f"95 of 100 runs took up to {lasting(quantile(took, _P95))}; nobody has said what is wanted.")
    measured = quantile(took, _P95)
    words = f"95 of 100 runs took up to {lasting(measured)} of {lasting(most)}."
    return verdict(measured <= most * rule.bar / 100, words, facts.finished[0].ended_at)


def _before_deadline(facts: ProbeFacts, rule: Rule) -> Answer:
    starts, done = facts.expected.starts_at, facts.expected.done_by
    if done is None or starts is None:
        return yes("Nothing is due at a time of day.")
    took = _seconds(facts.finished)
    if not took:
        return nothing("No run of this revision to take the time of.")
    # A deadline before the start is the next day's.
    room = (_minutes(done) - _minutes(starts)) % (24 * 60) * 60
    measured = quantile(took, _P95)
    words = f"Started at {starts}, 95 of 100 runs are done after {lasting(measured)}; due by {done}."
    return verdict(measured <= room, words, facts.finished[0].ended_at)


def _as_expected(facts: ProbeFacts, rule: Rule) -> Answer:
    live = facts.served.live_revision_id
    if live is None or live == facts.revision_id:
        return yes("No other revision serves here to compare with.")
    before = [run for run in facts.here if run.revision_id == live and run.is_whole and run.state == "completed"]
    mine = [run for run in facts.finished if run.state == "completed"]
    if not before or not mine:
        return nothing("One of the two revisions has no completed runs to compare.")
    parts: list[str] = []
    worst = 0.0
    for name, old, new in (
        ("cost", _costs(before), _costs(mine)), ("time", _seconds(before), _seconds(mine)),
    ):  # fmt: skip
        if old and new and median(old) > 0:
            factor = median(new) / median(old)
            worst = max(worst, factor)
            parts.append(f"{name} × {factor:.2f}")
    if not parts:
        return yes("Neither costs anything, nor takes time.")
    return verdict(worst <= rule.bar, f"Against what serves: {', '.join(parts)}.", facts.finished[0].ended_at)


def _run_limit(facts: ProbeFacts, rule: Rule) -> Answer:
    costs = [float(run.cost_usd) for run in facts.finished]
    if not costs:
        return nothing("No run of this revision to take the cost of.")
    most, limit = max(costs), float(facts.body.limits.cost_usd)
    words = f"The dearest of {counted(len(costs), 'run')} cost ${most:.4f}; one may cost ${limit:g}."
    return verdict(most <= limit * rule.bar / 100, words, facts.finished[0].ended_at)


def _capped(facts: ProbeFacts, rule: Rule) -> Answer:
    hard = [limit for limit in facts.limits if limit.is_hard and limit.cap_usd is not None]
    if not hard:
        return no("Nobody set a hard limit for the agent, its environment or the workspace.")
    return yes(f"{counted(len(hard), 'hard limit')}: {', '.join(_told(limit) for limit in hard[:3])}.")


def _alerts(facts: ProbeFacts, rule: Rule) -> Answer:
    told = [limit for limit in facts.limits if limit.cap_usd]
    if not told:
        return no("There is no limit that anybody would be told of.")
    return yes(f"People are told at {min(limit.alert_percent for limit in told)} % of a limit.")


def _told(limit: LimitFact) -> str:
    return f"{dollars(limit.cap_usd or Decimal(0))} a {limit.period} ({limit.scope})"


def _seconds(runs: list[RunFact]) -> list[float]:
    return [run.seconds for run in runs if run.state == "completed" and run.seconds is not None]


def _costs(runs: list[RunFact]) -> list[float]:
    return [float(run.cost_usd) for run in runs]


def _minutes(clock: str) -> int:
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


PROBES = (
    Probe(
        "cost.within_budget", "A day's work fits its budget", ("promote:34",),
        "Measured cost of a run × runs a day is at most {threshold} % of the tightest limit.",
        f"Raise the limit, run it less often, or make it cheaper. How often it runs: {_SAY}", _within_budget, _RUNS,
        tighter="less",
    ),
    Probe(
        "cost.latency_within_sla", "Runs end within what was promised", ("promote:35",),
        "95 of 100 runs take at most {threshold} % of the time the policy gives them.",
        f"Make it faster, or promise more. What is promised: {_SAY}", _latency, _RUNS, tighter="less",
    ),
    Probe(
        "cost.done_by_deadline", "The day's work is done by its hour", ("promote:35",),
        "95 of 100 runs end between the start and the hour the policy says.",
        "Start earlier, or make it faster.", _before_deadline, _RUNS,
    ),
    Probe(
        "cost.as_expected", "Cost and time are no surprise", ("promote:36", "deploy:19"),
        "The median of cost and of time is at most {threshold} times that of what serves.",
        "Open the dearest and the slowest run and find out why before going live.", _as_expected, _RUNS, tighter="less",
    ),
    Probe(
        "budgets.run_limit_fits", "No run comes near its own limit", ("deploy:12",),
        "The dearest run cost at most {threshold} % of what one run may.",
        "Raise limits.cost_usd in the agent, or find out why a run is so dear.", _run_limit, _RUNS, tighter="less",
    ),
    Probe(
        "budgets.capped", "Spending has a hard limit", ("deploy:12", "deploy:35", "guardrails:1"),
        "Somebody set a limit that refuses, for the agent, its environment or the workspace.",
        "signoff limits set agent {agent} --daily 10", _capped, ("/settings/limits",),
    ),
    Probe(
        "budgets.alerts", "People are told before money runs out", ("deploy:12", "checklist:31"),
        "A limit of money has a share at which people are told.",
        "signoff limits set agent {agent} --daily 10 --alert-percent 80", _alerts, ("/settings/limits",),
    ),
)  # fmt: skip
