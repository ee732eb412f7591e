"""Asking for an evaluation. What it compares is fixed here: the version of the dataset, the evaluators, what serves."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.agents.actions.snapshots import snapshot_draft
from signoff.agents.lookup import agent_for
from signoff.agents.retired import refuse_retired
from signoff.agents.revisions import find_revision
from signoff.deployments.queries import live_revision
from signoff.evaluations.judges import check_judges
from signoff.evaluations.limits import EVALUATIONS_OPEN_MAX, checked_cap
from signoff.evaluations.lookup import dataset_for, environment_for
from signoff.evaluations.pinning import hash_of, pinned_evaluators
from signoff.evaluations.states import Trigger
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.people.access import Principal, authorize
from signoff.people.membership import refuse_if_suspended
from signoff.record import audit, outbox
from signoff.tables.agents import Agent, Revision
from signoff.tables.evaluations import Dataset, Evaluation, Example
from signoff.tables.people import Environment

BEGIN = "evaluation.begin"


def request_evaluation(
    session: Session,
    principal: Principal,
    agent: str,
    dataset_id: str,
    *,
    environment: str = "production",
    revision: str | int | None = None,
    draft: bool = False,
    cap_usd: Decimal | None = None,
    trigger: Trigger = "by_hand",
) -> str:
    """Have a revision tried on every example of a dataset, beside what serves in an environment; return the id.

    What serves at this moment is the baseline, whatever is released meanwhile. Nothing of it acts on the outside: reads
    are made there, writes are recorded and not sent.

    Args:
        revision: number or id; None: what serves, measured again.
        draft: try the draft instead, as it is at this moment.
        cap_usd: what all its runs together may cost.

    Raises:
        NotFound, NotAllowed: no such agent, dataset, environment or revision; or the caller may not evaluate it.
        NotNow: the dataset is empty or archived, the revision has retired, nothing serves there to be measured again,
            a judge is not there, or too many evaluations of the agent are under way.
        Malformed: the cap does not fit, or a revision is named beside the draft.
        LintFailed: the draft has errors.
    """
    refuse_if_suspended(session, principal.workspace_id)
    row = agent_for(session, principal, agent, "evaluation.run", lock=True)
    place = environment_for(session, principal, environment)
    authorize(
        principal, "evaluation.run", owners=(row.owner_id, row.backup_id), agent_id=row.id, environment_id=place.id
    )
    dataset, examples = _dataset(session, principal, row, dataset_id)
    _refuse_crowd(session, row)
    serves = live_revision(session, row.id, place.id)
    candidate = _candidate(session, principal, row, place, revision, serves, draft=draft)
    pinned = pinned_evaluators(session, row.id)
    check_judges(session, principal, pinned, place.id)
    made = Evaluation(
        id=ids.new_id("evl"), workspace_id=row.workspace_id, agent_id=row.id, environment_id=place.id,
        dataset_id=dataset.id, dataset_version=dataset.version, revision_id=candidate.id,
        draft_version=-candidate.number if draft else None,
        baseline_revision_id=serves, evaluators=pinned, evaluators_hash=hash_of(pinned), tolerance=dataset.tolerance,
        state="pending", trigger=trigger, examples=examples, cap_usd=checked_cap(cap_usd),
        requested_by=principal.id, requested_by_name=principal.name, requested_with=principal.key_id,
        requested_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit.note(
        session, principal, "evaluation.requested", "evaluation", made.id,
        {"agent": row.id, "dataset": dataset.id, "version": dataset.version, "baseline": serves, "trigger": trigger,
         "environment": place.slug},
        revision_id=candidate.id,
    )  # fmt: skip
    outbox.send(session, workspace_id=row.workspace_id, kind=BEGIN, payload={"evaluation": made.id})
    return made.id


def _dataset(session: Session, principal: Principal, agent: Agent, dataset_id: str) -> tuple[Dataset, int]:
    # Locked, so that its version and its examples are read as one.
    dataset, _ = dataset_for(session, principal, dataset_id, "agent.read", lock=True)
    if dataset.agent_id != agent.id:
        raise NotFound("There is no such dataset of this agent.")
    number = session.scalar(
        select(func.count()).select_from(Example).where(Example.dataset_id == dataset.id, Example.removed_in.is_(None))
    )
    if not number:
        raise NotNow("The dataset has no examples. Add some first.", code="dataset_empty")
    return dataset, number


def _candidate(
    session: Session, principal: Principal, agent: Agent, place: Environment, revision: str | int | None,
    serves: str | None, *, draft: bool,
) -> Revision:  # fmt: skip
    if draft:
        if revision is not None:
            raise Malformed("It is the draft or a revision.", errors={"revision": ["leave it out with the draft"]})
        return snapshot_draft(session, principal, agent)
    if revision is None and serves is None:
        raise NotNow(f"Nothing of {agent.slug} serves {place.slug}. Name a revision.", code="nothing_live")
    if revision is not None and not str(revision):
        raise Malformed("The revision is a number or an id.", errors={"revision": ["must be a number or an id"]})
    found = find_revision(session, agent, serves if revision is None else revision)  # pyright: ignore[reportArgumentType]
    refuse_retired(session, agent, found)
    return found


def _refuse_crowd(session: Session, agent: Agent) -> None:
    # The agent's lock is held: two who ask at once take turns here.
    number = session.scalar(
        select(func.count())
        .select_from(Evaluation)
        .where(Evaluation.agent_id == agent.id, Evaluation.state.in_(("pending", "running")))
    )
    if (number or 0) >= EVALUATIONS_OPEN_MAX:
        raise NotNow(
            f"{EVALUATIONS_OPEN_MAX} evaluations of {agent.slug} are under way. Wait for one, or cancel one.",
            code="evaluations_max",
        )
