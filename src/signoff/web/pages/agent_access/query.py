"""What the page of an agent's access shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.agents.grants import SHOWN, AccessFacts, GrantFacts, access_to
from signoff.kit.paging import PAGE_SIZE_MAX
from signoff.people.access import Principal, can
from signoff.people.account_queries import service_accounts
from signoff.people.custom_roles import RoleFacts, roles
from signoff.people.levels import LEVELS
from signoff.people.queries import members
from signoff.people.roles import Action
from signoff.web.agent_head import AgentHead, agent_head
from signoff.web.forms import Form
from signoff.web.permission_words import LEVEL_WORDS, ON_AGENT_WORDS, role_name

# Before the slug of a service account, where a member's id stands otherwise. A member's id has no colon.
ACCOUNT = "account:"


@dataclass(frozen=True, slots=True)
class Held:
    """A level somebody holds, and who gave it."""

    grant: GrantFacts
    name: str


@dataclass(frozen=True, slots=True)
class PersonLine:
    """One person or service account: why they have access, and what they may do."""

    facts: AccessFacts
    role: str
    held: tuple[Held, ...]
    may: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RoleLine:
    """What a role allows on every agent, this one included."""

    name: str
    members: int
    may: tuple[str, ...]
    own: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AccessView:
    """The page. `people`: who can be given a level; empty when the viewer may not share."""

    head: AgentHead
    lines: tuple[PersonLine, ...]
    roles: tuple[RoleLine, ...]
    people: tuple[tuple[str, str], ...]
    levels: tuple[tuple[str, str, str], ...]
    form: Form
    problem: str
    errors: Mapping[str, Sequence[str]]

    @property
    def people_choices(self) -> tuple[tuple[str, str], ...]:
        """Return whom to choose from; nobody is chosen for the reader."""
        return (("", "Choose somebody"), *self.people)


def load(
    session: Session,
    viewer: Principal,
    slug: str,
    *,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> AccessView:
    """Return the view; `form` and `errors` are those of a level that was not given.

    Raises:
        NotFound: this workspace has no agent of that slug.
    """
    head = agent_head(session, viewer, slug, "access")
    known = roles(session, viewer) if can(viewer, "role.read") else []
    names = {one.slug: role_name(one.slug, one.name) for one in known}
    return AccessView(
        head=head,
        lines=tuple(_person(facts, names) for facts in access_to(session, viewer, head.agent.id)),
        roles=tuple(_role(one) for one in known if _on_agents(one)),
        people=_people(session, viewer) if head.may_share else (),
        levels=tuple((level, *LEVEL_WORDS[level]) for level in LEVELS),
        form=form or Form(),
        problem=problem,
        errors=errors or {},
    )


def _person(facts: AccessFacts, names: Mapping[str, str]) -> PersonLine:
    held = tuple(Held(grant, LEVEL_WORDS[grant.level][0]) for grant in facts.grants)
    return PersonLine(facts, names.get(facts.role, role_name(facts.role)), held, _words(facts.actions))


def _role(role: RoleFacts) -> RoleLine:
    every: list[Action] = [action for action in SHOWN if role.permissions.get(action) == "all"]
    own: list[Action] = [action for action in SHOWN if role.permissions.get(action) == "own"]
    return RoleLine(role_name(role.slug, role.name), role.members, _words(every), _words(own))


def _on_agents(role: RoleFacts) -> bool:
    return any(action in role.permissions for action in SHOWN)


def _words(actions: Sequence[Action]) -> tuple[str, ...]:
    return tuple(ON_AGENT_WORDS[action] for action in actions)


def _people(session: Session, viewer: Principal) -> tuple[tuple[str, str], ...]:
    if not can(viewer, "member.read"):
        return ()
    everyone = members(session, viewer, size=PAGE_SIZE_MAX).rows
    people = sorted(((one.id, one.name) for one in everyone), key=lambda pair: pair[1].casefold())
    return (*people, *_accounts(session, viewer))


def _accounts(session: Session, viewer: Principal) -> list[tuple[str, str]]:
    if not can(viewer, "service_account.read"):
        return []
    return [
        (f"{ACCOUNT}{one.slug}", f"{one.name} (service account)")
        for one in service_accounts(session, viewer, size=PAGE_SIZE_MAX).rows
    ]
