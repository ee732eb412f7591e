"""What the page of requests for access shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.agents.access_requests import AccessRequestFacts, access_requests
from signoff.agents.queries import agent_names
from signoff.people.access import Principal, can
from signoff.people.custom_roles import role_names, roles
from signoff.people.levels import LEVELS
from signoff.web.forms import Form
from signoff.web.permission_words import LEVEL_WORDS, role_name


@dataclass(frozen=True, slots=True)
class RequestLine:
    """One request. `what`: what it asks for, in words."""

    facts: AccessRequestFacts
    what: str
    role_now: str


@dataclass(frozen=True, slots=True)
class RequestsView:
    """The page. `to_decide`: what the viewer may give; `others`: decided ones, and the viewer's own."""

    to_decide: tuple[RequestLine, ...]
    others: tuple[RequestLine, ...]
    older: str | None
    roles: tuple[tuple[str, str], ...]
    agents: tuple[tuple[str, str], ...]
    levels: tuple[tuple[str, str], ...]
    form: Form
    problem: str
    errors: Mapping[str, Sequence[str]]


def load(
    session: Session,
    viewer: Principal,
    *,
    cursor: str | None = None,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> RequestsView:
    """Return the page; `form` and `errors` are those of something that was refused, or what a link filled in.

    Raises:
        NotAllowed: the viewer may not even see the workspace.
    """
    page = access_requests(session, viewer, cursor=cursor)
    names = dict(role_names(session, viewer))
    lines = [_line(one, names) for one in page.rows]
    known = roles(session, viewer) if can(viewer, "role.read") else []
    agents = agent_names(session, viewer)
    return RequestsView(
        to_decide=tuple(line for line in lines if line.facts.may_decide),
        others=tuple(line for line in lines if not line.facts.may_decide),
        older=f"/settings/requests?cursor={page.next_cursor}" if page.next_cursor else None,
        roles=(
            ("", "No role: a level on one agent"),
            *((one.slug, role_name(one.slug, one.name)) for one in known if one.slug != viewer.role),
        ),
        agents=(("", "No agent: a role"), *((one.slug, one.name or one.slug) for one in agents)),
        levels=(("", "Choose a level"), *((level, LEVEL_WORDS[level][0]) for level in LEVELS)),
        form=form or Form(),
        problem=problem,
        errors=errors or {},
    )


def _line(facts: AccessRequestFacts, names: Mapping[str, str]) -> RequestLine:
    if facts.role is not None:
        what = f"the role {role_name(facts.role, names.get(facts.role, ''))}"
    else:
        level = next((words[0] for level, words in LEVEL_WORDS.items() if level == facts.level), facts.level or "")
        what = f"the level {level} on {facts.agent_name or 'an agent'}"
    return RequestLine(facts, what, role_name(facts.role_now, names.get(facts.role_now, "")))
