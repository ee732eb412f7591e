"""Once it serves: are the first real runs what was promised?"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean, median

from signoff.evaluations.golden import cost_evaluated
from signoff.watch.probes.facts import ProbeFacts, RunFact
from signoff.watch.probes.probe import Answer, Probe, attested, built_in, nothing, verdict
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import counted, dollars, lasting, quantile

_RUNS = ("/runs?agent={agent}&revision={number}&environment={environment}",)
_OVER = ("completed", "failed")
_NONE = "No run of it here since it went live."
_P95 = 0.95


def _first_traffic(facts: ProbeFacts, rule: Rule) -> Answer:
    done = _done(facts)
    if not done:
        return nothing(_NONE)
    return verdict(len(done) >= rule.bar, f"{counted(len(done), 'run')} since it went live.", done[0].ended_at)


def _output(facts: ProbeFacts, rule: Rule) -> Answer:
    done = _done(facts)
    if not done:
        return nothing(_NONE)
    with_output = sum(run.has_output for run in done)
    return verdict(with_output > 0, f"{with_output} of {counted(len(done), 'run')} have an output.", done[0].ended_at)


def _error_rate(facts: ProbeFacts, rule: Rule) -> Answer:
    done = _done(facts)
    if not done:
        return nothing(_NONE)
    failed = sum(run.state == "failed" for run in done)
    share = 100 * failed / len(done)
    return verdict(share <= rule.bar, f"{failed} of {counted(len(done), 'run')} failed ({share:.1f} %).",
                   done[0].ended_at)  # fmt: skip


def _cost(facts: ProbeFacts, rule: Rule) -> Answer:
    """Say what real runs cost beside the evaluation, whose examples were chosen; without one, beside test runs."""
    done, before = _done(facts), facts.tried
    if done and (evaluated := cost_evaluated(facts.golden)) is not None:
        now = mean(run.cost_usd for run in done)
        words = f"{dollars(now)} a run on average against {dollars(evaluated)} in its evaluation."
        return verdict(float(now) <= float(evaluated) * rule.bar or now == 0, words, done[0].ended_at)
    if not done or not before:
        return nothing(_NONE if not done else "No test run of the revision to compare with.")
    now, then = median(run.cost_usd for run in done), median(run.cost_usd for run in before)
    words = f"{dollars(now)} a run against {dollars(then)} in tests."
    return verdict(float(now) <= float(then) * rule.bar or now == 0, words, done[0].ended_at)


def _latency(facts: ProbeFacts, rule: Rule) -> Answer:
    # A simulated call takes no time, so a sandbox does not count.
    done, before = _took(_done(facts)), _took([run for run in facts.tried if run.is_whole])
    if not done or not before:
        return nothing(_NONE if not done else "No test run of the revision to compare with.")
    now, then = quantile(done, _P95), quantile(before, _P95)
    return verdict(now <= then * rule.bar, f"95 of 100 took up to {lasting(now)} against {lasting(then)} in tests.")


def _queue(facts: ProbeFacts, rule: Rule) -> Answer:
    waits = [run for run in facts.since_live if run.state == "queued"]
    late = [run for run in waits if (facts.now - run.created_at).total_seconds() > rule.bar * 60]
    return verdict(not late, f"{counted(len(late), 'run')} queued for longer than {rule.bar_text} minutes.")


def _unanswered(facts: ProbeFacts, rule: Rule) -> Answer:
    oldest = facts.oldest_request_at
    if oldest is None:
        return verdict(True, "No request waits.")
    waited = (facts.now - oldest).total_seconds()
    words = f"{counted(facts.pending, 'request')} wait, the oldest for {lasting(waited)}."
    return verdict(waited <= rule.bar * 3_600, words)


def _done(facts: ProbeFacts) -> list[RunFact]:
    return [run for run in facts.since_live if run.is_whole and run.state in _OVER]


def _took(runs: Sequence[RunFact]) -> list[float]:
    return [run.seconds for run in runs if run.seconds is not None and run.state == "completed"]


PROBES = (
    Probe(
        "after.first_traffic", "Real runs were seen", ("deploy:17", "week:23"),
        "At least {threshold} runs since it went live.", "Wait for them, or start one by hand.", _first_traffic, _RUNS,
        phase="after", tighter="more",
    ),
    Probe(
        "after.has_output", "A run has its output", ("runbook:55", "runbook:63"),
        "At least one run since it went live has an output.", "Run it once by hand.", _output, _RUNS, phase="after",
    ),
    Probe(
        "after.error_rate", "Errors are at baseline", ("deploy:20", "week:9", "week:13", "week:68", "runbook:58"),
        "At most {threshold} % of runs since it went live failed.", "Go back first, then find out why.", _error_rate,
        _RUNS, phase="after", tighter="less",
    ),
    Probe(
        "after.cost", "Cost per run is sane", ("deploy:19", "week:15", "week:70"),
        "A run costs at most {threshold} times what it did in its evaluation; without one, in tests.",
        "Open the dearest run, and look for the same call again and again.", _cost, _RUNS, phase="after",
        tighter="less",
    ),
    Probe(
        "after.latency", "Runs take no longer than in tests", ("week:48", "week:70", "runbook:59"),
        "95 of 100 runs take at most {threshold} times as long as in tests.",
        "Look whether all are slow, or some; and at how much each has to do.", _latency, _RUNS, phase="after",
        tighter="less",
    ),
    Probe(
        "after.queue_moves", "The queue moves", ("runbook:60",),
        "No run waits in the queue for longer than {threshold} minutes.", "signoff doctor says whether workers live.",
        _queue, _RUNS, phase="after", tighter="less",
    ),
    Probe(
        "after.answered", "Requests are answered", ("week:4", "week:5", "week:10", "week:69"),
        "No request waits for longer than {threshold} hours.", "See who is asked, and whether they are told.",
        _unanswered, ("/inbox",), phase="after", tighter="less",
    ),
    built_in(
        "product.access_refused", "Whoever has no right is refused", ("runbook:61",),
        "Each operation refuses callers without its permission.",
        "Held for every agent: every operation is asked as every role in the product's own tests.",
    ),
    attested(
        "after.spot_checked", "Outputs were read", ("deploy:18", "week:18", "week:71"),
        "Three to five runs were opened at random, and somebody would accept what they say.", phase="after",
    ),
)  # fmt: skip
