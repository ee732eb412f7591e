"""What a person says about themselves, and how a workspace lets its members in."""

from __future__ import annotations

from zoneinfo import available_timezones

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.kit.errors import Malformed, NotAllowed, NotNow
from signoff.people import tokens
from signoff.people.access import BOUND, Principal, authorize
from signoff.people.emails import clean_name
from signoff.people.everywhere import note_everywhere
from signoff.people.sign_in_rules import other_ways
from signoff.record import audit
from signoff.tables.people import Member, Person, SecondFactor, SignInSession, Workspace


def change_profile(
    session: Session, principal: Principal, *, name: str, time_zone: str | None, has_single_keys: bool
) -> None:
    """Change the caller's own name, time zone (None: the browser's) and whether single keys are shortcuts.

    Raises:
        Malformed: the name or the time zone cannot be used.
        NotAllowed: the caller is no person, or changes their name in a session that one workspace's provider opened.
    """
    person = session.get(Person, principal.person_id or "")
    if person is None:
        raise NotAllowed("Only a person has a profile; sign in to change it.")
    if time_zone is not None and time_zone not in available_timezones():
        sentence = "Choose a time zone from the list, such as Europe/Berlin."
        raise Malformed(sentence, errors={"time_zone": [sentence]})
    before, wanted = person.name, clean_name(name)
    if principal.is_bound and wanted != before:
        raise NotAllowed(BOUND, code="bound_session")
    person.name = wanted
    person.time_zone, person.has_single_keys = time_zone, has_single_keys
    session.flush()
    if before != person.name:
        note_everywhere(session, person.id, "person.renamed", {"before": before, "name": person.name})


def set_sign_in_rules(
    session: Session,
    principal: Principal,
    *,
    session_id: str,
    is_second_factor_required: bool,
    is_password_allowed: bool,
) -> None:
    """Set how members of the workspace sign in. It holds from the next request on, for open sessions too.

    Args:
        session_id: the session that asks: whoever makes a rule must be able to keep it.

    Raises:
        NotNow: it would lock the caller out, or leave members without a way in.
    """
    authorize(principal, "workspace.manage")
    workspace = session.scalars(select(Workspace).where(Workspace.id == principal.workspace_id).with_for_update()).one()
    if is_second_factor_required and not workspace.is_second_factor_required:
        _check_own_factor(session, principal, session_id)
    if not is_password_allowed and not other_ways(session, workspace.id):
        sentence = "Set up single sign-on first, and try it: without passwords it would be the only way in."
        raise NotNow(sentence, errors={"is_password_allowed": [sentence]}, code="last_way_in")
    if not is_password_allowed and workspace.is_password_allowed:
        _check_spare_owner(session, workspace.id)
    before = (workspace.is_second_factor_required, workspace.is_password_allowed)
    if before == (is_second_factor_required, is_password_allowed):
        return
    session.execute(
        update(Workspace)
        .where(Workspace.id == workspace.id)
        .values(is_second_factor_required=is_second_factor_required, is_password_allowed=is_password_allowed)
    )
    audit.write(
        session,
        workspace_id=workspace.id,
        actor=principal.actor,
        action="workspace.sign_in_rules_changed",
        object_kind="workspace",
        object_id=workspace.id,
        detail={
            "second_factor_required": is_second_factor_required,
            "password_allowed": is_password_allowed,
            "before": {"second_factor_required": before[0], "password_allowed": before[1]},
        },
    )


def _check_spare_owner(session: Session, workspace_id: str) -> None:
    spare = session.scalar(
        select(Member.id)
        .join(Person, Person.id == Member.person_id)
        .where(
            Member.workspace_id == workspace_id,
            Member.role == "owner",
            Member.state == "active",
            Person.password_hash.is_not(None),
        )
        .limit(1)
    )
    if spare is None:
        sentence = (
            "No owner has a password, so nobody could repair single sign-on when it fails. Give an owner one first."
        )
        raise NotNow(sentence, errors={"is_password_allowed": [sentence]}, code="no_spare_way_in")


def _check_own_factor(session: Session, principal: Principal, session_id: str) -> None:
    has_factor = session.scalar(
        select(SecondFactor.person_id).where(
            SecondFactor.person_id == (principal.person_id or ""), SecondFactor.confirmed_at.is_not(None)
        )
    )
    row = session.get(SignInSession, session_id)
    is_theirs = row is not None and row.person_id == principal.person_id
    # Who came in by single sign-on is not asked for one by us.
    if is_theirs and row is not None and (row.is_two_factor or row.method not in ("password", "link")):
        return
    if has_factor is None:
        sentence = "Set up a second factor for yourself first, on your profile: otherwise you would lock yourself out."
    else:
        sentence = "Sign in again with your second factor first: this session would end."
    raise NotNow(sentence, errors={"is_second_factor_required": [sentence]}, code="no_second_factor")


def mark_two_factor(session: Session, session_id: str, person_id: str) -> str:
    """Note that the person of a session has just proven their second factor in it; return its new token.

    Whoever has a copy of the old one has not proven anything: it ends.
    """
    token = tokens.new_session_token()
    session.execute(
        update(SignInSession)
        .where(SignInSession.id == session_id, SignInSession.person_id == person_id)
        .values(is_two_factor=True, token_hash=tokens.hash_of(token))
    )
    return token
