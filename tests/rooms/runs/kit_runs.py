"""A workspace with a live agent, and runs in any state."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from signoff.kit import clock, ids
from signoff.tables.approvals import Approval
from signoff.tables.runs import Effect, Leg, Run
from signoff.tables.session import Store
from tests.engine.kit_engine import House


def run_row(at: House, number: int = 0, *, moment: datetime | None = None, **values: Any) -> Run:
    """A row as `request_run` leaves it, with `values` on top. Higher numbers are newer."""
    created = (moment or clock.now() - timedelta(days=1)) + timedelta(milliseconds=number)
    run_id = f"{ids.first_at('run', created)}{number:016d}"
    row: dict[str, Any] = {
        "id": run_id, "workspace_id": at.workspace_id, "environment_id": at.environment_id, "agent_id": at.agent_id,
        "revision_id": values.pop("revision_id", ""), "agent_slug": "clerk", "agent_name": "Clerk",
        "revision_number": 1, "state": "queued", "origin": "production", "source": "manual", "mode": "live",
        "requested_by": "mem_x", "requested_by_name": "X", "title": f"Run {number}",
        "search_text": f"run {number} {run_id} clerk no{number}e", "input": {"n": number}, "output": None,
        "created_at": created,
        **values,
    }  # fmt: skip
    return Run(**row)


def put(store: Store, *rows: Run | Effect | Leg | Approval) -> list[Any]:
    """Store rows as they are."""
    with store.write() as session:
        session.add_all(rows)
    return list(rows)


def revision_of(store: Store, at: House) -> str:
    """The id of the agent's live revision."""
    from sqlalchemy import select

    from signoff.tables.agents import Revision

    with store.read() as session:
        return session.scalars(select(Revision.id).where(Revision.agent_id == at.agent_id)).one()


def effect_row(at: House, run: Run, call_id: str, **values: Any) -> Effect:
    """An act of a run whose outcome nobody knows."""
    row: dict[str, Any] = {
        "key": f"{run.id}:{call_id}", "workspace_id": at.workspace_id, "run_id": run.id,
        "connection_id": at.connection_id, "call_id": call_id, "tool": "erp.post", "effect": "write", "args": {"n": 1},
        "args_hash": "x", "state": "unknown", "result": None, "intended_at": clock.now(), **values,
    }  # fmt: skip
    return Effect(**row)
