"""Found a workspace; change what holds for all of it."""

from __future__ import annotations

from zoneinfo import available_timezones

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotNow
from signoff.kit.text import is_slug
from signoff.people.access import Principal, authorize
from signoff.people.emails import clean_email, clean_name
from signoff.people.facts import Founded
from signoff.record import audit
from signoff.record.actor import SYSTEM, Actor
from signoff.tables.people import Environment, Member, Person, Workspace

_ENVIRONMENTS = (("staging", "Staging", False), ("production", "Production", True))
# Words that stand where a workspace's name stands in an address.
RESERVED = frozenset(
    ("health", "orchestrations", "me", "openapi", "docs", "workspaces", "metrics", "static", "instance", "mcp")
)


def found_workspace(
    session: Session, *, slug: str, name: str, owner_email: str, owner_name: str, by: Actor = SYSTEM
) -> Founded:
    """Make a workspace with staging, production and its first owner. For the operator; others: `create_workspace`.

    Raises:
        Malformed: the slug cannot be used, or the address is none.
        NotNow: there is a workspace of that slug.
    """
    if not is_slug(slug) or slug in RESERVED:
        text = "a letter, then letters, digits and hyphens, at most 63; and not one of our own words"
        raise Malformed(f"{slug[:80]!r} cannot name a workspace.", errors={"slug": [text]}, code="bad_slug")
    if session.scalar(select(Workspace.id).where(Workspace.slug == slug)):
        raise NotNow(f"There is a workspace called {slug!r} already.", code="workspace_exists")
    moment = clock.now()
    workspace = Workspace(id=ids.new_id("ws"), slug=slug, name=clean_name(name), created_at=moment)
    session.add(workspace)
    session.flush()
    environments = {
        place[0]: add_environment(session, workspace.id, *place, position=position)
        for position, place in enumerate(_ENVIRONMENTS)
    }
    person_id = person_for(session, owner_email, owner_name)
    member = Member(
        id=ids.new_id("mem"), workspace_id=workspace.id, person_id=person_id, role="owner", created_at=moment
    )
    session.add(member)
    session.flush()
    workspace.last_resort_id = member.id
    session.flush()
    audit.write(
        session,
        workspace_id=workspace.id,
        actor=by,
        action="workspace.founded",
        object_kind="workspace",
        object_id=workspace.id,
        detail={"slug": slug, "owner": member.id},
    )
    return Founded(workspace.id, member.id, person_id, environments)


def change_workspace(session: Session, principal: Principal, *, name: str | None = None, time_zone: str | None) -> None:
    """Rename the caller's workspace, or say in which zone its days begin and end.

    Raises:
        NotAllowed: the caller may not manage the workspace.
        Malformed: the name is empty, or there is no such time zone.
    """
    authorize(principal, "workspace.manage")
    if time_zone is not None and time_zone not in available_timezones():
        sentence = f"There is no time zone {time_zone[:60]!r}. Write one such as Europe/Berlin."
        raise Malformed(sentence, errors={"time_zone": [sentence]})
    row = session.get_one(Workspace, principal.workspace_id)
    before = {"name": row.name, "time_zone": row.time_zone}
    row.name = clean_name(name) if name is not None else row.name
    row.time_zone = time_zone or row.time_zone
    after = {"name": row.name, "time_zone": row.time_zone}
    if after == before:
        return
    session.flush()
    audit.write(
        session,
        workspace_id=row.id,
        actor=principal.actor,
        action="workspace.changed",
        object_kind="workspace",
        object_id=row.id,
        detail={"before": before, "after": after},
    )


def add_environment(
    session: Session, workspace_id: str, slug: str, name: str, is_production: bool, *, position: int
) -> str:
    """Write the row of an environment; return its id."""
    row = Environment(
        id=ids.new_id("env"),
        workspace_id=workspace_id,
        slug=slug,
        name=name,
        is_production=is_production,
        position=position,
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row.id


def person_for(session: Session, email: str, name: str) -> str:
    """Return the person with this address, made when there is none."""
    address = clean_email(email)
    found = session.scalar(select(Person.id).where(Person.email == address))
    if found:
        return found
    person = Person(id=ids.new_id("per"), email=address, name=clean_name(name), created_at=clock.now())
    try:
        with session.begin_nested():
            session.add(person)
    except IntegrityError:
        # Somebody added the same address at the same moment.
        return session.scalars(select(Person.id).where(Person.email == address)).one()
    return person.id
