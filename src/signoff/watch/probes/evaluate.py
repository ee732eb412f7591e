"""What the probes say of one revision in one environment, now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.agents.revisions import find_revision
from signoff.deployments.actions import environment_for
from signoff.deployments.hands import hands_behind
from signoff.deployments.queries import live_revision
from signoff.kit import clock
from signoff.kit.errors import NotFound
from signoff.people.access import Principal
from signoff.tables.agents import Agent, Revision
from signoff.tables.people import Environment
from signoff.watch.probes.evidence import Evidence, ProbeResult, ProbeStatus
from signoff.watch.probes.facts import ProbeFacts
from signoff.watch.probes.load import load_facts
from signoff.watch.probes.policies import holding_policy
from signoff.watch.probes.policy import Policy
from signoff.watch.probes.probe import UNSAID, Answer, Phase, Probe
from signoff.watch.probes.rule import Rule
from signoff.watch.probes.vouchings import GRAVE, VouchingFacts, latest_words
from signoff.watch.probes.words import counted


def evaluate(
    session: Session,
    *,
    agent_id: str,
    environment_id: str,
    revision_id: str,
    now: datetime | None = None,
    phase: Phase = "before",
) -> Evidence:
    """Return the evidence for a revision; for rooms that have checked whose it is.

    Args:
        phase: what is asked before it goes live, or once it serves.

    Raises:
        NotFound: the revision is not the agent's, or the environment another workspace's.
    """
    agent = session.get(Agent, agent_id)
    place = session.get(Environment, environment_id)
    revision = session.get(Revision, revision_id)
    if agent is None or place is None or revision is None or place.workspace_id != agent.workspace_id:
        raise NotFound("There is no such agent, revision or environment in this workspace.")
    if revision.agent_id != agent.id:
        raise NotFound(f"{agent.slug} has no such revision.")
    moment = now or clock.now()
    policy, _ = holding_policy(session, agent.workspace_id)
    expected = policy.expected_of(agent.slug)
    facts = load_facts(
        session, agent, place, revision, expected=expected, now=moment, targets=policy.after.targets,
        weeks=int(policy.rules["expansion.on_target"].bar),
    )  # fmt: skip
    words = _heard(session, facts, latest_words(session, agent.id, place.id, revision.id))
    return judged(facts, policy, words, phase=phase)


def evidence_for(
    session: Session,
    viewer: Principal,
    agent: str,
    *,
    environment: str | None = None,
    revision: str | None = None,
    phase: Phase = "before",
) -> Evidence:
    """Return the evidence for a revision (number or id) of an agent; left out, for what is newest, or once it serves
    for what does. Left out, the environment is that of the viewer's key, or production.

    Raises:
        NotFound: there is no such agent, environment or revision.
    """
    row = agent_for(session, viewer, agent, "agent.read")
    place = environment_for(session, viewer, environment) if environment else _usual_place(session, viewer)
    if viewer.environment_id not in (None, place.id):
        raise NotFound("There is no such thing in this key's environment.")
    wanted: str | int | None = revision
    if wanted is None:
        wanted = (live_revision(session, row.id, place.id) if phase == "after" else None) or row.last_revision
    target = find_revision(session, row, wanted)
    return evaluate(session, agent_id=row.id, environment_id=place.id, revision_id=target.id, phase=phase)


def _usual_place(session: Session, viewer: Principal) -> Environment:
    wanted = select(Environment).where(Environment.workspace_id == viewer.workspace_id)
    if viewer.environment_id:
        wanted = wanted.where(Environment.id == viewer.environment_id)
    order = (Environment.is_production.desc(), Environment.position, Environment.id)
    place = session.scalar(wanted.order_by(*order).limit(1))
    if place is None:
        raise NotFound("There is no environment in this workspace.")
    return place


def judged(
    facts: ProbeFacts, policy: Policy, words: Mapping[str, VouchingFacts], *, phase: Phase = "before"
) -> Evidence:
    """Return what the probes of a phase say of some facts. Pure."""
    results = tuple(
        _result(facts, probe, policy.rules[probe.id], words.get(probe.id))
        for probe in policy.probes
        if probe.phase == phase
    )
    return Evidence(facts.tier, results, policy.digest, facts.now, facts.tier_reasons)


def _result(facts: ProbeFacts, probe: Probe, rule: Rule, word: VouchingFacts | None) -> ProbeResult:
    answer = probe.judge(facts, rule)
    status = _status(facts, probe, rule, answer, word)
    measured, at = answer.measured, answer.at or (facts.now if answer.status != "missing" else None)
    if status == "stale" and word is None and rule.fresh_seconds is not None:
        measured += f" That is older than {counted(rule.fresh_seconds // 86_400, 'day')}."
    if word is not None and status in ("waived", "attested"):
        verb = "let it pass" if word.kind == "waive" else "said so"
        said = f"{word.by_name} ({word.by_role}) {verb} until {word.expires_at:%Y-%m-%d}: {word.reason}"
        measured = said if measured == UNSAID and word.kind == "attest" else f"{measured} {said}"
        at = word.at
    elif word is not None and word.expires_at <= facts.now and status != "true":
        measured += f" The word of {word.by_name} lapsed on {word.expires_at:%Y-%m-%d}."
    names = facts.arguments()
    severity = rule.severity(facts.tier, is_production=facts.is_production)
    if answer.is_unasked or (probe.is_gathered and facts.release_state in (None, "requested")):
        severity = "warn"
    return ProbeResult(
        probe.id, probe.title, probe.group, probe.source or "The workspace's policy",
        severity, status, measured,
        probe.wanted.replace("{threshold}", rule.bar_text), _filled(probe.fix, names),
        tuple(_filled(link, names) for link in probe.links), at,
    )  # fmt: skip


def _status(facts: ProbeFacts, probe: Probe, rule: Rule, answer: Answer, word: VouchingFacts | None) -> ProbeStatus:
    status: ProbeStatus = answer.status
    if status != "missing" and answer.at is not None and rule.fresh_seconds is not None:
        old = facts.now - answer.at > timedelta(seconds=rule.fresh_seconds)
        status = "stale" if old and status == "true" else status
    if status == "true" or word is None:
        return status
    if word.expires_at <= facts.now:
        # Somebody said so once: that is more than nothing, and not enough.
        return "stale" if word.kind == "attest" and status == "missing" else status
    if word.kind == "waive":
        return status if probe.is_safety else "waived"
    return "attested" if probe.may_be_attested else status


def _heard(session: Session, facts: ProbeFacts, words: dict[str, VouchingFacts]) -> dict[str, VouchingFacts]:
    """Return the words that count: where much is at stake, not those of whoever wrote the revision."""
    if facts.tier not in GRAVE or not words:
        return words
    own = {one for one in {word.by for word in words.values()} if hands_behind(session, [one]) & facts.authors}
    return {name: word for name, word in words.items() if word.by not in own}


def _filled(text: str, said: Mapping[str, str]) -> str:
    for name, value in said.items():
        text = text.replace(f"{{{name}}}", value)
    return text
