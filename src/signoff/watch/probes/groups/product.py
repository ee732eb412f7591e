"""Is what is shipped what was checked and staged, and is the ground it stands on in order?"""

from __future__ import annotations

from signoff.watch.probes.facts import CalledAgent, ProbeFacts
from signoff.watch.probes.probe import Answer, Probe, built_in, no, nothing, verdict, yes
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.words import counted, listed


def _intact(facts: ProbeFacts, rule: Rule) -> Answer:
    if facts.is_intact:
        return yes(f"The content of revision {facts.number} is what its hash says.")
    return no(f"The content of revision {facts.number} is not what was frozen.")


def _checks(facts: ProbeFacts, rule: Rule) -> Answer:
    errors = [one.code for one in facts.findings if one.severity == "error"]
    warnings = sum(one.severity == "warning" for one in facts.findings)
    if errors:
        return no(f"{counted(len(errors), 'error')}: {listed(sorted(set(errors)))}.")
    return yes(f"No error, {counted(warnings, 'warning')}.")


def _migrated(facts: ProbeFacts, rule: Rule) -> Answer:
    has, wants = facts.schema
    return verdict(has == wants, f"The database is at {has or 'no schema'}; this release is at {wants}.")


def _staged(facts: ProbeFacts, rule: Rule) -> Answer:
    if not facts.is_production or not facts.served.has_staging:
        return yes("There is no environment before this one.")
    if facts.served.staged_in:
        return yes(f"The same revision served {listed(facts.served.staged_in)}.")
    return no(f"Revision {facts.number} has served no environment before production.")


def _smoke(facts: ProbeFacts, rule: Rule) -> Answer:
    if not facts.is_production or not facts.served.has_staging:
        return yes("There is no environment before this one.")
    before = [run for run in facts.finished if run.environment_id != facts.environment_id]
    if not before:
        return nothing("The revision has not run outside production.")
    newest = before[0]
    return verdict(newest.state == "completed", f"The last run outside production {newest.state}.", newest.ended_at)


def _sub_agents(facts: ProbeFacts, rule: Rule) -> Answer:
    if not facts.called:
        return yes("The revision calls no other agent.")
    wrong = [_lack(one, facts.environment) for one in facts.called if one.number is None or one.state != "active"]
    if wrong:
        return no(f"{listed(wrong)}.")
    said = [f"{one.slug} {'pinned to' if one.is_pinned else 'live at'} revision {one.number}" for one in facts.called]
    return yes(f"{listed(said)}.")


def _lack(called: CalledAgent, environment: str) -> str:
    if called.state == "missing":
        return f"there is no agent {called.slug}"
    if called.number is None:
        what = "has no such revision" if called.is_pinned else f"serves nothing in {environment}"
        return f"{called.slug} {what}"
    return f"{called.slug} is {called.state}"


def _memory(facts: ProbeFacts, rule: Rule) -> Answer:
    memory = facts.body.memory
    if memory is None:
        return yes("The agent keeps nothing between runs.")
    if facts.memory_scope is not None and facts.memory_scope != memory.scope and facts.is_production:
        return no(f"Production has memory of the scope {facts.memory_scope}; this revision says {memory.scope}.")
    return yes(f"Memory of the scope {memory.scope}.")


PROBES = (
    Probe(
        "product.revision_intact", "It is what was frozen", ("runbook:20", "runbook:52"),
        "The content has the hash it was named by.", "Restore the database from a backup; freeze the agent anew.",
        _intact, ("/agents/{agent}/revisions/{number}",), is_safety=True,
    ),
    Probe(
        "product.checks_passed", "The checks of the agent pass", ("runbook:31",),
        "Lint finds no error in the revision as the workspace is now.",
        "signoff apply --dry-run shows every finding with its fix.", _checks, ("/agents/{agent}/edit",),
    ),
    Probe(
        "product.migrations_at_head", "The database is migrated", ("runbook:28", "runbook:35", "runbook:43",
        "runbook:54"), "The database's schema is this release's.", "signoff migrate", _migrated,
    ),
    Probe(
        "product.staged", "It was staged first", ("runbook:42", "runbook:52"),
        "This very revision serves or served an environment outside production.",
        "Make it live in staging, and try it there.", _staged, ("/agents/{agent}/revisions",),
    ),
    Probe(
        "product.staging_smoke", "The last run in staging went through", ("runbook:47",),
        "The newest finished run of this revision outside production completed.",
        "Run it in staging.", _smoke, ("/runs?agent={agent}&revision={number}",),
    ),
    Probe(
        "product.sub_agents", "Agents it calls are live or pinned", ("deploy:12", "deploy:34"),
        "Every agent the revision calls serves here, or is named with its revision.",
        "Make them live, or pin them.", _sub_agents, ("/agents/{agent}/edit",),
    ),
    Probe(
        "product.memory_scope", "It is decided whose its memory is", ("promote:120",),
        "The revision has no memory, or memory of the scope production has.",
        "Move the entries first: Memory of the agent.", _memory, ("/agents/{agent}/memory",),
    ),
    built_in(
        "product.rates_limited", "Whoever triggers it is held to a rate", ("checklist:23",),
        "Ways in that others can use are limited.", "Held for every agent: the API limits requests by key and address.",
    ),
)  # fmt: skip
