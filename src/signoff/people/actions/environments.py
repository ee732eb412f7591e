"""The environments of a workspace: make, rename, move, say who deploys there, and take away
the empty ones."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, func, literal, select, update
from sqlalchemy.orm import Session

from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.kit.text import is_slug
from signoff.people.access import Principal, authorize
from signoff.people.actions.workspaces import add_environment
from signoff.people.emails import clean_name
from signoff.record import audit
from signoff.tables.base import Base
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import Environment, Workspace

ENVIRONMENTS_MAX = 20
# What is in one is counted so far; "more than 1,000" says enough.
_COUNT_MAX = 1_000


def create_environment(
    session: Session, principal: Principal, *, slug: str, name: str, is_production: bool = False
) -> str:
    """Make an environment with nothing in it, before production; return its id.

    Raises:
        NotAllowed: the caller may not manage environments.
        Malformed: the slug cannot be used.
        NotNow: there is one of this slug, or there are twenty.
    """
    authorize(principal, "environment.manage")
    if not is_slug(slug):
        text = "a letter, then letters, digits and hyphens, at most 63"
        raise Malformed(f"{slug[:80]!r} cannot name an environment.", errors={"slug": [text]}, code="bad_slug")
    _lock(session, principal)
    places = _all(session, principal)
    if any(place.slug == slug for place in places):
        sentence = f"There is an environment {slug!r} already."
        raise NotNow(sentence, errors={"slug": ["taken in this workspace"]}, code="environment_exists")
    if len(places) >= ENVIRONMENTS_MAX:
        raise NotNow(f"A workspace has at most {ENVIRONMENTS_MAX} environments.", code="too_many_environments")
    position = len(places)
    if not is_production:  # The last one is what people look at first; that stays production.
        position = next((number for number, place in enumerate(places) if place.is_production), position)
    made = add_environment(session, principal.workspace_id, slug, clean_name(name), is_production, position=position)
    order = [place.id for place in places]
    order.insert(position, made)
    _put_in_order(session, order)
    audit.note(
        session, principal, "environment.created", "environment", made, {"slug": slug, "is_production": is_production}
    )
    return made


def change_environment(
    session: Session, principal: Principal, slug: str, *, name: str | None = None, is_production: bool | None = None
) -> None:
    """Rename an environment, or say whether it is production. Its slug stays: it stands in addresses and keys.

    Raises:
        NotFound: there is none of this slug here.
        NotNow: agents are live in it, so it stays production.
    """
    authorize(principal, "environment.manage")
    _lock(session, principal)
    row = _find(session, principal, slug)
    before = {"name": row.name, "is_production": row.is_production}
    if is_production is False and row.is_production:
        live = session.scalar(
            select(func.count()).select_from(LiveRevision).where(LiveRevision.environment_id == row.id)
        )
        if live:
            raise NotNow(
                f"{live} agents are live in {row.name}, so it stays production. Take them out of it first.",
                code="environment_is_live",
                extra={"live": live},
            )
    row.name = clean_name(name) if name is not None else row.name
    row.is_production = is_production if is_production is not None else row.is_production
    after = {"name": row.name, "is_production": row.is_production}
    if after == before:
        return
    session.flush()
    audit.note(session, principal, "environment.changed", "environment", row.id, {"before": before, **after})


def move_environment(session: Session, principal: Principal, slug: str, *, position: int) -> None:
    """Put an environment at a place of the list, counted from 0; the others make room.

    Raises:
        NotFound: there is none of this slug here.
    """
    authorize(principal, "environment.manage")
    _lock(session, principal)
    row = _find(session, principal, slug)
    before = [place.id for place in _all(session, principal)]
    order = [place for place in before if place != row.id]
    order.insert(max(0, min(position, len(order))), row.id)
    if order == before:
        return
    _put_in_order(session, order)
    audit.note(
        session, principal, "environment.moved", "environment", row.id, {"slug": slug, "position": order.index(row.id)}
    )


def delete_environment(session: Session, principal: Principal, slug: str) -> None:
    """Take an environment away that nothing was ever done in.

    Raises:
        NotFound: there is none of this slug here.
        NotNow: something is in it, or it is the last one.
    """
    authorize(principal, "environment.manage")
    _lock(session, principal)
    row = _find(session, principal, slug)
    if len(_all(session, principal)) == 1:
        raise NotNow("This is the last environment; a workspace has at least one.", code="last_environment")
    found = what_is_in(session, row.id)
    if found:
        words = contents_in_words(found)
        raise NotNow(
            f"{row.name} is not empty: it has {words}. What was done there stays on record, so it stays too.",
            code="environment_not_empty",
            extra={"has": found},
        )
    session.execute(delete(Environment).where(Environment.id == row.id))
    session.expunge(row)
    audit.note(session, principal, "environment.deleted", "environment", row.id, {"slug": slug})


def set_deploy_rules(
    session: Session,
    principal: Principal,
    environment: str,
    *,
    is_restricted: bool | None = None,
    is_four_eyes: bool | None = None,
) -> bool:
    """Say who may make a revision live in an environment (slug or id); return whether anything changed.

    Args:
        is_restricted: only administrators, and whoever holds the level deployer or admin on the agent.
        is_four_eyes: not whoever wrote the revision. None leaves a switch as it is.

    Raises:
        NotFound: this workspace has no such environment.
    """
    authorize(principal, "environment.manage")
    by = Environment.id == environment if environment.startswith("env_") else Environment.slug == environment
    wanted = select(Environment).where(Environment.workspace_id == principal.workspace_id, by).with_for_update()
    row = session.scalar(wanted.execution_options(populate_existing=True))
    if row is None:
        raise NotFound("There is no such environment in this workspace.")
    detail: dict[str, bool] = {}
    if is_restricted is not None and row.is_deploy_restricted != is_restricted:
        row.is_deploy_restricted = detail["is_deploy_restricted"] = is_restricted
    if is_four_eyes is not None and row.is_four_eyes != is_four_eyes:
        row.is_four_eyes = detail["is_four_eyes"] = is_four_eyes
    if not detail:
        return False
    session.flush()
    audit.note(
        session,
        principal,
        "environment.deploy_rules_changed",
        "environment",
        row.id,
        {"environment": row.slug, **detail},
    )
    return True


def what_is_in(session: Session, environment_id: str) -> dict[str, int]:
    """Return how many of what belong to an environment, each counted to 1,001: every table that names one is asked."""
    found: dict[str, int] = {}
    for table in Base.metadata.sorted_tables:
        if "environment_id" in table.c:
            some = select(literal(1)).select_from(table).where(table.c.environment_id == environment_id)
            count = session.scalar(select(func.count()).select_from(some.limit(_COUNT_MAX + 1).subquery()))
            if count:
                found[table.name.replace("_", " ")] = count
    return found


def contents_in_words(found: Mapping[str, int]) -> str:
    """Return the counts of `what_is_in` as a sentence says them."""
    return ", ".join(
        f"{name} {count:,}" if count <= _COUNT_MAX else f"{name} more than {_COUNT_MAX:,}"
        for name, count in found.items()
    )


def _find(session: Session, principal: Principal, slug: str) -> Environment:
    row = session.scalar(
        select(Environment)
        .where(Environment.workspace_id == principal.workspace_id, Environment.slug == slug)
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound(f"There is no environment {slug[:63]!r} in this workspace.")
    return row


def _all(session: Session, principal: Principal) -> list[Environment]:
    query = select(Environment).where(Environment.workspace_id == principal.workspace_id)
    order = query.order_by(Environment.position, Environment.is_production, Environment.slug)
    return list(session.scalars(order.execution_options(populate_existing=True)))


def _put_in_order(session: Session, ids: list[str]) -> None:
    for number, environment_id in enumerate(ids):
        session.execute(update(Environment).where(Environment.id == environment_id).values(position=number))


def _lock(session: Session, principal: Principal) -> None:
    # Two who make or move at once take turns.
    session.execute(select(Workspace.id).where(Workspace.id == principal.workspace_id).with_for_update())
