"""Will anybody hear of it when something is wrong, and can they find out why?"""

from __future__ import annotations

from signoff.watch.probes.facts import ProbeFacts
from signoff.watch.probes.probe import Answer, Probe, built_in, nothing, unmeasured, verdict
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import counted, lasting, listed

_LATER = "Watch it from outside, and vouch for that, until the product does."


def _told(facts: ProbeFacts, rule: Rule) -> Answer:
    count = facts.people.channels
    return verdict(count > 0, f"{counted(count, 'channel')} of the agent or of who answers for it.")


def _quiet(facts: ProbeFacts, rule: Rule) -> Answer:
    kinds = sorted({kind for kind, _ in facts.alerts})
    return verdict(not kinds, f"{counted(len(facts.alerts), 'open alert')}{': ' + listed(kinds) if kinds else ''}.")


def _replay(facts: ProbeFacts, rule: Rule) -> Answer:
    done = [run for run in (*facts.runs, *facts.here) if run.source == "replay" and run.ended_at is not None]
    if not done:
        return nothing("No run of the agent was replayed lately.")
    newest = max(done, key=lambda run: run.id)
    took = ((newest.ended_at or newest.created_at) - newest.created_at).total_seconds()
    return verdict(took <= rule.bar, f"The last replay was done {lasting(took)} after it was asked for.",
                   newest.ended_at)  # fmt: skip


PROBES = (
    Probe(
        "monitoring.told", "Somebody is told", ("promote:149",),
        "The agent, or somebody who answers for it, has a channel.",
        "Add a channel on the Owners page, or under your profile.", _told, ("/agents/{agent}/owners",),
    ),
    Probe(
        "monitoring.quiet", "No alert is open", ("checklist:29", "checklist:30", "week:71"),
        "No alert about the agent, or about the workspace, is open.", "See to it, and resolve it.", _quiet, ("/",),
    ),
    built_in(
        "monitoring.model_failing", "Failures of the model are told", ("checklist:29",),
        "Failures of a provider in a row raise an alert.", "Held for every agent: three in a row raise one alert.",
    ),
    unmeasured(
        "monitoring.heartbeat", "Its heartbeat is watched", ("checklist:27",),
        "Somebody is told when it does not run at all.", _LATER,
    ),
    unmeasured(
        "monitoring.delivery", "Missing output is told", ("checklist:28",),
        "Somebody is told when what is expected has not come by its hour.", _LATER,
    ),
    unmeasured(
        "monitoring.error_rate", "A rising error rate is told", ("checklist:32",),
        "Somebody is told when more than 5 % of the runs of an hour fail.", _LATER,
    ),
    unmeasured(
        "monitoring.spend_baseline", "Unusual spend is told", ("checklist:31",),
        "Somebody is told when a day costs more than twice its baseline.", _LATER,
    ),
    built_in(
        "observability.traced", "Every model call can be read", ("checklist:35",),
        "Each model call is kept with all that went in and came out.",
        "Held for every agent: each call is a step of its run, with its messages.",
    ),
    built_in(
        "observability.logs", "Logs name the run", ("checklist:36",),
        "Logs can be JSON, with the run's id.", "Held for every agent: SIGNOFF_LOG_FORMAT=json.",
    ),
    unmeasured(
        "observability.metrics", "Key metrics are tracked", ("checklist:37",),
        "Inputs, kinds of task, latency, tokens and errors are counted.",
        "/metrics tells all but the kinds of task; vouch for that one, or leave it.",
    ),
    Probe(
        "observability.replay", "A run can be replayed at once", ("checklist:38",),
        "The last replay was done within {threshold} seconds.", "Replay a run of the agent.", _replay,
        ("/runs?agent={agent}",), tighter="less",
    ),
)  # fmt: skip
