"""The facts of a run, written once: in the transaction that ends it, by one statement that reads the run and what it
asked people.

They are kept apart from runs, so that whatever compares or watches reads narrow rows and no run. `watch/signals.py`
reads them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Float,
    Table,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    literal,
    not_,
    null,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session

from signoff.tables.approvals import Approval
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Run
from signoff.tables.signals import Signal

_runs = cast("Table", Run.__table__)
_approvals = cast("Table", Approval.__table__)
_signals = cast("Table", Signal.__table__)

# A run that failed with one of these did not go wrong: somebody said no or nothing, or switched off what it needed.
# What ends in `_budget_exceeded` ran out of money, which its cost tells.
NO_ERROR = (
    "denied", "approval_expired", "cancelled", "run_is_over", "agent_disabled", "workspace_suspended",
    "connection_disabled", "connection_disconnected",
)  # fmt: skip
OUT_OF_MONEY = "_budget_exceeded"
KIND_CHARS_MAX = 200


def is_error_code(code: str | None) -> bool:
    """Return whether a run that failed with this code went wrong; the same as `is_error` of its signal."""
    return code not in NO_ERROR and not (code or "").endswith(OUT_OF_MONEY)


def _is_error() -> ColumnElement[bool]:
    code = func.coalesce(_runs.c.code, "")
    # Spelled out, because a list for `in` cannot be prepared.
    is_none = or_(*(code == one for one in NO_ERROR), code.endswith(OUT_OF_MONEY, autoescape=True))
    return and_(_runs.c.state == "failed", not_(is_none))


def _asked(*more: ColumnElement[bool]) -> Any:
    of_run = (_approvals.c.run_id == _runs.c.id, _approvals.c.kind == "approval")
    return select(func.count()).select_from(_approvals).where(*of_run, *more).scalar_subquery()


def _seconds(dialect: str) -> ColumnElement[float]:
    """From the first leg's start to the end, waiting included; of what never started, none."""
    start, end = _runs.c.started_at, _runs.c.ended_at
    if dialect == "postgresql":
        took: Any = type_coerce(func.extract("epoch", end - start), Float)
    else:
        took = (func.julianday(end) - func.julianday(start)) * 86_400.0
    return case((or_(start.is_(None), took < 0), 0.0), else_=took)


def _class_of_task(dialect: str) -> ColumnElement[str | None]:
    """What the run itself says it was: the text `class` of its structured output; nothing is guessed where there is
    none. An output has that form because the revision's schema declares it."""
    if dialect == "postgresql":
        is_text: Any = func.jsonb_typeof(func.jsonb_extract_path(_runs.c.output, "class")) == "string"
        said: Any = func.jsonb_extract_path_text(_runs.c.output, "class")
    else:
        is_text = func.json_type(_runs.c.output, "$.class") == "text"
        said = func.json_extract(_runs.c.output, "$.class")
    is_said = and_(_runs.c.state == "completed", is_text, said != "")
    return case((is_said, func.substr(said, 1, KIND_CHARS_MAX)), else_=null())


def _writing(dialect: str, of_runs: ColumnElement[bool]) -> Any:
    values: dict[str, Any] = {
        "run_id": _runs.c.id, "workspace_id": _runs.c.workspace_id, "agent_id": _runs.c.agent_id,
        "environment_id": _runs.c.environment_id, "revision_id": _runs.c.revision_id,
        "release_id": _runs.c.release_id, "variant": func.coalesce(_runs.c.variant, "live"),
        "source": _runs.c.source, "origin": _runs.c.origin, "mode": _runs.c.mode, "status": _runs.c.state,
        "code": _runs.c.code, "is_error": _is_error(),
        "needed_input": exists(select(literal(1)).where(_approvals.c.run_id == _runs.c.id)),
        "cost_usd": _runs.c.cost_usd, "tokens": _runs.c.tokens_in + _runs.c.tokens_out,
        "duration_seconds": _seconds(dialect), "tool_calls": _runs.c.tool_calls,
        "kind": _class_of_task(dialect),
        "approvals_asked": _asked(), "approvals_denied": _asked(_approvals.c.state == "denied"),
        "ended_at": _runs.c.ended_at,
    }  # fmt: skip
    rows = select(*(value.label(name) for name, value in values.items())).where(of_runs)
    return insert(_signals).from_select(list(values), rows, include_defaults=False)


def _of_one(dialect: str) -> Any:
    return _writing(dialect, _runs.c.id == bindparam("of_run"))


_WRITE = Prepared({dialect: _of_one(dialect) for dialect in ("sqlite", "postgresql")})


def write_signal(session: Session, run_id: str) -> None:
    """Write the facts of a run that has just ended. Called where a run ends, and nowhere else."""
    _WRITE.run(session, {"of_run": run_id})


def write_signals(session: Session, run_ids: Sequence[str]) -> None:
    """`write_signal` for many, in one statement."""
    session.execute(_writing(session.get_bind().dialect.name, _runs.c.id.in_(run_ids)))


def recount(session: Session, run_id: str) -> None:
    """Take up what was spent on a run and booked only after it ended: calls that were cut off."""
    spent = (_runs.c.cost_usd, _runs.c.tokens_in + _runs.c.tokens_out)
    cost, tokens = (select(one).where(_runs.c.id == run_id).scalar_subquery() for one in spent)
    session.execute(update(_signals).where(_signals.c.run_id == run_id).values(cost_usd=cost, tokens=tokens))
