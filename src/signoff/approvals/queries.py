"""The reads of requests to people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, and_, exists, func, select
from sqlalchemy.orm import Session

from signoff.approvals.facts import (
    ApprovalCounts,
    ApprovalDetail,
    ApprovalFilter,
    ApprovalGroup,
    ApprovalRow,
    RecipientFacts,
    VoteFacts,
)
from signoff.approvals.rights import may_assign, visible, why_not_decide
from signoff.approvals.schemas import input_schema_of
from signoff.approvals.states import is_open
from signoff.kit import clock, ids
from signoff.kit.errors import NotFound
from signoff.kit.paging import Page
from signoff.people.access import Principal, authorize
from signoff.tables.agents import Agent
from signoff.tables.approvals import Approval, ApprovalRecipient, ApprovalVote
from signoff.tables.keyset import newest_first, oldest_first
from signoff.tables.people import Member, Person

AGED_HOURS = 24.0
# Counted so far; a badge that says 1,000 says enough.
COUNT_MAX = 1_000
_OF_RUN_MAX = 100
_GROUPS_MAX = 200
_SOME_MAX = 200
_TAKES_EDITS = "approval"


def inbox(
    session: Session,
    viewer: Principal,
    wanted: ApprovalFilter | None = None,
    *,
    is_oldest_first: bool = False,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[ApprovalRow]:
    """Return one page of requests, newest first unless said otherwise.

    Raises:
        Malformed: the cursor is not one this list gave out.
    """
    authorize(viewer, "approval.read")
    wanted = wanted or ApprovalFilter()
    # First the ids, from indexes alone; then the rows of this one page.
    if wanted.is_mine:
        # What is put to one member is found, and sorted, by the index of their requests.
        statement = (
            select(ApprovalRecipient.approval_id.label("id"))
            .join(Approval, Approval.id == ApprovalRecipient.approval_id)
            .where(*_asked(viewer, wanted), *_bounds(viewer), *_conditions(wanted, viewer))
        )
        key = ApprovalRecipient.approval_id
    else:
        statement = select(Approval.id).where(*visible(viewer), *_conditions(wanted, viewer))
        key = Approval.id
    turn = oldest_first if is_oldest_first else newest_first
    page = turn(session, statement, key, cursor=cursor, size=size)
    found = [row.id for row in page.rows]
    rows = {row.id: row for row in _rows(session, viewer, found)}
    return Page([rows[one] for one in found], page.next_cursor, page.previous_cursor)


def approval(session: Session, viewer: Principal, approval_id: str) -> ApprovalDetail:
    """Return one request.

    Raises:
        NotFound: this viewer has no such request.
    """
    authorize(viewer, "approval.read")
    row = session.scalar(select(Approval).where(Approval.id == approval_id, *visible(viewer)))
    if row is None:
        raise NotFound("There is no such request in this workspace.")
    return _details(session, viewer, [row])[0]


def some(session: Session, viewer: Principal, approval_ids: Sequence[str]) -> list[ApprovalDetail]:
    """Return those of these requests that the viewer may see, the oldest first, without schemas; at most 200."""
    authorize(viewer, "approval.read")
    wanted = list(dict.fromkeys(approval_ids))[:_SOME_MAX]
    found = session.scalars(
        select(Approval).where(Approval.id.in_(wanted), *visible(viewer)).order_by(Approval.id)
    ).all()
    return _details(session, viewer, found, has_schema=False)


def of_run(session: Session, viewer: Principal, run_id: str) -> list[ApprovalDetail]:
    """Return the requests of one run that this viewer may see, the oldest first; at most 100."""
    found = session.scalars(
        select(Approval).where(Approval.run_id == run_id, *visible(viewer)).order_by(Approval.id).limit(_OF_RUN_MAX)
    ).all()
    return _details(session, viewer, found)


def counts(session: Session, viewer: Principal) -> ApprovalCounts:
    """Return how many requests wait, each number at most 1,000; the badge shows `mine`."""
    authorize(viewer, "approval.read")
    mine = ApprovalFilter(is_mine=True)
    aged = ApprovalFilter(is_mine=True, older_than_hours=AGED_HOURS)
    seen = select(Approval.id).where(*visible(viewer), *_conditions(ApprovalFilter(), viewer))
    return ApprovalCounts(
        mine=_counted(session, _put_to(viewer, mine)),
        mine_aged=_counted(session, _put_to(viewer, aged)),
        visible=_counted(session, seen),
    )


def mine_count(session: Session, viewer: Principal) -> int:
    """Return how many requests wait for the viewer, at most 1,000: one query of one index, for the badge."""
    return _counted(session, _put_to(viewer, ApprovalFilter(is_mine=True)))


def groups(session: Session, viewer: Principal) -> list[ApprovalGroup]:
    """Return what waits for the viewer by agent and gate, the oldest first; at most 200, of their oldest 1,000."""
    authorize(viewer, "approval.read")
    # Counted so far, as the badge is: a request is a large row, and each of them is read.
    waiting = (
        select(Approval.id, Approval.agent_id, Approval.agent_name, Approval.gate, Approval.kind)
        .join(ApprovalRecipient, ApprovalRecipient.approval_id == Approval.id)
        .where(*_asked(viewer, ApprovalFilter(is_mine=True)), *_bounds(viewer), Approval.state == "pending")
        .order_by(ApprovalRecipient.approval_id)
        .limit(COUNT_MAX)
        .subquery()
    )
    by, oldest = (waiting.c.agent_id, waiting.c.agent_name, waiting.c.gate, waiting.c.kind), func.min(waiting.c.id)
    rows = session.execute(
        select(*by, func.count().label("number"), oldest.label("oldest_id"))
        .group_by(*by)
        .order_by(oldest)
        .limit(_GROUPS_MAX)
    )
    return [ApprovalGroup(row.agent_id, row.agent_name, row.gate, row.kind, row.number, row.oldest_id) for row in rows]


def _put_to(viewer: Principal, wanted: ApprovalFilter) -> Select[Any]:
    return (
        select(ApprovalRecipient.approval_id)
        .join(Approval, Approval.id == ApprovalRecipient.approval_id)
        .where(*_asked(viewer, wanted), *_bounds(viewer), *_conditions(wanted, viewer))
    )


def _counted(session: Session, statement: Select[Any]) -> int:
    found = statement.limit(COUNT_MAX).subquery()
    return session.scalar(select(func.count()).select_from(found)) or 0


def _asked(viewer: Principal, wanted: ApprovalFilter) -> list[ColumnElement[bool]]:
    """Return what bounds a list to what one member is asked; of what has ended, what they were asked."""
    here = [
        ApprovalRecipient.workspace_id == viewer.workspace_id,
        ApprovalRecipient.member_id == (viewer.member_id or ""),
    ]
    if wanted.states == ("pending",):
        return [*here, ApprovalRecipient.is_open.is_(True)]
    return [*here, ApprovalRecipient.is_open.in_((True, False))]


def _bounds(viewer: Principal) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [Approval.workspace_id == viewer.workspace_id]
    if viewer.environment_id:
        found.append(Approval.environment_id == viewer.environment_id)
    return found


def _conditions(wanted: ApprovalFilter, viewer: Principal) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.states:
        found.append(Approval.state.in_(wanted.states))
    equals: tuple[tuple[Any, Any], ...] = (
        (Approval.kind, wanted.kind),
        (Approval.gate, wanted.gate),
        (Approval.run_id, wanted.run_id),
    )
    found += [column == value for column, value in equals if value is not None]
    if wanted.agent:
        is_id = wanted.agent.startswith("agt_")
        named = Agent.id == wanted.agent if is_id else Agent.slug == wanted.agent
        found.append(
            Approval.agent_id
            == select(Agent.id).where(Agent.workspace_id == viewer.workspace_id, named).scalar_subquery()
        )
    if wanted.older_than_hours is not None:
        # Ids sort by the moment they were made.
        edge = clock.now() - timedelta(hours=min(max(wanted.older_than_hours, 0.0), 24.0 * 3650))
        found.append(Approval.id < ids.first_at("apr", edge))
    return found


_VOTES_FOR = (
    select(func.count())
    .where(ApprovalVote.approval_id == Approval.id, ApprovalVote.verdict == "approve")
    .correlate(Approval)
    .scalar_subquery()
)


def _rows(session: Session, viewer: Principal, found: Sequence[str]) -> list[ApprovalRow]:
    if not found:
        return []
    may_answer = exists().where(
        and_(
            ApprovalRecipient.approval_id == Approval.id,
            ApprovalRecipient.member_id == (viewer.member_id or ""),
            ApprovalRecipient.is_open.is_(True),
        )
    )
    rows = session.execute(
        select(Approval, _VOTES_FOR.label("votes"), may_answer.label("is_asked")).where(Approval.id.in_(found))
    )
    return [_row(one, votes, bool(is_asked), viewer) for one, votes, is_asked in rows]


def _row(row: Approval, votes: int, is_asked: bool, viewer: Principal) -> ApprovalRow:
    badges = cast("Iterable[dict[str, Any]]", row.card.get("badges") or ())
    return ApprovalRow(
        id=row.id, kind=cast("Any", row.kind), state=cast("Any", row.state), gate=row.gate,
        asked_by_policy=row.asked_by_policy, agent_id=row.agent_id, agent_name=row.agent_name,
        revision_number=row.revision_number, environment_id=row.environment_id, run_id=row.run_id, tool=row.tool,
        effect=row.effect, title=row.title, summary=row.summary, why=row.why, badges=tuple(badges),
        created_at=row.created_at, deadline_at=row.deadline_at, level=row.level, quorum=row.quorum, votes=votes,
        is_degraded=row.is_degraded,
        can_decide=is_asked and not why_not_decide(viewer, row, is_asked=True),
        decided_at=row.decided_at, decided_by_name=row.decided_by_name, reason=row.reason,
    )  # fmt: skip


def _details(
    session: Session, viewer: Principal, found: Sequence[Approval], *, has_schema: bool = True
) -> list[ApprovalDetail]:
    if not found:
        return []
    wanted = [row.id for row in found]
    asked: dict[str, list[RecipientFacts]] = {}
    for one, name, email in session.execute(
        select(ApprovalRecipient, Person.name, Person.email)
        .join(Member, Member.id == ApprovalRecipient.member_id)
        .join(Person, Person.id == Member.person_id)
        .where(ApprovalRecipient.approval_id.in_(wanted))
        .order_by(ApprovalRecipient.level, ApprovalRecipient.asked_at, Person.name, ApprovalRecipient.member_id)
    ):
        asked.setdefault(one.approval_id, []).append(
            RecipientFacts(one.member_id, name, email, one.level, one.via, one.asked_for, one.is_open, one.asked_at)
        )
    said: dict[str, list[VoteFacts]] = {}
    for vote in session.scalars(
        select(ApprovalVote)
        .where(ApprovalVote.approval_id.in_(wanted))
        .order_by(ApprovalVote.at, ApprovalVote.member_id)
    ):
        said.setdefault(vote.approval_id, []).append(
            VoteFacts(
                vote.member_id, vote.member_name, vote.verdict, vote.decision, vote.reason, vote.reason_code, vote.via,
                vote.at,
            )
        )  # fmt: skip
    return [
        _detail(session, viewer, row, asked.get(row.id, []), said.get(row.id, []), has_schema=has_schema)
        for row in found
    ]


def _detail(
    session: Session,
    viewer: Principal,
    row: Approval,
    asked: list[RecipientFacts],
    said: list[VoteFacts],
    *,
    has_schema: bool,
) -> ApprovalDetail:
    is_asked = any(one.member_id == viewer.member_id and one.is_open for one in asked)
    why_not = why_not_decide(viewer, row, is_asked=is_asked)
    can_edit = row.kind == _TAKES_EDITS and bool(row.rule.get("may_edit")) and is_open(row.state)
    return ApprovalDetail(
        row=_row(row, sum(1 for one in said if one.verdict == "approve"), is_asked, viewer),
        leg=row.leg, call_id=row.call_id, revision_id=row.revision_id, run_requested_by=row.run_requested_by,
        args=row.args, card=row.card, rule=row.rule, recipients=tuple(asked), votes=tuple(said),
        decision=row.decision, reason_code=row.reason_code, via=row.via, next_at=row.next_at, used_at=row.used_at,
        input_schema=input_schema_of(session, row) if has_schema and can_edit and not why_not else None,
        can_edit=can_edit and not why_not,
        can_assign=is_open(row.state) and may_assign(viewer, row, is_asked=is_asked),
        why_not=why_not,
    )  # fmt: skip
