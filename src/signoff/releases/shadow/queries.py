"""The reads of pairs: the list people judge from, one pair whole, and how far they agree."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from signoff.kit.errors import NotFound
from signoff.kit.intervals import Share, share_of
from signoff.kit.paging import Page
from signoff.people.access import Principal
from signoff.releases.shadow.progress import shadow_days
from signoff.releases.shadow.rights import release_for
from signoff.tables.keyset import newest_first
from signoff.tables.releases import ShadowPair
from signoff.tables.runs import Run

PairState = Literal["asked", "running", "compared", "skipped"]


@dataclass(frozen=True, slots=True)
class PairFilter:
    """Which pairs to show; None means all."""

    state: PairState | None = None
    is_equal: bool | None = None
    is_judged: bool | None = None


@dataclass(frozen=True, slots=True)
class PairRow:
    """One pair in a list. `run_id` is the run that was answered; `named`: what differs, in a few words."""

    release_id: str
    run_id: str
    shadow_run_id: str | None
    title: str
    state: str
    reason: str | None
    is_equal: bool | None
    named: tuple[str, ...]
    cost_usd: Decimal
    made_at: datetime
    compared_at: datetime | None
    judgement: str | None
    judged_by_name: str | None
    judged_at: datetime | None


@dataclass(frozen=True, slots=True)
class PairDetail:
    """One pair whole: what was asked, what was answered, what the candidate would have answered, what differs."""

    row: PairRow
    differences: dict[str, Any]
    input: Any
    output: Any
    shadow_state: str | None
    shadow_output: Any
    may_judge: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """How the candidate compares with what was answered, counted. `agrees`: as good or better, of what was judged."""

    days: int
    compared: int
    skipped: int
    better: int
    same: int
    worse: int
    equal: Share
    agrees: Share


def pairs_page(
    session: Session,
    viewer: Principal,
    release_id: str,
    wanted: PairFilter | None = None,
    *,
    cursor: str | None = None,
    size: int | None = None,
) -> Page[PairRow]:
    """Return one page of a release's pairs, newest first.

    Raises:
        NotFound, NotAllowed: the viewer has no such release, or may not see what its agent's runs answered.
    """
    release = release_for(session, viewer, release_id, "run.read")
    statement = _rows().where(ShadowPair.release_id == release.id, *_conditions(wanted or PairFilter()))
    page = newest_first(session, statement, ShadowPair.run_id, cursor=cursor, size=size)
    return Page([_row(row) for row in page.rows], page.next_cursor, page.previous_cursor)


def pair(session: Session, viewer: Principal, release_id: str, run_id: str) -> PairDetail:
    """Return one pair, by the run that was answered.

    Raises:
        NotFound: this viewer has no such pair.
    """
    release = release_for(session, viewer, release_id, "run.read")
    shadow = aliased(Run)
    found = session.execute(
        _rows()
        .outerjoin(shadow, shadow.id == ShadowPair.shadow_run_id)
        .add_columns(Run.input, Run.output, shadow.state.label("shadow_state"), shadow.output.label("shadow_output"))
        .where(ShadowPair.release_id == release.id, ShadowPair.run_id == run_id)
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such pair in this release.")
    mine = found.judged_by in (None, viewer.id)
    return PairDetail(
        _row(found), found.differences, found.input, found.output, found.shadow_state, found.shadow_output,
        may_judge=found.state == "compared" and mine,
    )  # fmt: skip


def agreement(session: Session, viewer: Principal, release_id: str) -> Agreement:
    """Return what was compared and judged so far, with intervals at 95 %."""
    release = release_for(session, viewer, release_id, "run.read")
    groups = session.execute(
        select(ShadowPair.state, ShadowPair.is_equal, ShadowPair.judgement, func.count())
        .where(ShadowPair.release_id == release.id)
        .group_by(ShadowPair.state, ShadowPair.is_equal, ShadowPair.judgement)
    ).all()

    def count(**wanted: Any) -> int:
        names = ("state", "is_equal", "judgement")
        return sum(row[3] for row in groups if all(row[names.index(name)] == value for name, value in wanted.items()))

    compared, better, same = count(state="compared"), count(judgement="better"), count(judgement="same")
    worse = count(judgement="worse")
    return Agreement(
        shadow_days(session, release.id), compared, count(state="skipped"), better, same, worse,
        share_of(count(state="compared", is_equal=True), compared), share_of(better + same, better + same + worse),
    )  # fmt: skip


def _rows() -> Any:
    # What differs is read whole: it is bounded, and a page has few rows.
    names = (field.name for field in fields(PairRow) if field.name not in ("title", "named"))
    columns = [getattr(ShadowPair, name) for name in names]
    return select(*columns, ShadowPair.differences, ShadowPair.judged_by, Run.title).join(
        Run, Run.id == ShadowPair.run_id
    )


def _row(found: Any) -> PairRow:
    values = {field.name: getattr(found, field.name) for field in fields(PairRow) if field.name != "named"}
    return PairRow(**values, named=tuple(found.differences.get("named") or ()))


def _conditions(wanted: PairFilter) -> list[Any]:
    found: list[Any] = []
    if wanted.state is not None:
        found.append(ShadowPair.state == wanted.state)
    if wanted.is_equal is not None:
        found.append(ShadowPair.is_equal.is_(wanted.is_equal))
    if wanted.is_judged is not None:
        found.append(ShadowPair.judged_by.is_not(None) if wanted.is_judged else ShadowPair.judged_by.is_(None))
    return found
