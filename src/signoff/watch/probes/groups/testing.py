"""Was the revision tried, its gates with it, and did anything go wrong that nobody has looked at?"""

from __future__ import annotations

from datetime import timedelta

from signoff.watch.probes.facts import ProbeFacts
from signoff.watch.probes.probe import Answer, Probe, attested, no, nothing, verdict, yes
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import counted, listed

_RUNS = "/runs?agent={agent}&revision={number}"
# A denied run has been handled when it came to an end of its own.
_HANDLED = "completed"


def _end_to_end(facts: ProbeFacts, rule: Rule) -> Answer:
    done = [run for run in facts.finished if run.state == "completed" and run.ended_at]
    scripted = sum(run.is_scripted for run in done)
    words = f"{counted(len(done), 'completed run')} of revision {facts.number}"
    words += f", {scripted} of them by a scripted model" if scripted else ""
    if not done:
        return nothing(f"{words.capitalize()}.")
    enough = len(done) >= rule.bar
    # It is as old as the run that makes the number full.
    oldest = done[min(len(done), int(rule.bar)) - 1]
    return verdict(enough, f"{words.capitalize()}.", oldest.ended_at)


def _gates_exercised(facts: ProbeFacts, rule: Rule) -> Answer:
    gates = [gate.name for gate in facts.body.gates]
    if not gates:
        return yes("The revision has no gates.")
    seen = {(one.gate, one.state): one.at for one in reversed(facts.answers)}
    lacking = [f"{gate} ({state})" for gate in gates for state in ("approved", "denied") if (gate, state) not in seen]
    if len(lacking) == 2 * len(gates):
        return nothing("No gate of this revision has asked anybody yet.")
    if lacking:
        return no(f"Not seen yet: {listed(lacking)}.")
    return yes(f"Each of {counted(len(gates), 'gate')} was approved and denied.", min(seen.values()))


def _denial_handled(facts: ProbeFacts, rule: Rule) -> Answer:
    if not facts.body.gates:
        return yes("The revision has no gates.")
    denied = [one for one in facts.answers if one.state == "denied"]
    if not denied:
        return nothing("No request of this revision was denied yet.")
    handled = [one for one in denied if one.run_state == _HANDLED]
    broken = [one for one in denied if one.run_state in ("failed", "cancelled")]
    words = (
        f"{len(handled)} of {counted(len(denied), 'denied run')} completed, {len(broken)} failed or were called off."
    )
    return verdict(bool(handled), words, (handled or denied)[0].at)


def _no_unexplained_error(facts: ProbeFacts, rule: Rule) -> Answer:
    since = facts.now - timedelta(days=rule.bar)
    recent = [run for run in facts.runs if run.created_at >= since and run.mode == "live"]
    if not recent:
        return nothing(f"Revision {facts.number} has not run in the last {rule.bar_text} days.")
    failed = [run for run in recent if run.state == "failed" and run.needs_attention]
    if failed:
        codes = sorted({run.code or "failed" for run in failed})
        return no(f"{counted(len(failed), 'failed run')} nobody acknowledged: {listed(codes)}.")
    return yes(f"{counted(len(recent), 'recent run')}, none with an error nobody looked at.", recent[0].created_at)


PROBES = (
    Probe(
        "testing.end_to_end",
        "End-to-end runs have completed",
        ("promote:13", "deploy:6"),
        "At least {threshold} runs of this revision completed with every effect made, none of them a replay.",
        "Run the revision in staging on inputs you care about: Run, Revision {number}.",
        _end_to_end,
        (_RUNS, "/agents/{agent}/run"),
        tighter="more",
    ),
    Probe(
        "testing.gates_exercised",
        "Each gate was approved once and denied once",
        ("promote:14",),
        "For each gate of this revision one approved and one denied request.",
        "Start runs that meet each gate, approve one request and deny another.",
        _gates_exercised,
        ("/inbox", _RUNS),
    ),
    Probe(
        "testing.denial_handled",
        "A denial is handled",
        ("promote:14",),
        "A run whose request was denied went on and completed.",
        "Deny a request in a test, and say in the SOP what is done then.",
        _denial_handled,
        (_RUNS,),
    ),
    Probe(
        "testing.no_unexplained_error",
        "No error that nobody has looked at",
        ("promote:16", "promote:13"),
        "No failed run of this revision in the last {threshold} days is left unacknowledged.",
        "Open each failed run, find out why, and acknowledge it; or fix the revision.",
        _no_unexplained_error,
        (_RUNS + "&needs_attention=true",),
        tighter="more",
    ),
    attested(
        "testing.edge_cases",
        "Edge cases are handled or accepted",
        ("promote:15",),
        "What testing brought up is handled in the SOP, or written down as a known gap.",
    ),
)
