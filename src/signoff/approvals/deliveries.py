"""Messages about requests: who is to be told through which channel, what is sent, what became of it.

One row for each message. It is planned in one transaction, taken in a second, sent outside of any, and its end noted
in a third; a message whose end could not be noted is sent again rather than not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from signoff.approvals.pacing import goes_out_at
from signoff.approvals.states import is_open
from signoff.kit import clock, ids
from signoff.kit.text import shortened, storable
from signoff.record import outbox
from signoff.tables.approvals import Approval, ApprovalRecipient
from signoff.tables.notices import ApprovalDelivery, NoticeChannel
from signoff.tables.people import Member, Person
from signoff.tables.upsert import insert_into

DELIVER = "approval.deliver"
ATTEMPTS_MAX = 12
_TOLD_MAX = 200
_DIGEST_MAX = 50
_BACKOFF_SECONDS, _BACKOFF_SECONDS_MAX = 10.0, 3_600.0
_OF_REQUEST_MAX = 200
_UNDER_WAY = ("pending", "sending")


@dataclass(frozen=True, slots=True)
class DeliveryFacts:
    """One message, as the request shows it. `state`: pending, sending, sent, failed, dropped."""

    kind: str
    event: str
    name: str
    state: str
    attempts: int
    last_error: str | None
    due_at: datetime
    ended_at: datetime | None


def plan(session: Session, approval_id: str, event: str, *, has_mail: bool, member_id: str | None = None) -> int:
    """Plan what is to be told of an event, and to whom; planned again, it is the same. Returns how many are new.

    Args:
        event: `requested`, `reminded:2`, `escalated:1`, `expired`, `answered`.
        has_mail: the installation sends mail, which members without a channel of their own get.
        member_id: only this member is told.
    """
    row = session.get(Approval, approval_id)
    if row is None:
        return 0
    what = event.partition(":")[0]
    if what == "answered":
        return _plan_ends(session, row)
    if what != "expired" and not is_open(row.state):
        return 0
    members = _whom(session, row, event, member_id)
    channels = _channels(session, row, members, with_agent=member_id is None and what != "reminded")
    name = f"{event}:{member_id}" if member_id else event
    found = [_delivery(row, name, channel.kind, channel, channel.member_id) for channel in channels]
    if has_mail:
        have = {channel.member_id for channel in channels}
        found += [_delivery(row, name, "mail", None, one) for one in members if one not in have]
    return sum(_add(session, one) for one in found)


def of_request(session: Session, approval_id: str) -> list[DeliveryFacts]:
    """Return what was told of a request, the oldest first. The caller has shown that the reader may see it."""
    return of_requests(session, [approval_id]).get(approval_id, [])


def of_requests(session: Session, approval_ids: Sequence[str]) -> dict[str, list[DeliveryFacts]]:
    """Return what was told of each of these requests, the oldest first; of all of them together at most 200, the
    newest. The caller has shown that the reader may see them.
    """
    rows = session.execute(
        select(ApprovalDelivery, NoticeChannel.name, Person.name)
        .outerjoin(NoticeChannel, NoticeChannel.id == ApprovalDelivery.channel_id)
        .outerjoin(Member, Member.id == ApprovalDelivery.member_id)
        .outerjoin(Person, Person.id == Member.person_id)
        .where(ApprovalDelivery.approval_id.in_(list(approval_ids)))
        .order_by(ApprovalDelivery.id.desc())
        .limit(_OF_REQUEST_MAX)
    ).all()
    found: dict[str, list[DeliveryFacts]] = {}
    for row, channel, person in reversed(rows):
        facts = DeliveryFacts(
            row.kind, row.event, person or channel or "", row.state, row.attempts, row.last_error, row.due_at,
            row.ended_at,
        )  # fmt: skip
        found.setdefault(row.approval_id, []).append(facts)
    return found


def take(session: Session, delivery_id: str) -> list[tuple[ApprovalDelivery, Approval]]:
    """Take a message to send it, with those of the same digest. Empty: there is nothing to send (any more)."""
    row = session.scalar(
        select(ApprovalDelivery)
        .where(ApprovalDelivery.id == delivery_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if row is None or row.state not in _UNDER_WAY or row.carried_by not in (None, row.id):
        return []
    taken = [row, *_along(session, row)]
    found: list[tuple[ApprovalDelivery, Approval]] = []
    for one in taken:
        approval = session.get_one(Approval, one.approval_id)
        if not is_open(approval.state) and one.event.partition(":")[0] not in ("expired", "answered"):
            _end(one, "dropped", "It was answered before this was sent.")
        else:
            one.state, one.carried_by, one.attempts = "sending", row.id, one.attempts + 1
            found.append((one, approval))
    if found and found[0][0] is not row:
        # The message itself is dropped, and the others go on under the first that is left.
        for one, _ in found:
            one.carried_by = found[0][0].id
    session.flush()
    return found


def note_sent(session: Session, delivery_ids: Sequence[str]) -> None:
    """Note that messages were taken by their service."""
    for row in _sending(session, delivery_ids):
        _end(row, "sent", None)
    session.flush()


def note_not_sent(session: Session, delivery_ids: Sequence[str], error: str, *, is_worth_another: bool) -> None:
    """Note why messages were not taken. They are tried again, later each time, while that may help."""
    rows = _sending(session, delivery_ids)
    for row in rows:
        row.last_error = shortened(storable(error), 1_000)
    if rows and is_worth_another and rows[0].attempts < ATTEMPTS_MAX:
        pause = min(_BACKOFF_SECONDS * 2 ** (rows[0].attempts - 1), _BACKOFF_SECONDS_MAX)
        due_at = clock.now() + timedelta(seconds=pause)
        for row in rows:
            row.due_at = due_at
        outbox.send(
            session, workspace_id=rows[0].workspace_id, kind=DELIVER, payload={"delivery": rows[0].carried_by},
            due_at=due_at,
        )  # fmt: skip
    else:
        for row in rows:
            _end(row, "failed", row.last_error)
    session.flush()


def drop(session: Session, delivery_ids: Sequence[str], why: str) -> None:
    """Note that messages will not be sent, and why."""
    for row in _sending(session, delivery_ids):
        _end(row, "dropped", why)
    session.flush()


def _whom(session: Session, row: Approval, event: str, member_id: str | None) -> list[str]:
    what, _, number = event.partition(":")
    # Over, nobody is needed; going on, everybody still is.
    if what == "expired" and not is_open(row.state):
        return []
    conditions: list[ColumnElement[bool]] = [
        ApprovalRecipient.approval_id == row.id, ApprovalRecipient.is_open.is_(True),
    ]  # fmt: skip
    if what == "escalated":
        conditions.append(ApprovalRecipient.level == int(number))
    if member_id is not None:
        conditions.append(ApprovalRecipient.member_id == member_id)
    found = select(ApprovalRecipient.member_id).where(*conditions).order_by(ApprovalRecipient.member_id)
    return list(session.scalars(found.limit(_TOLD_MAX)))


def _channels(session: Session, row: Approval, members: Sequence[str], *, with_agent: bool) -> list[NoticeChannel]:
    ways: list[ColumnElement[bool]] = [NoticeChannel.member_id.in_(list(members))]
    if with_agent:
        ways.append(NoticeChannel.agent_id == row.agent_id)
    found = select(NoticeChannel).where(NoticeChannel.workspace_id == row.workspace_id, or_(*ways))
    return list(session.scalars(found.order_by(NoticeChannel.id)))


def _delivery(
    row: Approval, event: str, kind: str, channel: NoticeChannel | None, member_id: str | None
) -> ApprovalDelivery:
    moment = clock.now()
    due_at = goes_out_at(moment, channel.pace, channel.quiet, channel.time_zone) if channel is not None else moment
    return ApprovalDelivery(
        id=ids.new_id("dlv"), workspace_id=row.workspace_id, approval_id=row.id, event=event[:200],
        target=channel.id if channel is not None else f"mail:{member_id}",
        channel_id=channel.id if channel is not None else None, member_id=member_id, kind=kind, state="pending",
        attempts=0, due_at=due_at, made_at=moment,
    )  # fmt: skip


def _plan_ends(session: Session, row: Approval) -> int:
    """Plan to tell those services that keep an incident open that it is over."""
    if is_open(row.state):
        return 0
    told = session.scalars(
        select(ApprovalDelivery).where(
            ApprovalDelivery.approval_id == row.id, ApprovalDelivery.kind == "pagerduty",
            ApprovalDelivery.state.in_(("sending", "sent")), ApprovalDelivery.channel_id.is_not(None),
        )
    ).all()  # fmt: skip
    moment, count = clock.now(), 0
    for one in {delivery.target: delivery for delivery in told}.values():
        ending = ApprovalDelivery(
            id=ids.new_id("dlv"), workspace_id=row.workspace_id, approval_id=row.id, event="answered",
            target=one.target, channel_id=one.channel_id, member_id=one.member_id, kind=one.kind, state="pending",
            attempts=0, due_at=moment, made_at=moment,
        )  # fmt: skip
        count += _add(session, ending)
    return count


def _add(session: Session, row: ApprovalDelivery) -> int:
    values = {
        name: getattr(row, name)
        for name in (
            "id", "workspace_id", "approval_id", "event", "target", "channel_id", "member_id", "kind", "state",
            "attempts", "due_at", "made_at",
        )
    }  # fmt: skip
    added = session.execute(
        insert_into(session, ApprovalDelivery)
        .values(**values)
        .on_conflict_do_nothing(index_elements=["approval_id", "event", "target"])
        .returning(ApprovalDelivery.id)
    ).all()
    if added:
        told = {"delivery": row.id}
        outbox.send(session, workspace_id=row.workspace_id, kind=DELIVER, payload=told, due_at=row.due_at)
    return len(added)


def _along(session: Session, row: ApprovalDelivery) -> list[ApprovalDelivery]:
    """Return what goes out with a message: what a digest gathered, or what it carried when it was tried before."""
    ways: list[ColumnElement[bool]] = [(ApprovalDelivery.carried_by == row.id) & (ApprovalDelivery.state == "sending")]
    channel = session.get(NoticeChannel, row.channel_id) if row.channel_id else None
    if channel is not None and channel.pace != "at_once" and row.event != "answered":
        ways.append(
            (ApprovalDelivery.channel_id == channel.id)
            & (ApprovalDelivery.state == "pending")
            & (ApprovalDelivery.due_at <= clock.now())
            & (ApprovalDelivery.event != "answered")
        )
    found = (
        select(ApprovalDelivery)
        .where(ApprovalDelivery.id != row.id, or_(*ways))
        .order_by(ApprovalDelivery.id)
        .limit(_DIGEST_MAX)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return list(session.scalars(found))


def _sending(session: Session, delivery_ids: Sequence[str]) -> list[ApprovalDelivery]:
    found = select(ApprovalDelivery).where(
        ApprovalDelivery.id.in_(list(delivery_ids)), ApprovalDelivery.state == "sending"
    )
    return list(session.scalars(found.order_by(ApprovalDelivery.id).with_for_update()))


def _end(row: ApprovalDelivery, state: str, error: str | None) -> None:
    row.state, row.last_error, row.ended_at = state, error, clock.now()
