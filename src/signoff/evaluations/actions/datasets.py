"""Making, changing and archiving datasets."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from signoff.agents.lookup import agent_for
from signoff.evaluations.limits import (
    DATASETS_MAX,
    DESCRIPTION_CHARS,
    TOLERANCE,
    checked_text,
    checked_tolerance,
)
from signoff.evaluations.lookup import dataset_for
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotNow
from signoff.kit.text import is_slug, slug_from
from signoff.people.access import Principal
from signoff.people.emails import clean_name
from signoff.record import audit
from signoff.tables.evaluations import Dataset


def create_dataset(
    session: Session,
    principal: Principal,
    agent: str,
    *,
    name: str,
    slug: str | None = None,
    description: str = "",
    is_golden: bool = False,
    tolerance: float = TOLERANCE,
) -> str:
    """Make an empty dataset of an agent; return its id.

    Args:
        is_golden: the gate asks whether a revision does as well on it as what serves.
        tolerance: how far a mean score, from 0 to 1, may lie below the one it is compared with.

    Raises:
        NotFound, NotAllowed: there is no such agent, or the caller may not edit its datasets.
        Malformed: a field does not fit.
        NotNow: there are as many as there may be, or one with this slug.
    """
    row = agent_for(session, principal, agent, "dataset.edit", lock=True)
    clean = clean_name(name)
    wanted = slug or slug_from(clean) or "dataset"
    if not is_slug(wanted):
        words = "must be lower-case letters, digits and dashes"
        raise Malformed(f"The slug {words}.", errors={"slug": [words]})
    taken = set(session.scalars(select(Dataset.slug).where(Dataset.agent_id == row.id)).all())
    number = session.scalar(
        select(func.count()).select_from(Dataset).where(Dataset.agent_id == row.id, Dataset.archived_at.is_(None))
    )
    if (number or 0) >= DATASETS_MAX:
        raise NotNow(f"The agent has {DATASETS_MAX} datasets. Archive one first.", code="datasets_max")
    if wanted in taken:
        raise NotNow(f"A dataset of this agent is called {wanted} already. Choose another slug.", code="slug_taken")
    made = Dataset(
        id=ids.new_id("dst"), workspace_id=row.workspace_id, agent_id=row.id, slug=wanted, name=clean,
        description=checked_text(description, "description", DESCRIPTION_CHARS), is_golden=is_golden, version=0,
        tolerance=checked_tolerance(tolerance), is_of_each_revision=False, made_by=principal.id,
        made_by_name=principal.name, made_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit.note(
        session, principal, "dataset.created", "dataset", made.id,
        {"agent": row.id, "slug": wanted, "is_golden": is_golden},
    )  # fmt: skip
    return made.id


def change_dataset(
    session: Session,
    principal: Principal,
    dataset_id: str,
    *,
    name: str | None = None,
    description: str | None = None,
    is_golden: bool | None = None,
    tolerance: float | None = None,
) -> None:
    """Change what is given; None leaves a thing as it is. The examples have verbs of their own.

    Raises:
        NotFound, NotAllowed, NotNow: there is none of that id, the caller may not, or it is archived.
        Malformed: a field does not fit.
    """
    row, _ = dataset_for(session, principal, dataset_id, "dataset.edit", lock=True)
    wanted: dict[str, Any] = {}
    if name is not None:
        wanted["name"] = clean_name(name)
    if description is not None:
        wanted["description"] = checked_text(description, "description", DESCRIPTION_CHARS)
    if is_golden is not None:
        wanted["is_golden"] = is_golden
    if tolerance is not None:
        wanted["tolerance"] = checked_tolerance(tolerance)
    changed = {field: value for field, value in wanted.items() if getattr(row, field) != value}
    if not changed:
        return
    for field, value in changed.items():
        setattr(row, field, value)
    session.flush()
    told = {field: value for field, value in changed.items() if field in ("is_golden", "tolerance")}
    audit.note(session, principal, "dataset.changed", "dataset", row.id, {"fields": sorted(changed), **told})


def archive_dataset(session: Session, principal: Principal, dataset_id: str) -> None:
    """Put a dataset away: nothing is evaluated on it any more, and what was stays readable. Twice is no error."""
    row, _ = dataset_for(session, principal, dataset_id, "dataset.edit")
    if row.archived_at is not None:
        return
    row.archived_at, row.next_at = clock.now(), None
    session.flush()
    audit.note(session, principal, "dataset.archived", "dataset", row.id, {"slug": row.slug})
