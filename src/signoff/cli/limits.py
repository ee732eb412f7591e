"""`signoff limits`: what agents, environments and the workspace may spend in a day, a week, a month."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from signoff.cli.exits import OK, USAGE, Stop, say
from signoff.cli.local import operator, settings_for, store_for, workspace_for
from signoff.cli.options import AsJson, DataDir, Workspace
from signoff.cli.output import show

if TYPE_CHECKING:
    from decimal import Decimal

app = typer.Typer(no_args_is_help=True, help="Limits of money.")
_COLUMNS = (
    "scope", "target", "period", "covers", "cap_usd", "spent_usd", "held_usd", "forecast_usd", "is_hard", "is_default",
)  # fmt: skip


@app.command("list")
def list_limits(
    agent: Annotated[str | None, typer.Option("--agent", help="Those of one agent.")] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """List the limits that hold, with what is spent of each."""
    from signoff.agents.lookup import agent_for
    from signoff.api.answers import plain
    from signoff.budgets.defaults import defaults_of
    from signoff.budgets.overview import limit_lines

    settings = settings_for(data)
    with store_for(settings) as store:
        here = operator(workspace_for(store, workspace))
        with store.read() as session:
            found = agent_for(session, here, agent, "agent.read").id if agent else None
            lines = plain(limit_lines(session, here, defaults_of(settings), agent=found))
    show(lines, as_json=as_json, columns=_COLUMNS)
    return OK


@app.command("set")
def set_limits(
    scope: Annotated[str, typer.Argument(help="workspace, environment or agent.")],
    target: Annotated[str | None, typer.Argument(help="Which agent or environment.")] = None,
    daily: Annotated[str | None, typer.Option("--daily", help="Dollars, or `none`.")] = None,
    weekly: Annotated[str | None, typer.Option("--weekly", help="Dollars, or `none`.")] = None,
    monthly: Annotated[str | None, typer.Option("--monthly", help="Dollars, or `none`.")] = None,
    covers: Annotated[str, typer.Option("--covers", help="all, production or test runs.")] = "all",
    alert: Annotated[int | None, typer.Option("--alert-percent", help="Tell people at so much of it.")] = None,
    is_hard: Annotated[bool | None, typer.Option("--hard/--soft", help="Refuse calls over it, or only tell.")] = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Set what may be spent. A day may not have more than its week, a week not more than its month."""
    from signoff.budgets import limits
    from signoff.budgets.defaults import defaults_of

    given = {"day": daily, "week": weekly, "month": monthly}
    caps: dict[Any, Decimal | None] = {period: _usd(text) for period, text in given.items() if text is not None}
    change = limits.Change(
        scope=cast("Any", scope),
        target=target,
        covers=cast("Any", covers),
        caps=caps,
        alert_percent=alert,
        is_hard=is_hard,
    )
    settings = settings_for(data)
    with store_for(settings) as store:
        here = operator(workspace_for(store, workspace))
        with store.write() as session:
            limits.set_limits(session, here, defaults_of(settings), change)
    say("The limit is set. It holds from the next model call on.")
    return OK


def _usd(text: str) -> Decimal | None:
    from decimal import Decimal, InvalidOperation

    try:
        return None if text == "none" else Decimal(text)
    except InvalidOperation:
        raise Stop(USAGE, "Write an amount of dollars, such as 25 or 0.15, or none.") from None
