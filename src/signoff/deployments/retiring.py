"""Retiring a revision: it begins to serve no more, and no new run names it. What runs under it ends under it."""

from __future__ import annotations

from sqlalchemy import delete, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.agents.limits import checked_reason
from signoff.agents.lookup import agent_for
from signoff.agents.retired import refuse_retired
from signoff.agents.revisions import find_revision
from signoff.deployments.refusals import RevisionInUse
from signoff.kit import clock
from signoff.kit.errors import NotAllowed, NotNow
from signoff.people.access import Principal
from signoff.record import audit
from signoff.tables.agents import Agent, RetiredRevision, Revision
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import Environment
from signoff.tables.releases import Release


def retire_revision(session: Session, principal: Principal, agent: str, revision: int | str, *, reason: str) -> None:
    """Let nothing begin under a revision any more, in any environment. Runs under way finish under it.

    Raises:
        NotFound, NotAllowed: as for deploying the agent; a key bound to one environment speaks for that one only.
        RevisionInUse: it serves, as what is live or as a candidate, or a release of it is under way.
        RevisionRetired: it has retired already.
    """
    words = checked_reason(reason)
    row, target = _found(session, principal, agent, revision)
    # First the rows that say what serves: a switch under way is waited for, and then seen.
    session.execute(select(LiveRevision.environment_id).where(LiveRevision.agent_id == row.id).with_for_update()).all()
    if where := _used_in(session, row, target):
        raise RevisionInUse(
            f"Revision {target.number} of {row.slug} serves, or is on its way to, {', '.join(where)}. Let another "
            "serve there first, or call its release off.",
            extra={"where": where},
        )
    refuse_retired(session, row, target)
    retired = RetiredRevision(
        revision_id=target.id, workspace_id=row.workspace_id, agent_id=row.id, reason=words, by=principal.id,
        by_name=principal.name, at=clock.now(),
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(retired)
    except IntegrityError:
        refuse_retired(session, row, target)
        raise
    _note(session, principal, "revision.retired", row, target, words)


def reinstate_revision(session: Session, principal: Principal, agent: str, revision: int | str, *, reason: str) -> None:
    """Take a retirement back: the revision may be released and named again.

    Raises:
        NotFound, NotAllowed: as for retiring it.
        NotNow: it has not retired.
    """
    words = checked_reason(reason)
    row, target = _found(session, principal, agent, revision)
    gone = session.execute(
        delete(RetiredRevision)
        .where(RetiredRevision.revision_id == target.id)
        .returning(RetiredRevision.revision_id)
        .execution_options(synchronize_session=False)
    ).all()
    if not gone:
        raise NotNow(
            f"Revision {target.number} of {row.slug} has not retired. Nothing was changed.", code="not_retired"
        )
    _note(session, principal, "revision.reinstated", row, target, words)


def _found(session: Session, principal: Principal, agent: str, revision: int | str) -> tuple[Agent, Revision]:
    row = agent_for(session, principal, agent, "agent.deploy")
    if principal.environment_id is not None:
        raise NotAllowed(
            "A revision retires from every environment, and this key is bound to one. Use one that is not.",
            code="bound_key",
        )
    return row, find_revision(session, row, revision)


def _used_in(session: Session, agent: Agent, target: Revision) -> list[str]:
    """Return the environments where a revision serves, is a candidate, or has a release that has not switched yet."""
    serving = select(LiveRevision.environment_id).where(
        LiveRevision.agent_id == agent.id,
        or_(LiveRevision.revision_id == target.id, LiveRevision.candidate_revision_id == target.id),
    )
    coming = select(Release.environment_id).where(Release.revision_id == target.id, Release.open_key.is_not(None))
    return list(
        session.scalars(
            select(Environment.slug)
            .where(or_(Environment.id.in_(serving), Environment.id.in_(coming)))
            .order_by(Environment.slug)
        )
    )


def _note(session: Session, principal: Principal, action: str, agent: Agent, target: Revision, reason: str) -> None:
    detail = {"number": target.number, "reason": reason}
    audit.note(session, principal, action, "agent", agent.id, detail, revision_id=target.id)
