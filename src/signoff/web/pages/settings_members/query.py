"""What the pages of members show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.agents.ownership import owned_by
from signoff.kit.paging import PAGE_SIZE_MAX
from signoff.people.access import Principal, authorize, can, covers
from signoff.people.custom_roles import RoleFacts, permissions_of, role_names, roles
from signoff.people.facts import InvitationFacts, MemberFacts
from signoff.people.own import invitation_of
from signoff.people.owned import OwnedThing
from signoff.people.queries import member, members
from signoff.web.forms import Form
from signoff.web.permission_words import ROLE_WORDS, role_name
from signoff.web.seat_words import SEAT_TITLES


def roles_for(session: Session, viewer: Principal) -> tuple[tuple[str, str, str], ...]:
    """Return the roles the viewer may give: value, name, what it is for. Nobody gives more than they have."""
    return tuple(_words(role) for role in _known(session, viewer) if covers(viewer, role.permissions, is_theirs=False))


def _known(session: Session, viewer: Principal) -> list[RoleFacts]:
    return roles(session, viewer) if can(viewer, "role.read") else []


def _words(role: RoleFacts) -> tuple[str, str, str]:
    about = next((words[1] for known, words in ROLE_WORDS.items() if known == role.slug), role.description)
    return role.slug, role_name(role.slug, role.name), about or "A role of this workspace."


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time link that was made a moment ago. It is on this one answer, and nowhere else."""

    address: str
    name: str
    email: str
    hours: int
    is_reset: bool


@dataclass(frozen=True, slots=True)
class MembersView:
    """The list. `link`: the invitation made just now; `note`: why there is none."""

    rows: tuple[MemberFacts, ...]
    older: str | None
    is_later_page: bool
    may_manage: bool
    me: str
    link: Link | None
    note: str
    role_names: Mapping[str, str]
    mailed_to: str = ""


def load(
    session: Session,
    viewer: Principal,
    *,
    cursor: str | None = None,
    link: Link | None = None,
    note: str = "",
    mailed_to: str = "",
) -> MembersView:
    """Return one page of the list.

    Raises:
        NotAllowed: the viewer may not see the members.
    """
    page = members(session, viewer, cursor=cursor)
    return MembersView(
        rows=tuple(page.rows),
        older=f"/settings/members?cursor={page.next_cursor}" if page.next_cursor else None,
        is_later_page=cursor is not None,
        may_manage=can(viewer, "member.manage"),
        me=viewer.id,
        link=link,
        note=note,
        role_names={**{str(role): words[0] for role, words in ROLE_WORDS.items()}, **role_names(session, viewer)},
        mailed_to=mailed_to,
    )


@dataclass(frozen=True, slots=True)
class MemberView:
    """One member, and what an administrator may do."""

    member: MemberFacts
    roles: tuple[tuple[str, str, str], ...]
    role: str
    may_manage: bool
    is_me: bool
    link: Link | None
    problem: str
    errors: Mapping[str, Sequence[str]]
    owned: tuple[OwnedThing, ...]
    may_hand_over: bool
    people: tuple[tuple[str, str], ...]
    form: Form
    invitation: InvitationFacts | None = None
    sends_mail: bool = False

    @property
    def seat_titles(self) -> Mapping[str, str]:
        """Return what the seats on agents are called."""
        return {str(kind): words[0] for kind, words in SEAT_TITLES.items()}

    @property
    def is_invited(self) -> bool:
        """Return whether they have not come in yet."""
        return self.member.state == "invited"

    @property
    def signs_in(self) -> str:
        """Return how they come in, in words."""
        if self.is_invited:
            return "not yet: invited"
        ways = (("single sign-on", self.member.has_sso), ("a password", self.member.has_password))
        how = "with " + (", or ".join(words for words, has in ways if has) or "links")
        return f"{how} and a second factor" if self.member.has_second_factor else how

    @property
    def path(self) -> str:
        """Return the address of the member, below the workspace."""
        return f"/settings/members/{self.member.id}"


def load_one(
    session: Session,
    viewer: Principal,
    member_id: str,
    *,
    role: str = "",
    link: Link | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
    sends_mail: bool = False,
    form: Form | None = None,
) -> MemberView:
    """Return one member. `role` is the one chosen in a form that was refused.

    Raises:
        NotFound: there is no such member here.
    """
    found = member(session, viewer, member_id)
    # Who may do more than the viewer is changed by somebody else: an owner by owners only.
    theirs = permissions_of(session, viewer.workspace_id, found.role)
    may_manage = can(viewer, "member.manage") and covers(viewer, theirs, is_theirs=member_id != viewer.id)
    owned = owned_by(session, viewer, member_id)
    can_move = [one for one in owned if one.kind in ("agent", "secret")]
    return MemberView(
        member=found,
        roles=roles_for(session, viewer) if may_manage else (),
        role=role or found.role,
        may_manage=may_manage,
        is_me=found.id == viewer.id,
        link=link,
        problem=problem,
        errors=errors or {},
        invitation=invitation_of(session, viewer, member_id) if may_manage else None,
        sends_mail=sends_mail,
        owned=tuple(owned),
        may_hand_over=bool(can_move) and can(viewer, "agent.assign"),
        people=(("", "Choose somebody"), *_others(session, viewer, member_id)) if can_move else (),
        form=form or Form(),
    )


def _others(session: Session, viewer: Principal, member_id: str) -> list[tuple[str, str]]:
    everyone = members(session, viewer, size=PAGE_SIZE_MAX).rows
    return sorted(((one.id, one.name) for one in everyone if one.id != member_id), key=lambda pair: pair[1].casefold())


@dataclass(frozen=True, slots=True)
class InviteView:
    """The form that lets a person in, as it was filled in."""

    form: Form
    roles: tuple[tuple[str, str, str], ...]
    problem: str
    errors: Mapping[str, Sequence[str]]
    sends_mail: bool = False


def load_invite(
    session: Session,
    viewer: Principal,
    *,
    sends_mail: bool = False,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> InviteView:
    """Return the form.

    Raises:
        NotAllowed: the viewer may not invite.
    """
    authorize(viewer, "member.manage")
    return InviteView(form or Form(), roles_for(session, viewer), problem, errors or {}, sends_mail)
