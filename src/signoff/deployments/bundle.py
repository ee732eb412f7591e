"""Applying agents as code: all of a plan or nothing, and a second time nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from signoff.agents.actions import (
    KEEP,
    ask_owner,
    create_agent,
    edit_agent,
    keep_refused_save,
    save_draft,
    withdraw_owner,
)
from signoff.agents.bundle import Plan, PlanItem
from signoff.agents.findings import as_json
from signoff.agents.lint import LintFacts
from signoff.agents.lookup import hold_agents
from signoff.agents.queries import agent_by_slug, draft_of
from signoff.agents.refusals import LintFailed, StalePlan
from signoff.deployments.actions import freeze_and_serve_first
from signoff.people.access import Principal


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of one agent. `revision_number` is None when no revision was made."""

    slug: str
    agent_id: str
    kind: Literal["created", "changed", "same"]
    revision_id: str | None = None
    revision_number: int | None = None


def apply_plan(session: Session, principal: Principal, plan: Plan, *, reason: str) -> list[Applied]:
    """Make the workspace say what the files say. Later revisions do not serve by that; `switch_live` decides it.

    Raises:
        LintFailed: an agent has errors; `extra["agents"]` holds the findings of each that has.
        StalePlan: an agent changed since the plan was made.
    """
    if plan.is_refused:
        refused = [item for item in plan.items if item.kind == "refused"]
        names = ", ".join(item.file.slug for item in refused[:20])
        raise LintFailed(
            f"These agents have errors: {names}. Nothing was applied; correct every one, then apply again.",
            extra={"agents": {item.file.slug: as_json(item.findings) for item in refused}},
        )
    hold_agents(session, [item.agent_id for item in plan.items if item.agent_id is not None and item.kind != "same"])
    return [_apply(session, principal, item, plan.facts, reason) for item in plan.items]


def _apply(session: Session, principal: Principal, item: PlanItem, facts: LintFacts, reason: str) -> Applied:
    if item.agent_id is None:
        return _create(session, principal, item, facts, reason)
    if item.kind == "same":
        return Applied(item.file.slug, item.agent_id, "same")
    _refuse_stale(session, principal, item, item.agent_id)
    if item.about:
        _edit(session, principal, item, item.agent_id)
        _seat(session, principal, item, item.agent_id)
    if not item.freezes:
        return Applied(item.file.slug, item.agent_id, "changed")
    return _freeze(session, principal, item, item.agent_id, facts, reason)


def _create(session: Session, principal: Principal, item: PlanItem, facts: LintFacts, reason: str) -> Applied:
    file = item.file
    agent_id = create_agent(
        session,
        principal,
        slug=file.slug,
        name=file.name,
        description=file.description,
        body=file.body,
        tags=file.tags,
        owner_id=item.owner_id,
        backup_id=item.backup_id,
        seats=[(change.kind, member_id) for change in item.seats for member_id in change.ask],
    )
    frozen = freeze_and_serve_first(session, principal, agent_id, reason=reason, facts=facts)
    return Applied(file.slug, agent_id, "created", frozen.id, frozen.number)


def _refuse_stale(session: Session, principal: Principal, item: PlanItem, agent_id: str) -> None:
    facts = agent_by_slug(session, principal, agent_id)
    if (facts.last_revision, facts.draft_version) != item.seen:
        raise StalePlan(
            f"{facts.slug} changed since the plan was made: {facts.draft_updated_by_name} saved the draft, or somebody "
            "froze it. Nothing was applied; plan again."
        )


def _edit(session: Session, principal: Principal, item: PlanItem, agent_id: str) -> None:
    file = item.file
    edit_agent(
        session,
        principal,
        agent_id,
        name=file.name,
        description=file.description,
        tags=file.tags,
        owner_id=item.owner_id if file.owner else KEEP,
        backup_id=item.backup_id if file.backup else KEEP,
    )


def _seat(session: Session, principal: Principal, item: PlanItem, agent_id: str) -> None:
    for change in item.seats:
        # First off, then on: there is room for a limited number of approvers.
        for member_id in change.withdraw:
            withdraw_owner(session, principal, agent_id, change.kind, member_id)
        for member_id in change.ask:
            ask_owner(session, principal, agent_id, kind=change.kind, member_id=member_id)


def _freeze(
    session: Session, principal: Principal, item: PlanItem, agent_id: str, facts: LintFacts, reason: str
) -> Applied:
    draft = draft_of(session, principal, agent_id)
    if item.overwrites_draft:
        keep_refused_save(session, principal, agent_id, body=draft.body, version=draft.version)
    version = save_draft(session, principal, agent_id, body=item.file.body, version=draft.version)
    frozen = freeze_and_serve_first(session, principal, agent_id, reason=reason, version=version, facts=facts)
    return Applied(item.file.slug, agent_id, "changed", frozen.id, frozen.number)
