"""Gathering what lint may know about a workspace: its connections, their tools, its secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from signoff.agents.body import EFFECTS, Body
from signoff.agents.callees import callee
from signoff.agents.lint.facts import NO_FACTS, LintFacts, ToolFacts
from signoff.agents.lint.parts import member, objects
from signoff.agents.sub_agents import Callee
from signoff.connections.labels import labels_of
from signoff.people.access import Principal
from signoff.tables.agents import Agent
from signoff.tables.connections import Connection, Secret, SecretGrant, Tool
from signoff.tables.people import Environment

# From fit for use to not: of several environments the worst is told.
_STATES = ("accepted", "new", "changed", "removed")
_AGENTS_MAX = 500


def gather(
    session: Session,
    viewer: Principal,
    body: Mapping[str, Any] | Body | None = None,
    *,
    known_model: Callable[[str], bool | None] | None = None,
    has_price: Callable[[str], bool | None] | None = None,
    agent: str | None = None,
) -> LintFacts:
    """Return what lint may know, over all environments of the viewer's workspace, in a handful of queries. Who a
    sub-agent is, is looked up when it is asked, so within the session's transaction.

    Args:
        body: tools are read only of the slots it names; None reads them all.
        agent: id or slug of the agent whose grants of secrets are looked at; None leaves them unchecked.
        known_model, has_price: what the model gateway knows; None leaves models unchecked.
    """
    workspace_id = viewer.workspace_id
    environments = session.scalars(
        select(Environment.slug).where(Environment.workspace_id == workspace_id).order_by(Environment.slug)
    ).all()
    places = session.execute(
        select(Connection.slug, Environment.slug)
        .join(Environment, Environment.id == Connection.environment_id)
        .where(Connection.workspace_id == workspace_id, Connection.state != "disconnected")
    ).all()
    kept = session.execute(
        select(Secret, Environment.slug, Environment.is_production)
        .join(Environment, Environment.id == Secret.environment_id)
        .where(Secret.workspace_id == workspace_id)
        .order_by(Environment.slug)
    ).all()
    secrets = [(row[0].name, row[1]) for row in kept]
    slots: dict[str, dict[str, ToolFacts]] = {slug: {} for slug, _ in places}
    named = None if body is None else _slots_of(body)
    for slot, tool in _tools(session, workspace_id, named):
        offered = slots.setdefault(slot, {})
        offered[tool.name] = _stricter(offered.get(tool.name), _tool_facts(tool))
    own, others = _agents(session, workspace_id, agent)
    known: dict[tuple[str, str], Callee | None] = {}

    def callee_of(slug: str, revision: str) -> Callee | None:
        if (slug, revision) not in known:
            known[slug, revision] = callee(session, workspace_id, slug, revision)
        return known[slug, revision]

    return LintFacts(
        slots=slots,
        secrets=frozenset(name for name, _ in secrets),
        slots_missing=_missing([(slug, place) for slug, place in places], environments),
        secrets_missing=_missing([(name, place) for name, place in secrets], environments),
        secrets_ungranted=_ungranted(session, viewer, [(row[0], row[1]) for row in kept], agent) if agent else {},
        secrets_personal={
            row[0].name: row[0].owner_name or "someone" for row in kept if row[2] and row[0].principal == "personal"
        },
        known_model=known_model or NO_FACTS.known_model,
        has_price=has_price or NO_FACTS.has_price,
        callee=callee_of,
        agents=others,
        own_agent=own,
    )


def _agents(session: Session, workspace_id: str, own: str | None) -> tuple[str, frozenset[str]]:
    """Return the slug of the agent whose body it is, and of the others, at most 500."""
    rows = session.execute(
        select(Agent.id, Agent.slug).where(Agent.workspace_id == workspace_id).order_by(Agent.id).limit(_AGENTS_MAX)
    ).all()
    if own is None:
        return "", frozenset(row.slug for row in rows)
    by = Agent.id == own if own.startswith("agt_") else Agent.slug == own
    mine = session.scalar(select(Agent.slug).where(Agent.workspace_id == workspace_id, by)) or ""
    return mine, frozenset(row.slug for row in rows if row.slug != mine)


def _ungranted(
    session: Session, viewer: Principal, kept: list[tuple[Secret, str]], agent: str
) -> dict[str, tuple[str, ...]]:
    granted = set(
        session.scalars(
            select(SecretGrant.secret_id)
            .join(Agent, Agent.id == SecretGrant.agent_id)
            .where(Agent.workspace_id == viewer.workspace_id, or_(Agent.id == agent, Agent.slug == agent))
        )
    )
    lacking: dict[str, tuple[str, ...]] = {}
    for secret, place in kept:
        if not secret.is_open_to_all and secret.id not in granted:
            lacking[secret.name] = (*lacking.get(secret.name, ()), place)
    return lacking


def _slots_of(body: Mapping[str, Any] | Body) -> set[str]:
    plain: Mapping[str, Any] = body.plain() if isinstance(body, Body) else body
    return {name for _, slot in objects(plain.get("tools")) if isinstance(name := slot.get("slot"), str)}


def _tools(session: Session, workspace_id: str, named: set[str] | None) -> Iterable[tuple[str, Tool]]:
    wanted = (
        select(Connection.slug, Tool)
        .join(Connection, Connection.id == Tool.connection_id)
        .where(Connection.workspace_id == workspace_id, Connection.state != "disconnected")
        .order_by(Connection.environment_id, Tool.name)
    )
    if named is not None:
        # A body may name a slot any number of times and in any length; a real one has at most 63 characters.
        wanted = wanted.where(Connection.slug.in_(sorted(name for name in named if len(name) <= 63)[:200]))
    return [(slot, tool) for slot, tool in session.execute(wanted)]


def _tool_facts(tool: Tool) -> ToolFacts:
    schema = member(tool.definition, "input_schema")
    known = cast("dict[str, Any]", schema) if isinstance(schema, dict) else {}
    return ToolFacts(tool.effect, known, tool.state, labels_of(tool.labels))


def _stricter(one: ToolFacts | None, other: ToolFacts) -> ToolFacts:
    """Return the facts that hold in every environment: the tightest class, the worst state."""
    if one is None:
        return other
    effect = max(one.effect, other.effect, key=lambda name: EFFECTS.index(name) if name in EFFECTS else len(EFFECTS))
    state = max(one.state, other.state, key=lambda name: _STATES.index(name) if name in _STATES else len(_STATES))
    labels = one.labels.tightened(
        result=other.labels.result, confidentiality=other.labels.confidentiality, sinks=other.labels.sinks
    )
    # Where one environment takes every argument for a target, so does the whole.
    labels = labels if other.labels.sinks is not None else replace(labels, sinks=None)
    return ToolFacts(effect, other.schema, state, labels)


def _missing(found: Iterable[tuple[str, str]], environments: Iterable[str]) -> dict[str, tuple[str, ...]]:
    places: dict[str, set[str]] = {}
    for name, place in found:
        places.setdefault(name, set()).add(place)
    lacking = {name: tuple(place for place in environments if place not in there) for name, there in places.items()}
    return {name: where for name, where in lacking.items() if where}
