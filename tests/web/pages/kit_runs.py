"""Runs with a history, as the engine and the gateways leave them: legs, steps, messages, acts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.record import trace
from signoff.tables.runs import Effect, Leg, Run, RunMessage, Step
from tests.web import seed as seeding
from tests.web.seed import Seeded

ALLOWED = [{"policy": name, "kind": "allow", "reason": ""} for name in ("revocation", "grant", "budget", "loop")]
UNKNOWN = "Nobody knows whether erp.post_bill was carried out: the connection closed before it answered."


def history(session: Session, run_id: str, *, models: int = 2, tool: str = "erp.post_bill") -> list[str]:
    """A leg with `models` model calls and a tool call after each but the last. Returns the ids of the steps."""
    run = session.get_one(Run, run_id)
    start = run.started_at or run.created_at
    session.add(
        Leg(
            run_id=run_id, number=1, workspace_id=run.workspace_id, state="completed" if run.ended_at else "running",
            worker="w1", holds=[], started_at=start, ended_at=run.ended_at,
        )
    )  # fmt: skip
    say(session, run, {"kind": "request", "parts": [{"part_kind": "user-prompt", "content": '{"message_id": "m1"}'}]})
    made: list[str] = []
    for number in range(1, models + 1):
        is_last = number == models
        name = "final_result" if is_last else tool.replace(".", "_")
        args = {"action": "posted", "reason": "All lines match."} if is_last else {"order": "PO-88120", "amount": 412.5}
        answer = {
            "kind": "response",
            "parts": [
                {"part_kind": "text", "content": f"Turn {number}: **matching** the lines."},
                {"part_kind": "tool-call", "tool_name": name, "args": args, "tool_call_id": f"c{number}"},
            ],
        }
        made.append(model_step(session, run, f"m:1:{number}", answer, before=2 * number - 1))
        say(session, run, answer)
        if not is_last:
            made.append(tool_step(session, run, f"c{number}", tool, args))
            returned = {"part_kind": "tool-return", "tool_name": name, "content": {"bill": "B-1"}, "outcome": "success"}
            say(session, run, {"kind": "request", "parts": [returned]})
    spread(session, run_id)
    return made


def say(session: Session, run: Run, body: dict[str, Any]) -> None:
    """One message of the conversation."""
    count = session.query(RunMessage).filter_by(run_id=run.id).count()
    session.add(
        RunMessage(run_id=run.id, seq=count, workspace_id=run.workspace_id, leg=1, body=body, created_at=clock.now())
    )
    session.flush()


def begin_model(session: Session, run: Run, key: str, before: int = 1) -> str:
    """A model call that is under way."""
    return trace.begin_step(
        session, workspace_id=run.workspace_id, run_id=run.id, leg=run.leg, key=key, kind="model", name="openai:gpt-5",
        model="openai:gpt-5", messages_before=before,
        request={"turn": 1, "models": ["openai:gpt-5"], "settings": {"max_tokens": 2000}, "tools": ["erp_post_bill"]},
    )  # fmt: skip


def model_step(session: Session, run: Run, key: str, answer: Any, before: int = 1, **more: Any) -> str:
    """A model call that is over."""
    step_id = begin_model(session, run, key, before)
    given: dict[str, Any] = {
        "state": "completed", "response": answer, "verdicts": ALLOWED, "model": "openai:gpt-5", "tokens_in": 812,
        "cost_usd": Decimal("0.0042"), "tokens_out": 96,
        "detail": {"attempts": [{"provider": "openai", "model": "openai:gpt-5", "seconds": 0.9}]},
    }  # fmt: skip
    trace.end_step(session, run_id=run.id, key=key, **{**given, **more})
    return step_id


def tool_step(session: Session, run: Run, call_id: str, tool: str, args: Any, **more: Any) -> str:
    """A tool call that is over."""
    slot, name = tool.split(".")
    key = f"{run.id}:{call_id}"
    step_id = trace.begin_step(
        session, workspace_id=run.workspace_id, run_id=run.id, leg=run.leg, key=key, kind="tool", name=tool,
        effect="write", request={"slot": slot, "tool": name, "args": args}, detail={"turn": 1},
    )  # fmt: skip
    given: dict[str, Any] = {
        "state": "completed", "response": {"bill": "B-1", "status": "posted"}, "verdicts": ALLOWED,
        "detail": {"attempts": [{"seconds": 0.2}]},
    }  # fmt: skip
    trace.end_step(session, run_id=run.id, key=key, **{**given, **more})
    return step_id


def spread(session: Session, run_id: str) -> None:
    """Put the steps one after the other, so that the waterfall has a shape."""
    run = session.get_one(Run, run_id)
    moment = (run.started_at or run.created_at) + timedelta(milliseconds=90)
    for step in session.query(Step).filter_by(run_id=run_id).order_by(Step.seq):
        took = timedelta(milliseconds=2_300 if step.kind == "model" else 640)
        step.started_at = moment
        if step.ended_at:
            step.ended_at = moment + took
        moment += took + timedelta(milliseconds=60)
    session.flush()


def unknown_effect(
    session: Session, seeded: Seeded, title: str = "Invoice RE-2026-119", **more: Any
) -> tuple[str, str]:
    """A run that waits because nobody knows whether its act happened. Returns the run's id and the act's key."""
    run_id = seeding.run(
        session, seeded, seeded.agents["supplier-mail"], title, "waiting", waiting_for="reconciliation",
        code="needs_reconciliation", reason="Nobody knows whether 1 call happened. Look there, then say what is true.",
        **more,
    )  # fmt: skip
    run = session.get_one(Run, run_id)
    args = {"order": "PO-88120", "amount": 412.5, "invoice": "RE-2026-119", "token": "{{secret.ERP_TOKEN}}"}
    asks = {"part_kind": "tool-call", "tool_name": "erp_post_bill", "args": args, "tool_call_id": "c1"}
    say(session, run, {"kind": "request", "parts": [{"part_kind": "user-prompt", "content": "Handle RE-2026-119"}]})
    model_step(session, run, "m:1:1", {"kind": "response", "parts": [asks]})
    tool_step(
        session,
        run,
        "c1",
        "erp.post_bill",
        args,
        state="waiting",
        code="outcome_unknown",
        reason=UNKNOWN,
        response=None,
    )
    key = f"{run_id}:c1"
    moment = (run.started_at or run.created_at) + timedelta(seconds=3)
    session.add(
        Effect(
            key=key, workspace_id=run.workspace_id, run_id=run_id,
            connection_id=seeded.connections["production/erp"], call_id="c1", tool="erp.post_bill", effect="write",
            args=args, args_hash="x", state="unknown", result=None, reason="the connection closed before it answered.",
            intended_at=moment, ended_at=moment,
        )
    )  # fmt: skip
    session.add(
        Leg(run_id=run_id, number=1, workspace_id=run.workspace_id, state="waiting", worker="w1", holds=["c1"],
            started_at=run.started_at, ended_at=moment)
    )  # fmt: skip
    session.flush()
    spread(session, run_id)
    return run_id, key
