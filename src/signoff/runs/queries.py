"""The reads of runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from signoff.agents.revisions import revision_body
from signoff.kit import clock, ids
from signoff.kit.errors import NotFound
from signoff.kit.paging import Page, page_size
from signoff.people.access import Principal, authorize, reach
from signoff.runs.actions.cancel import may_do, run_for
from signoff.runs.filters import NO_REHEARSAL, RunFilter, conditions, visible
from signoff.runs.states import RUN_STATES, is_over
from signoff.runs.views import (
    EffectRow,
    EventRow,
    FailureCluster,
    LegRow,
    MessageRow,
    RunDetail,
    RunRow,
    StepDetail,
    StepRow,
)
from signoff.tables.keyset import newest_first
from signoff.tables.runs import Effect, Leg, Run, RunEvent, RunMessage, Step

__all__ = ["RunFilter"]

V = TypeVar("V", RunRow, StepRow, LegRow)
_MESSAGES_DEFAULT = 50
_EVENTS_MAX = 500
_STEPS_MAX = 5_000
_CLUSTERS_MAX = 50
_MEDIAN_OVER = 1_000


def _columns(view: type, table: Any) -> list[Any]:
    return [getattr(table, field.name) for field in fields(view)]


def _view(view: type[V], row: Any) -> V:
    return view(**{field.name: getattr(row, field.name) for field in fields(view)})


def runs_page(
    session: Session, viewer: Principal, wanted: RunFilter, cursor: str | None = None, size: int | None = None
) -> Page[RunRow]:
    """Return one page of runs, newest first."""
    authorize(viewer, "run.read")
    # First the ids, from indexes alone; then the rows of this one page.
    bounds = visible(viewer)
    filtered = conditions(wanted, viewer.workspace_id, is_all=len(bounds) == 1)
    statement = select(Run.id).where(*bounds, *filtered)
    page = newest_first(session, statement, Run.id, cursor=cursor, size=size)
    found = session.execute(select(*_columns(RunRow, Run)).where(Run.id.in_([row.id for row in page.rows])))
    rows = {row.id: _view(RunRow, row) for row in found}
    return Page([rows[row.id] for row in page.rows], page.next_cursor, page.previous_cursor)


def run(session: Session, viewer: Principal, run_id: str) -> RunDetail:
    """Return one run.

    Raises:
        NotFound: this viewer has no such run.
    """
    row = _run(session, viewer, run_id)
    legs = session.scalars(select(Leg).where(Leg.run_id == run_id).order_by(Leg.number)).all()
    effects = session.execute(_effects().where(Effect.run_id == run_id).order_by(Effect.intended_at).limit(500))
    may = may_do(session, viewer, row, "run.cancel")
    return RunDetail(
        run=_view(RunRow, row),
        workspace_id=row.workspace_id,
        input=row.input,
        output=row.output,
        input_key=row.input_key,
        legs=[_view(LegRow, leg) for leg in legs],
        effects=[EffectRow(*effect) for effect in effects],
        is_cost_estimated=is_over(row.state) and _has_estimate(session, run_id),
        can_cancel=may and not is_over(row.state) and not row.is_cancel_requested,
        can_acknowledge=may and row.needs_attention,
    )


def _run(session: Session, viewer: Principal, run_id: str) -> Run:
    return run_for(session, viewer, run_id, "run.read")


def _has_estimate(session: Session, run_id: str) -> bool:
    said = (Step.detail[name].as_boolean() for name in ("is_cost_estimated", "is_usage_estimated"))
    found = select(Step.id).where(Step.run_id == run_id, Step.kind == "model", or_(*said)).limit(1)
    return session.scalar(found) is not None


def steps(session: Session, viewer: Principal, run_id: str, *, after_seq: int = 0) -> list[StepRow]:
    """Return the steps of a run in their order, without bodies; at most 5,000 after `after_seq`."""
    _run(session, viewer, run_id)
    rows = session.execute(
        select(*_columns(StepRow, Step))
        .where(Step.run_id == run_id, Step.seq > after_seq)
        .order_by(Step.seq, Step.id)
        .limit(_STEPS_MAX)
    )
    return [_view(StepRow, row) for row in rows]


def step(
    session: Session,
    viewer: Principal,
    run_id: str,
    step_id: str,
    *,
    messages_from: int | None = None,
    messages_size: int = _MESSAGES_DEFAULT,
) -> StepDetail:
    """Return one step with its bodies. For a model call also what the model was shown: the instructions, and the last
    messages before it, or those from `messages_from` on.

    Raises:
        NotFound: this viewer has no such step.
    """
    of = _run(session, viewer, run_id)
    row = session.scalar(select(Step).where(Step.id == step_id, Step.run_id == run_id))
    if row is None:
        raise NotFound("There is no such step in this run.")
    shown = row.messages_before or 0
    size = page_size(messages_size)
    first = max(shown - size, 0) if messages_from is None else max(messages_from, 0)
    messages = _messages(session, run_id, first, min(first + size, shown))
    return StepDetail(
        step=_view(StepRow, row), request=row.request, response=row.response, detail=row.detail,
        instructions=revision_body(session, of.revision_id).sop if row.kind == "model" else None,
        messages_before=row.messages_before, messages=messages, messages_from=first,
    )  # fmt: skip


def _messages(session: Session, run_id: str, first: int, end: int) -> list[MessageRow]:
    rows = session.execute(
        select(RunMessage.seq, RunMessage.body)
        .where(RunMessage.run_id == run_id, RunMessage.seq >= first, RunMessage.seq < end)
        .order_by(RunMessage.seq)
    )
    return [MessageRow(row.seq, row.body) for row in rows]


def messages_page(
    session: Session, viewer: Principal, run_id: str, *, first: int = 0, size: int = _MESSAGES_DEFAULT
) -> list[MessageRow]:
    """Return messages of a run's conversation from number `first` on."""
    _run(session, viewer, run_id)
    return _messages(session, run_id, max(first, 0), max(first, 0) + page_size(size))


def events_after(
    session: Session, viewer: Principal, run_id: str, last_id: int = 0, limit: int = _EVENTS_MAX
) -> list[EventRow]:
    """Return what happened in a run after event `last_id`, oldest first."""
    _run(session, viewer, run_id)
    rows = session.execute(
        select(RunEvent.id, RunEvent.run_id, RunEvent.kind, RunEvent.data, RunEvent.at)
        .where(RunEvent.run_id == run_id, RunEvent.id > last_id)
        .order_by(RunEvent.id)
        .limit(min(limit, _EVENTS_MAX))
    )
    return [EventRow(*row) for row in rows]


def counts_by_state(
    session: Session, viewer: Principal, *, agent_id: str | None = None, since: datetime | None = None
) -> dict[str, int]:
    """Return how many runs are in each state; every state is there."""
    authorize(viewer, "run.read")
    bounds = visible(viewer)
    if agent_id:
        bounds.append(Run.agent_id == agent_id)
    if since:
        bounds.append(Run.id >= ids.first_at("run", since))
    rows = session.execute(select(Run.state, func.count()).where(*bounds).group_by(Run.state))
    return dict.fromkeys(RUN_STATES, 0) | {row[0]: row[1] for row in rows}


def attention_count(session: Session, viewer: Principal) -> int:
    """Return how many runs ask for a person's eyes."""
    authorize(viewer, "run.read")
    counted = select(func.count()).select_from(Run).where(*visible(viewer), Run.needs_attention.is_(True))
    return session.scalar(counted) or 0


def oldest_queued_seconds(session: Session, viewer: Principal | None = None) -> float:
    """Return how long the longest-waiting queued run has waited; 0 when none is. Without a viewer: of everybody, for
    the health of the whole product."""
    if viewer is not None:
        authorize(viewer, "run.read")
    bounds = visible(viewer) if viewer is not None else []
    oldest = session.scalar(select(Run.created_at).where(*bounds, Run.state == "queued").order_by(Run.id).limit(1))
    return 0.0 if oldest is None else max((clock.now() - oldest).total_seconds(), 0.0)


def failure_clusters(session: Session, viewer: Principal, since: datetime) -> list[FailureCluster]:
    """Return how runs failed since then, grouped by code and step, the most frequent first."""
    authorize(viewer, "run.read")
    groups = session.execute(
        select(
            Run.code, Run.failed_step, func.count().label("runs"), func.count(Run.agent_id.distinct()).label("agents"),
            func.max(Run.id).label("example"),
        )
        .where(*visible(viewer), Run.state == "failed", Run.id >= ids.first_at("run", since))
        .group_by(Run.code, Run.failed_step)
        .order_by(func.count().desc(), Run.code)
        .limit(_CLUSTERS_MAX)
    ).all()  # fmt: skip
    examples = {
        row.id: row
        for row in session.execute(
            select(Run.id, Run.reason, Run.created_at).where(Run.id.in_([group.example for group in groups]))
        )
    }
    return [
        FailureCluster(
            group.code or "unknown", group.failed_step, group.runs, group.agents,
            examples[group.example].created_at, group.example, examples[group.example].reason,
        )
        for group in groups
    ]  # fmt: skip


def _effects() -> Any:
    return select(
        Effect.key, Effect.run_id, Run.agent_slug, Run.title, Effect.connection_id, Effect.call_id, Effect.tool,
        Effect.effect, Effect.args, Effect.state, Effect.result, Effect.reason, Effect.intended_at, Effect.ended_at,
        Effect.settled_by_name, Effect.settlement,
    ).join(Run, Run.id == Effect.run_id)  # fmt: skip


def open_effects_page(
    session: Session, viewer: Principal, cursor: str | None = None, size: int | None = None
) -> Page[EffectRow]:
    """Return one page of acts whose outcome nobody knows, newest first."""
    authorize(viewer, "effect.read")
    statement = _effects().where(
        Effect.workspace_id == viewer.workspace_id, Effect.state == "unknown", *visible(viewer, "effect.read")
    )
    page = newest_first(session, statement, Effect.key, cursor=cursor, size=size)
    # The page's own sort key is the last column.
    return Page([EffectRow(*tuple(row)[:-1]) for row in page.rows], page.next_cursor, page.previous_cursor)


def open_effects_count(session: Session, viewer: Principal) -> int:
    """Return how many acts wait to be settled."""
    authorize(viewer, "effect.read")
    counted = (
        select(func.count())
        .select_from(Effect)
        .where(Effect.workspace_id == viewer.workspace_id, Effect.state == "unknown")
    )
    if viewer.environment_id or reach(viewer, "effect.read") != "all":  # Else every run of the workspace is seen.
        counted = counted.join(Run, Run.id == Effect.run_id).where(*visible(viewer, "effect.read"))
    return session.scalar(counted) or 0


def median_duration(
    session: Session, viewer: Principal, agent_id: str, *, since: datetime | None = None
) -> float | None:
    """Return the median seconds from start to end of an agent's completed runs, its last 1,000 at most."""
    authorize(viewer, "run.read")
    bounds = [*visible(viewer), Run.agent_id == agent_id, Run.state == "completed", NO_REHEARSAL]
    if since:
        bounds.append(Run.id >= ids.first_at("run", since))
    rows: Sequence[Any] = session.execute(
        select(Run.started_at, Run.ended_at).where(*bounds).order_by(Run.id.desc()).limit(_MEDIAN_OVER)
    ).all()
    seconds = sorted((row[1] - row[0]).total_seconds() for row in rows if row[0] is not None and row[1] is not None)
    return seconds[len(seconds) // 2] if seconds else None
