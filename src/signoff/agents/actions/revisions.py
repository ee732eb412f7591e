"""Freezing: the draft becomes revision n, for ever."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.agents.actions.draft_changes import stale_draft
from signoff.agents.body import Body
from signoff.agents.facts import gather
from signoff.agents.findings import Finding, as_json
from signoff.agents.limits import checked_reason, checked_revision_name
from signoff.agents.lint import LintFacts, lint
from signoff.agents.lookup import agent_for
from signoff.agents.refusals import LintFailed, NothingChanged
from signoff.agents.revisions import revision_facts
from signoff.agents.views import RevisionFacts
from signoff.kit import clock, ids
from signoff.kit.errors import NotNow
from signoff.people.access import Principal
from signoff.record import audit
from signoff.tables.agents import Agent, Draft, Revision


def freeze_revision(
    session: Session,
    principal: Principal,
    agent_id: str,
    *,
    reason: str,
    name: str = "",
    version: int | None = None,
    facts: LintFacts | None = None,
) -> RevisionFacts:
    """Freeze the draft as the next revision. It serves nowhere by that; see `deployments.freeze_and_serve_first`.

    Args:
        reason: why, at most 500 characters; it stays with the revision.
        name: an optional name, at most 80 characters.
        version: the draft version the caller read; None takes the present one.
        facts: what lint may know; None gathers it from this workspace.

    Raises:
        LintFailed: the draft has errors; all of them are in `extra["findings"]`.
        NothingChanged: it equals the newest revision.
        StaleDraft: the draft is no longer at `version`.
    """
    reason, name = checked_reason(reason), checked_revision_name(name)
    # The lock makes a second freeze wait for the first, so both get a clean answer and numbers have no holes.
    agent = agent_for(session, principal, agent_id, "agent.edit", lock=True)
    draft = session.get_one(Draft, agent.id, populate_existing=True)
    if version is not None and draft.version != version:
        raise stale_draft(agent, draft, None, version)
    known = gather(session, principal, draft.body, agent=agent.id) if facts is None else facts
    refuse_errors(lint(draft.body, facts=replace(known, own_agent=agent.slug)))
    body = Body.model_validate(draft.body)
    content_hash = body.hash
    _refuse_same(session, agent, content_hash)
    revision = _next_revision(session, principal, agent, body, content_hash)
    revision.drafted_by, revision.writers = draft.updated_by, draft.writers or []
    _begin_anew(session, draft)
    revision.reason, revision.name = reason, name
    session.add(revision)
    session.flush()
    audit.write(
        session,
        workspace_id=agent.workspace_id,
        actor=principal.actor,
        action="revision.frozen",
        object_kind="agent",
        object_id=agent.id,
        detail={
            "revision": revision.id,
            "number": revision.number,
            "hash": content_hash,
            "draft_version": draft.version,
            "reason": reason,
        },
    )
    return revision_facts(revision)


def refuse_errors(findings: list[Finding]) -> None:
    """Return quietly, or refuse a draft with errors.

    Raises:
        LintFailed: there are some; all of them are in `extra["findings"]`.
    """
    errors = [finding for finding in findings if finding.severity == "error"]
    if not errors:
        return
    by_path: dict[str, list[str]] = {}
    for finding in errors:
        by_path.setdefault(finding.path, []).append(finding.text)
    count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
    raise LintFailed(
        f"The draft has {count}. Correct every one, then freeze again.",
        errors=by_path,
        extra={"findings": as_json(findings)},
    )


def _refuse_same(session: Session, agent: Agent, content_hash: str) -> None:
    newest = select(Revision.hash).where(Revision.agent_id == agent.id, Revision.number == agent.last_revision)
    if session.scalar(newest) == content_hash:
        raise NothingChanged(
            f"The draft equals revision {agent.last_revision}. Change something first, or use that revision.",
            extra={"number": agent.last_revision},
        )


def _begin_anew(session: Session, draft: Draft) -> None:
    """What is written from now on goes into the next revision; who saves in this moment stays counted."""
    session.execute(
        update(Draft)
        .where(Draft.agent_id == draft.agent_id, Draft.version == draft.version)
        .values(writers=[])
        .execution_options(synchronize_session=False)
    )


def _next_revision(session: Session, principal: Principal, agent: Agent, body: Body, content_hash: str) -> Revision:
    number = agent.last_revision + 1
    counted = session.execute(
        update(Agent)
        .where(Agent.id == agent.id, Agent.last_revision == number - 1)
        .values(last_revision=number)
        .returning(Agent.id)
        .execution_options(synchronize_session=False)
    ).all()
    if len(counted) != 1:
        raise NotNow(f"Somebody froze {agent.slug} in this moment. Look at the newest revision, then freeze again.")
    session.expire(agent)
    return Revision(
        id=ids.new_id("rev"),
        workspace_id=agent.workspace_id,
        agent_id=agent.id,
        number=number,
        hash=content_hash,
        body=body.plain(),
        author_id=principal.id,
        author_name=principal.name,
        created_at=clock.now(),
    )
