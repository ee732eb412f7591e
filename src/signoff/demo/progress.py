"""What the terminal shows while the demo's runs go on, and when they are over."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.kit.text import on_terminal
from signoff.runs.states import RUN_STATES, is_over
from signoff.tables.runs import Run
from signoff.tables.session import Store

_POLL_SECONDS = 0.5
# A terminal that is a file gets a line when something changed, and not more often than this.
_LINE_SECONDS = 5.0
_CHUNK = 500
_TABLE_ROWS = 200


@dataclass(frozen=True, slots=True)
class Played:
    """One message's run, as far as the summary needs it."""

    id: str
    title: str
    state: str
    waiting_for: str | None
    reason: str | None
    output: dict[str, Any]
    cost_usd: Decimal
    is_price_unknown: bool
    is_scripted: bool

    @property
    def is_settled(self) -> bool:
        """Return whether nothing will happen to it by itself: it is over, or it waits for a person."""
        return is_over(self.state) or self.state == "waiting"


def played(session: Session, run_ids: Sequence[str]) -> list[Played]:
    """Return these runs, in the order of the ids."""
    found: dict[str, Played] = {}
    for start in range(0, len(run_ids), _CHUNK):
        rows = session.execute(
            select(
                Run.id,
                Run.title,
                Run.state,
                Run.waiting_for,
                Run.reason,
                Run.output,
                Run.cost_usd,
                Run.is_price_unknown,
                Run.is_scripted,
            ).where(Run.id.in_(run_ids[start : start + _CHUNK]))
        )
        for row in rows:
            output = _object(row.output)
            found[row.id] = Played(
                row.id,
                row.title,
                row.state,
                row.waiting_for,
                row.reason,
                output,
                row.cost_usd,
                row.is_price_unknown,
                row.is_scripted,
            )
    return [found[run_id] for run_id in run_ids if run_id in found]


def _object(value: Any) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


async def watch(store: Store, run_ids: Sequence[str], console: Console) -> list[Played]:
    """Show how many runs are in which state until nothing more will happen by itself; return them all."""
    shown, shown_at = "", clock.monotonic_seconds() - _LINE_SECONDS
    runs = await store.read_async(played, run_ids)
    with console.status("Working ...") as status:
        while not all(run.is_settled for run in runs):
            line = counts_line(runs)
            status.update(line)
            is_due = clock.monotonic_seconds() - shown_at >= _LINE_SECONDS
            if not console.is_terminal and line != shown and is_due:
                console.print(line)
                shown, shown_at = line, clock.monotonic_seconds()
            await asyncio.sleep(_POLL_SECONDS)
            runs = await store.read_async(played, run_ids)
    return runs


def said(text: str) -> str:
    """Return what a message says as the console prints it: no markup, and nothing that a terminal would obey."""
    return escape(on_terminal(text))


def counts_line(runs: Sequence[Played]) -> str:
    """Return "12 completed, 3 running, 1 queued", in the order of a run's life."""
    counts = Counter(run.state for run in runs)
    named = [f"{counts[state]} {state}" for state in reversed(RUN_STATES) if counts[state]]
    return f"{len(runs)} messages: {', '.join(named)}" if named else "No messages."


def show(console: Console, runs: Sequence[Played]) -> None:
    """Print one line for each message, then the sums."""
    table = Table(title="What the agent did", title_justify="left")
    for heading in ("Message", "Class", "Action", "Cost"):
        table.add_column(heading, overflow="ellipsis", no_wrap=heading != "Message")
    for run in runs[:_TABLE_ROWS]:
        table.add_row(said(run.title), _class(run), said(_action(run)), _cost(run))
    console.print(table)
    if len(runs) > _TABLE_ROWS:
        console.print(f"... and {len(runs) - _TABLE_ROWS} more; the product lists them all.")
    console.print(counts_line(runs))
    for run in runs:
        if run.state != "completed" or run.output.get("classification") == "unreadable":
            words = run.reason or run.output.get("reason") or f"waits for {run.waiting_for}"
            what = "could not be read" if run.state == "completed" else run.state
            console.print(f"  {said(run.title)}: {what}. {said(str(words))}", soft_wrap=True)
    _show_cost(console, runs)


def _show_cost(console: Console, runs: Sequence[Played]) -> None:
    total = sum((run.cost_usd for run in runs), Decimal(0))
    unknown = sum(run.is_price_unknown for run in runs)
    remark = f"; the price of {unknown} runs is unknown" if unknown else ""
    console.print(f"Cost: ${total:.4f}{remark}.")
    if any(run.is_scripted for run in runs):
        console.print(
            "Driven by the offline scripted model: no provider was called, its price is made up.", soft_wrap=True
        )


def _class(run: Played) -> str:
    return said(str(run.output.get("classification", "-")).replace("_", " "))


def _action(run: Played) -> str:
    action = str(run.output.get("action", "")).replace("_", " ")
    if run.state == "waiting":
        return f"waits for {run.waiting_for}"
    return action or run.state


def _cost(run: Played) -> str:
    return "unknown" if run.is_price_unknown else f"${run.cost_usd:.4f}"
