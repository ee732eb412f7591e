"""A message ready to be sent: where to, and in which words. Made in the transaction that takes it."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.approvals.channels import place_of_channel
from signoff.approvals.deliveries import drop, take
from signoff.approvals.letters import mail_text, notice_text, notice_title
from signoff.approvals.links import make_link
from signoff.approvals.states import is_open
from signoff.connections.envelope import open_value
from signoff.connections.vault import Vault
from signoff.connectors.notices.bodies import Notice
from signoff.kit.errors import Fault
from signoff.kit.sealing import Sealed
from signoff.tables.approvals import Approval, ApprovalRecipient
from signoff.tables.notices import ApprovalDelivery, ChatApp, NoticeChannel
from signoff.tables.people import Member, Person, Workspace
from signoff.tables.watch import NoticeDelivery

_NOT_ASKED = "They are not asked any more."
_GONE = "The channel, or the member, is gone; or its address does not open any more: enter it again."


@dataclass(frozen=True, slots=True)
class Parcel:
    """What goes out at once. Its target and its mail text are secrets, so neither is ever logged.

    Args:
        delivery_ids: the messages it carries; the first names it.
        target: an address to post to, a routing key, a mail address.
        notices: what a service is told.
        subject, text: what a mail says.
    """

    delivery_ids: tuple[str, ...]
    kind: str
    target: str = field(repr=False)
    notices: tuple[Notice, ...] = field(repr=False)
    subject: str = ""
    text: str = field(default="", repr=False)


def parcel(session: Session, vault: Vault, delivery_id: str, *, address: str) -> Parcel | None:
    """Take a message and return what is to be sent; None when there is nothing to send (any more).

    Args:
        address: where people reach this installation, from the settings; never from a request.
    """
    found = take(session, delivery_id)
    found = [pair for pair in found if _is_still_for(session, *pair)]
    if not found:
        return None
    first = found[0][0]
    given = tuple(one.id for one, _ in found)
    person = active_person(session, first.member_id)
    target = target_of(session, vault, first, person)
    if target is None:
        drop(session, given, _GONE)
        return None
    place = session.get_one(Workspace, first.workspace_id)
    at = f"{address}/w/{place.slug}/inbox"
    if first.kind == "mail":
        texts = [_mail(session, row, one, person, address, f"{at}/{row.id}") for one, row in found]
        subject = notice_title(found[0][1], first.event) if len(found) == 1 else f"{len(found)} requests wait for you"
        return Parcel(given, "mail", target, (), subject, f"\n{'-' * 60}\n\n".join(texts))
    buttons = first.kind == "slack" and session.get(ChatApp, (first.workspace_id, "slack")) is not None
    notices = tuple(_notice(row, one.event, f"{at}/{row.id}", has_buttons=buttons) for one, row in found)
    return Parcel(given, first.kind, target, notices)


def _is_still_for(session: Session, delivery: ApprovalDelivery, row: Approval) -> bool:
    if delivery.member_id is None or not is_open(row.state):
        return True
    asked = session.get(ApprovalRecipient, (row.id, delivery.member_id))
    if asked is not None and asked.is_open:
        return True
    drop(session, [delivery.id], _NOT_ASKED)
    return False


def active_person(session: Session, member_id: str | None) -> Person | None:
    """Return the person behind a member who is still one."""
    return session.scalar(
        select(Person)
        .join(Member, Member.person_id == Person.id)
        .where(Member.id == (member_id or ""), Member.state == "active")
    )


def target_of(
    session: Session, vault: Vault, delivery: ApprovalDelivery | NoticeDelivery, person: Person | None
) -> str | None:
    """Return where a message goes; None when there is no such place any more."""
    if delivery.member_id is not None and person is None:
        return None
    channel = session.get(NoticeChannel, delivery.channel_id) if delivery.channel_id else None
    if delivery.channel_id is not None and channel is None:
        return None
    if delivery.kind == "mail" and person is not None:
        # To the address of the account, as it is now.
        return person.email
    if channel is None:
        return None
    sealed = Sealed(channel.ciphertext, channel.nonce, channel.key_id)
    try:
        return open_value(session, vault, sealed, place_of_channel(channel))
    except Fault:
        return None


def _mail(
    session: Session, row: Approval, delivery: ApprovalDelivery, person: Person | None, address: str, link: str
) -> str:
    token = None
    if person is not None and delivery.member_id is not None and is_open(row.state):
        token = make_link(session, row, delivery.member_id)
    decide_link = f"{address}/decide/{token}" if token else None
    return mail_text(row, name=person.name if person is not None else "", link=link, decide_link=decide_link)


def _notice(row: Approval, event: str, link: str, *, has_buttons: bool) -> Notice:
    buttons: tuple[str, ...] = ()
    if has_buttons and row.kind == "approval" and is_open(row.state):
        # A denial that wants a reason is given on the page: a button cannot ask for one.
        buttons = ("approve", "deny") if row.rule.get("denial_reason") == "optional" else ("approve",)
    return Notice(
        about=row.id, event=event.partition(":")[0], title=notice_title(row, event), text=notice_text(row), link=link,
        agent=row.agent_name, run=row.run_id, buttons=buttons, is_over=event == "answered",
    )  # fmt: skip
