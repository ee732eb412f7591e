"""One-time links: the first sign-in, an invitation, a forgotten password. There is no default password, ever."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.canonical import canonical_json
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow, Refusal
from signoff.kit.sealing import Sealer
from signoff.kit.text import shortened, storable
from signoff.people import tokens
from signoff.people.access import Principal, authorize
from signoff.people.actions.members import refuse_beyond
from signoff.record import audit, outbox
from signoff.record.actor import SYSTEM, Actor
from signoff.tables.people import Member, Person, SetupLink
from signoff.tables.session import lifted

# `forgotten` is what a person asks for themselves, `not_me` comes with the news that a second factor was set up: both
# go to their own mailbox and nowhere else.
Purpose = Literal["first_run", "invitation", "reset", "forgotten", "not_me"]
# The outbox message that has a link mailed. Its payload holds the token sealed.
MAIL_LINK = "link.mail"
# Long enough for a weekend away; after it, a mailbox that was read by somebody takes no second factor away.
NOT_ME_SECONDS = 72 * 3600


class LinkNotGood(Refusal):
    """The link was used, replaced, has expired, or never was. All are told alike."""

    status = 410


def create_setup_link(
    session: Session,
    principal: Principal,
    *,
    member_id: str,
    purpose: Purpose = "invitation",
    lifetime_seconds: int,
    mail_with: Sealer | None = None,
) -> str:
    """Return the token of a new link for a member; links made before for the same person stop working.

    `first_run` is the operator's: it may reach a person who is in other workspaces too. An administrator's link
    may not, because whoever holds it becomes that person everywhere. With `mail_with`, the link is mailed as well.

    Raises:
        NotNow: the person belongs to another workspace as well, or administers the installation.
        NotAllowed: it would be for the caller, or for somebody who may do more.
    """
    authorize(principal, "member.manage")
    if purpose not in ("first_run", "invitation", "reset"):
        raise Malformed("A link is for: first_run, invitation, reset", errors={"purpose": ["unknown"]})
    if purpose == "first_run" and principal.kind != "system":
        raise NotAllowed("Only the operator, on the machine itself, makes a first-run link.")
    member = session.scalar(
        select(Member).where(
            Member.id == member_id, Member.workspace_id == principal.workspace_id, Member.state == "active"
        )
    )
    if member is None:
        raise NotFound("There is no such member in this workspace.")
    # Whoever holds the link becomes that person.
    refuse_oneself(principal, member)
    refuse_beyond(session, principal, member)
    # To their own mailbox an invitation may go wherever they are: it shows that the address is theirs.
    is_to_prove = mail_with is not None and member.accepted_at is None
    if purpose != "first_run" and not is_to_prove:
        refuse_if_elsewhere(session, member.person_id, principal.workspace_id)
    with lifted(session):  # Links are a person's: an older one of another workspace ends too.
        session.execute(
            update(SetupLink)
            .where(SetupLink.person_id == member.person_id, SetupLink.used_at.is_(None), SetupLink.purpose != "not_me")
            .values(used_at=clock.now())
        )
    token, link_id = _new_link(session, member, purpose, lifetime_seconds)
    if mail_with is not None:
        _mail(session, mail_with, member.workspace_id, link_id, token)
    _note(session, principal.actor, member, purpose, is_mailed=mail_with is not None)
    return token


def mail_forgotten_link(session: Session, sealer: Sealer, email: str, *, lifetime_seconds: int) -> bool:
    """Have a link mailed to the person with this address, at that address, when there is one; return whether.

    Nobody signed in asks for it, so the answer must never show what this returned.
    """
    member = session.scalar(
        select(Member)
        .join(Person, Person.id == Member.person_id)
        .where(Person.email == storable(email).strip().lower()[:200], Member.state == "active")
        .order_by(Member.id.desc())
        .limit(1)
    )
    if member is None:
        return False
    # An invitation that is under way stays good: whoever knows an address must not be able to end it.
    session.execute(
        update(SetupLink)
        .where(SetupLink.person_id == member.person_id, SetupLink.purpose == "forgotten", SetupLink.used_at.is_(None))
        .values(used_at=clock.now())
    )
    token, link_id = _new_link(session, member, "forgotten", lifetime_seconds)
    _mail(session, sealer, member.workspace_id, link_id, token)
    _note(session, SYSTEM, member, "forgotten", is_mailed=True)
    return True


def mail_factor_notice(session: Session, sealer: Sealer, person_id: str) -> None:
    """Tell a person by mail that a second factor was set up, with a link that takes it away: it may not be theirs.

    Whoever knows a password may have set it up. Only the mailbox shows who the account belongs to.
    """
    with lifted(session):  # The person's, whatever workspace they came through.
        member = session.scalar(
            select(Member)
            .where(Member.person_id == person_id, Member.state == "active")
            .order_by(Member.accepted_at.is_(None), Member.id.desc())
            .limit(1)
        )
        if member is None:
            return
        token, link_id = _new_link(session, member, "not_me", NOT_ME_SECONDS)
        _mail(session, sealer, member.workspace_id, link_id, token)
        _note(session, SYSTEM, member, "not_me", is_mailed=True)


def use_setup_link(session: Session, token: str) -> SetupLink:
    """Use a link up and return it. Of two who use it at once, one gets it.

    Raises:
        LinkNotGood: it cannot be used (any more).
        NotNow: the person joined another workspace since it was made.
    """
    digest, moment = tokens.hash_of(token), clock.now()
    used = session.execute(
        update(SetupLink)
        .where(SetupLink.token_hash == digest, SetupLink.used_at.is_(None), SetupLink.expires_at > moment)
        .values(used_at=moment)
    )
    if getattr(used, "rowcount", 0) != 1:
        raise link_not_good()
    link = session.scalars(select(SetupLink).where(SetupLink.token_hash == digest)).one()
    if link.purpose in ("invitation", "reset") and not _is_proof_of_invited(session, link):
        # They may have joined another workspace since the link was made.
        refuse_if_elsewhere(session, link.person_id, link.workspace_id)
    return link


def _is_proof_of_invited(session: Session, link: SetupLink) -> bool:
    if link.mailed_at is None:
        return False
    here = select(Member.id).where(Member.person_id == link.person_id, Member.workspace_id == link.workspace_id)
    return session.scalar(here.where(Member.state == "active", Member.accepted_at.is_(None))) is not None


def _new_link(session: Session, member: Member, purpose: Purpose, lifetime_seconds: int) -> tuple[str, str]:
    """Return the token and the id of a fresh link."""
    token, moment = tokens.new_link_token(), clock.now()
    link = SetupLink(
        id=ids.new_id("lnk"),
        token_hash=tokens.hash_of(token),
        workspace_id=member.workspace_id,
        person_id=member.person_id,
        purpose=purpose,
        created_at=moment,
        expires_at=moment + timedelta(seconds=lifetime_seconds),
    )
    session.add(link)
    session.flush()
    return token, link.id


def _mail(session: Session, sealer: Sealer, workspace_id: str, link_id: str, token: str) -> None:
    # The message outlives the moment, so the token is in it as nobody can read it from the database.
    sealed = sealer.seal(token, mail_place(link_id))
    outbox.send(
        session,
        workspace_id=workspace_id,
        kind=MAIL_LINK,
        payload={
            "link": link_id,
            "ciphertext": base64.b64encode(sealed.ciphertext).decode(),
            "nonce": base64.b64encode(sealed.nonce).decode(),
            "key": sealed.key_id,
        },
    )


def mail_place(link_id: str) -> bytes:
    """Return what the sealed token of a mail is bound to."""
    return canonical_json(["signoff.link-mail.v1", link_id]).encode()


def note_mail(session: Session, link_id: str, *, error: str | None = None) -> None:
    """Note what became of the mail with a link: it went out, or why not."""
    values = {"mail_error": shortened(error, 200)} if error else {"mailed_at": clock.now(), "mail_error": None}
    session.execute(update(SetupLink).where(SetupLink.id == link_id).values(**values))


def _note(session: Session, actor: Actor, member: Member, purpose: Purpose, *, is_mailed: bool) -> None:
    audit.write(
        session,
        workspace_id=member.workspace_id,
        actor=actor,
        action="setup_link.created",
        object_kind="member",
        object_id=member.id,
        detail={"purpose": purpose, "mailed": is_mailed},
    )


def link_not_good() -> LinkNotGood:
    """Return the one answer for every link that does not work."""
    return LinkNotGood(
        "This link cannot be used: it was used before, a newer one replaced it, or its time is over. "
        "Ask whoever sent it for a new one; the operator makes one with `signoff setup-link`."
    )


def refuse_oneself(principal: Principal, member: Member) -> None:
    """Refuse to open one's own account from the side: a session that is open somewhere does not prove who sits there.

    Raises:
        NotAllowed: the member is the caller.
    """
    if principal.kind != "system" and principal.id == member.id:
        raise NotAllowed("Change your own password on your profile.", code="own_account")


def refuse_if_elsewhere(session: Session, person_id: str, workspace_id: str) -> None:
    """Refuse when the person reaches further than this workspace: what is done here would reach there.

    Raises:
        NotNow: they belong to another workspace, or administer the installation.
    """
    mark = select(Person.is_instance_administrator).where(Person.id == person_id)
    if session.scalar(mark):
        raise NotNow(
            "This person administers the installation, which no workspace gives away. They sign in with their own "
            "password; who lost it asks for a mail on the sign-in page, or the operator runs `signoff setup-link`.",
            code="person_elsewhere",
        )
    with lifted(session):
        elsewhere = session.scalar(
            select(Member.id)
            .where(
                Member.person_id == person_id,
                Member.workspace_id != workspace_id,
                Member.state == "active",
                # Where they have not come in, another workspace only says that it knows their address.
                Member.accepted_at.is_not(None),
            )
            .limit(1)
        )
    if elsewhere:
        raise NotNow(
            "This person has an account in another workspace as well, so a link of this workspace may not open it. "
            "They sign in with their own password; who lost it asks for a mail on the sign-in page, or the operator "
            "runs `signoff setup-link`.",
            code="person_elsewhere",
        )
