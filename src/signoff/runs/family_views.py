"""The family of a run, as its page and the API tell it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.people.access import Principal
from signoff.runs.actions.cancel import run_for
from signoff.runs.family import Family, Kin, family_of
from signoff.runs.filters import visible
from signoff.runs.views import FamilyRow, FamilyView
from signoff.tables.runs import Run


def family(session: Session, viewer: Principal, run_id: str) -> FamilyView:
    """Return the family of a run: those of its runs that the viewer may see. Its cost is of all of them.

    Raises:
        NotFound: this viewer has no such run.
    """
    run = run_for(session, viewer, run_id, "run.read")
    found = family_of(session, run.root_run_id or run.id)
    ids = select(Run.id).where(*visible(viewer), Run.id.in_(list(found.runs)))
    seen = set(session.scalars(ids)) | {run.id}
    root = found.runs[found.root_id]
    rows = [_row(found, kin) for kin in (root, *found.below(root.id)) if kin.id in seen]
    failed = sum(kin.state == "failed" for kin in found.runs.values())
    return FamilyView(root.id, rows, found.cost_usd(root.id), failed)


def _row(found: Family, kin: Kin) -> FamilyRow:
    return FamilyRow(
        kin.id, kin.parent_run_id, kin.depth, kin.agent_slug, kin.agent_name, kin.revision_number, kin.state,
        kin.waiting_for, kin.reason, kin.title, kin.cost_usd, found.cost_usd(kin.id), kin.tokens, found.tokens(kin.id),
        kin.started_at, kin.ended_at,
    )  # fmt: skip
