"""Making an agent, saying what it is called and whose it is, and switching it off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.agents.actions.draft_changes import save_row
from signoff.agents.actions.noted import note
from signoff.agents.actions.owners import change_column
from signoff.agents.body import Body
from signoff.agents.limits import checked_description, checked_name, checked_tags, plain_draft
from signoff.agents.lookup import agent_for
from signoff.agents.refusals import SlugTaken
from signoff.agents.seating import COLUMNS, seat
from signoff.agents.states import AgentState
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotNow
from signoff.kit.text import is_slug
from signoff.people.access import Principal, authorize
from signoff.people.seats import Seat
from signoff.tables.agents import Agent, Draft


class Keep(Enum):
    """The value that means: leave this field as it is."""

    KEEP = "keep"


KEEP = Keep.KEEP


def create_agent(
    session: Session,
    principal: Principal,
    *,
    slug: str,
    name: str,
    description: str = "",
    body: Mapping[str, Any] | Body | None = None,
    tags: Iterable[str] = (),
    owner_id: str | None = None,
    backup_id: str | None = None,
    seats: Iterable[tuple[Seat, str]] = (),
) -> str:
    """Make an agent with a draft of version 1; return its id. Nothing of it runs before the first freeze.

    The owner is the member who makes it, unless another is named. `body` may be incomplete.

    Args:
        seats: who else answers for it: pairs of a seat and a member's id.

    Raises:
        SlugTaken: the workspace has an agent of this slug.
        Malformed: a field is wrong; `errors` says which.
    """
    authorize(principal, "agent.create")
    if not is_slug(slug):
        raise Malformed(
            "A slug is a small letter, then small letters, digits and hyphens, at most 63 characters.",
            errors={"slug": ["small letters, digits, hyphens; a letter first; at most 63"]},
        )
    moment = clock.now()
    owner = owner_id or principal.member_id
    agent = Agent(
        id=ids.new_id("agt"),
        workspace_id=principal.workspace_id,
        slug=slug,
        name=checked_name(name),
        description=checked_description(description),
        tags=checked_tags(tags),
        state="active",
        last_revision=0,
        created_at=moment,
    )
    content = plain_draft(body or {})
    _add_with_its_slug(session, agent)
    draft = Draft(
        agent_id=agent.id,
        workspace_id=agent.workspace_id,
        version=1,
        body=content,
        updated_by=principal.id,
        updated_by_name=principal.name,
        updated_at=moment,
        writers=[principal.id],
    )
    session.add(draft)
    session.add(save_row(draft, "created"))
    session.flush()
    note(session, principal, agent, "agent.created", {"slug": slug, "name": agent.name})
    named: tuple[tuple[Seat, str | None], ...] = (("build", owner), ("backup", backup_id), *seats)
    for kind, member_id in named:
        if member_id is not None:
            seat(session, principal, agent, kind, member_id, is_noted=member_id != principal.id)
    return agent.id


def _add_with_its_slug(session: Session, agent: Agent) -> None:
    taken = SlugTaken(
        f"An agent called {agent.slug} exists in this workspace. Choose another slug, or edit that agent.",
        errors={"slug": ["taken"]},
    )
    wanted = select(Agent.id).where(Agent.workspace_id == agent.workspace_id, Agent.slug == agent.slug)
    if session.scalar(wanted) is not None:
        raise taken
    try:
        # Two requests may both have found the slug free; the constraint decides, and only this insert is undone.
        with session.begin_nested():
            session.add(agent)
    except IntegrityError as error:
        raise taken from error


def edit_agent(
    session: Session,
    principal: Principal,
    agent_id: str,
    *,
    name: str | Keep = KEEP,
    description: str | Keep = KEEP,
    tags: Iterable[str] | Keep = KEEP,
    owner_id: str | Keep | None = KEEP,
    backup_id: str | Keep | None = KEEP,
) -> bool:
    """Change what an agent is called and whose it is; return whether anything changed. The slug stays for ever.

    Raises:
        Malformed: a field is wrong; `errors` says which.
        NotAllowed: the caller may edit it, but not say whose it is.
        NotNow: a hand-over is open, and the owner or backup was to change.
    """
    agent = agent_for(session, principal, agent_id, "agent.edit", lock=True)
    wanted: dict[str, Any] = {}
    if not isinstance(name, Keep):
        wanted["name"] = checked_name(name)
    if not isinstance(description, Keep):
        wanted["description"] = checked_description(description)
    if not isinstance(tags, Keep):
        wanted["tags"] = checked_tags(tags)
    changed = {field: value for field, value in wanted.items() if getattr(agent, field) != value}
    seats = _seats_changed(agent, {"build": owner_id, "backup": backup_id})
    if not changed and not seats:
        return False
    for field, value in changed.items():
        setattr(agent, field, value)
    session.flush()
    # The description is a text of people's; that it changed is enough for the audit.
    detail = {field: value for field, value in changed.items() if field != "description"}
    detail |= {COLUMNS[kind]: value for kind, value in seats.items()}
    fields = sorted([*changed, *(COLUMNS[kind] for kind in seats)])
    note(session, principal, agent, "agent.edited", {"fields": fields, **detail})
    _change_seats(session, principal, agent, seats)
    return True


def _seats_changed(agent: Agent, wanted: Mapping[Seat, str | Keep | None]) -> dict[Seat, str | None]:
    return {
        kind: value
        for kind, value in wanted.items()
        if not isinstance(value, Keep) and getattr(agent, COLUMNS[kind]) != value
    }


def _change_seats(session: Session, principal: Principal, agent: Agent, seats: Mapping[Seat, str | None]) -> None:
    if not seats:
        return
    agent_for(session, principal, agent.id, "agent.assign")
    # Emptied first: two who change places are not both at once on the way.
    if len(seats) == 2:
        change_column(session, principal, agent, "backup", None)
    for kind, member_id in seats.items():
        change_column(session, principal, agent, kind, member_id)


def disable_agent(session: Session, principal: Principal, agent_id: str, *, reason: str = "") -> None:
    """Refuse new runs from now on; running ones finish.

    Raises:
        NotNow: it is disabled already.
    """
    _switch(session, principal, agent_id, ("active", "disabled"), "agent.disabled", reason)


def enable_agent(session: Session, principal: Principal, agent_id: str, *, reason: str = "") -> None:
    """Take runs again.

    Raises:
        NotNow: it is active already.
    """
    _switch(session, principal, agent_id, ("disabled", "active"), "agent.enabled", reason)


def _switch(
    session: Session,
    principal: Principal,
    agent_id: str,
    move: tuple[AgentState, AgentState],
    action: str,
    reason: str,
) -> None:
    agent = agent_for(session, principal, agent_id, "agent.disable")
    before, after = move
    switched = session.execute(
        update(Agent).where(Agent.id == agent.id, Agent.state == before).values(state=after).returning(Agent.id)
    ).all()
    if len(switched) != 1:
        raise NotNow(f"The agent {agent.slug} is {after} already.", code=f"already_{after}")
    note(session, principal, agent, action, {"reason": reason[:500]} if reason else {})
