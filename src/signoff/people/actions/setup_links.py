"""One-time links: the first sign-in, an invitation, a forgotten password. There is no default password, ever."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, get_args

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow, Refusal
from signoff.people import tokens
from signoff.people.access import Principal, authorize
from signoff.people.actions.sessions import open_session, set_password
from signoff.people.facts import SignedIn
from signoff.record import audit
from signoff.tables.people import Member, SetupLink
from signoff.tables.session import lifted

Purpose = Literal["first_run", "invitation", "reset"]
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)


class LinkNotGood(Refusal):
    """The link was used, replaced, has expired, or never was. All are told alike."""

    status = 410


def create_setup_link(
    session: Session, principal: Principal, *, member_id: str, purpose: Purpose = "invitation", lifetime_seconds: int
) -> str:
    """Return the token of a new link for a member; links made before for the same person stop working.

    `first_run` is the operator's: it may reach a person who is in other workspaces too. An administrator's link
    may not, because whoever holds it becomes that person everywhere.

    Raises:
        NotNow: the person belongs to another workspace as well.
    """
    authorize(principal, "member.manage")
    if purpose not in PURPOSES:
        raise Malformed("A link is for: " + ", ".join(PURPOSES), errors={"purpose": ["unknown"]})
    if purpose == "first_run" and principal.kind != "system":
        raise NotAllowed("Only the operator, on the machine itself, makes a first-run link.")
    member = session.scalar(
        select(Member).where(
            Member.id == member_id, Member.workspace_id == principal.workspace_id, Member.state == "active"
        )
    )
    if member is None:
        raise NotFound("There is no such member in this workspace.")
    if member.role == "owner" and principal.role != "owner":
        raise NotAllowed("Only an owner makes a link for an owner.", extra={"required": "owner"})
    if purpose != "first_run":
        _refuse_if_elsewhere(session, member.person_id, principal.workspace_id)
    moment = clock.now()
    with lifted(session):  # Links are a person's: an older one of another workspace ends too.
        session.execute(
            update(SetupLink)
            .where(SetupLink.person_id == member.person_id, SetupLink.used_at.is_(None))
            .values(used_at=moment)
        )
    token = tokens.new_link_token()
    link = SetupLink(
        id=ids.new_id("lnk"),
        token_hash=tokens.hash_of(token),
        workspace_id=principal.workspace_id,
        person_id=member.person_id,
        purpose=purpose,
        created_at=moment,
        expires_at=moment + timedelta(seconds=lifetime_seconds),
    )
    session.add(link)
    session.flush()
    audit.write(
        session,
        workspace_id=principal.workspace_id,
        actor=principal.actor,
        action="setup_link.created",
        object_kind="member",
        object_id=member.id,
        detail={"purpose": purpose},
    )
    return token


def redeem_setup_link(
    session: Session, token: str, *, password_hash: str | None, lifetime_seconds: int, user_agent: str = ""
) -> SignedIn:
    """Use a link up and sign its person in; with `password_hash`, that becomes their password.

    Of two who use it at once, one gets in.

    Raises:
        LinkNotGood: it cannot be used (any more).
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
    if link.purpose != "first_run":
        # They may have joined another workspace since the link was made.
        _refuse_if_elsewhere(session, link.person_id, link.workspace_id)
    if password_hash is not None:
        set_password(session, link.person_id, password_hash)
    return open_session(
        session,
        link.person_id,
        workspace_id=link.workspace_id,
        lifetime_seconds=lifetime_seconds,
        user_agent=user_agent,
        how=f"link:{link.purpose}",
    )


def link_not_good() -> LinkNotGood:
    """Return the one answer for every link that does not work."""
    return LinkNotGood(
        "This link cannot be used: it was used before, a newer one replaced it, or its time is over. "
        "Ask whoever sent it for a new one; the operator makes one with `signoff setup-link`."
    )


def _refuse_if_elsewhere(session: Session, person_id: str, workspace_id: str) -> None:
    with lifted(session):
        elsewhere = session.scalar(
            select(Member.id)
            .where(Member.person_id == person_id, Member.workspace_id != workspace_id, Member.state == "active")
            .limit(1)
        )
    if elsewhere:
        raise NotNow(
            "This person has an account in another workspace as well, so a link of this workspace may not open it. "
            "They sign in with their own password; if it is lost, the operator runs `signoff setup-link`.",
            code="person_elsewhere",
        )
