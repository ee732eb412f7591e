"""Telling people that a limit is near, and that it is reached: each once in a day, week or month.

Whoever adds to a pot holds its row, sees how much is in it now and how much people are told at next; the one who passes
that moves it on, in the same transaction. So of any number of calls at once exactly one tells.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.budgets import statements
from signoff.budgets.states import Covers, Scope, parsed
from signoff.budgets.windows import Period, span_at
from signoff.kit import clock, money
from signoff.record.alarms import ask_for_alert, ask_to_resolve
from signoff.tables.agents import Agent
from signoff.tables.people import Environment, Workspace

NEAR, USED_UP = "budget_near", "budget_used_up"
_WORDS: dict[Covers, str] = {"all": "", "production": " on real work", "test": " on test runs"}
_SPANS: dict[Period, str] = {"day": "today", "week": "this week", "month": "this month"}


def tell_if_due(session: Session, pot: str, row: Any) -> None:
    """Tell people when what is spent has passed what they are told at. `row` is the pot's, just changed and held."""
    if row.warn_usd is None or row.cap_usd is None or row.spent_usd < row.warn_usd:
        return
    is_used_up = row.spent_usd >= row.cap_usd
    is_first = row.warn_usd < row.cap_usd
    statements.WARN_NEXT.run(session, {"of_pot": pot, "warn": None if is_used_up else row.cap_usd})
    about = parsed(pot)
    if about is None:
        return
    if is_first:
        _tell(session, pot, about, row, NEAR)
    if is_used_up:
        _tell(session, pot, about, row, USED_UP)


def forget(session: Session, workspace_id: str, pot: str) -> None:
    """Resolve what was told of a pot: its limit is another one now."""
    for kind in (NEAR, USED_UP):
        ask_to_resolve(session, workspace_id, key=_key(kind, pot))


def _tell(session: Session, pot: str, about: tuple[Scope, str, Period, Covers], row: Any, kind: str) -> None:
    scope, target_id, period, covers = about
    spent, cap = money.as_text(row.spent_usd), money.as_text(row.cap_usd)
    words = f"{_name(session, scope, target_id)} spent ${spent} of ${cap}{_WORDS[covers]} {_SPANS[period]}."
    then = "What bounds it is used up: raise the limit, or wait." if kind == USED_UP else "Look at what spends it."
    detail = {"scope": scope, "target": target_id, "period": period, "covers": covers, "spent_usd": spent,
              "cap_usd": cap, "percent": int(row.spent_usd * 100 / row.cap_usd)}  # fmt: skip
    ask_for_alert(session, row.workspace_id, key=_key(kind, pot), kind=kind, text=f"{words} {then}", detail=detail,
                  agent_id=target_id if scope == "agent" else None)  # fmt: skip
    zone = session.scalar(select(Workspace.time_zone).where(Workspace.id == row.workspace_id)) or "UTC"
    end = span_at(period, zone, clock.now()).end
    ask_to_resolve(session, row.workspace_id, key=_key(kind, pot), due_at=end)


def _key(kind: str, pot: str) -> str:
    return f"{kind}:{pot}"


def _name(session: Session, scope: Scope, target_id: str) -> str:
    if scope == "workspace":
        return "The workspace"
    if scope == "environment":
        return f"The environment {session.scalar(select(Environment.name).where(Environment.id == target_id))}"
    return str(session.scalar(select(Agent.name).where(Agent.id == target_id)) or "An agent")
