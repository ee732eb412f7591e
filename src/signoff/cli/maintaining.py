"""`signoff maintenance`: nothing is changed and nothing begins in the whole installation, until it is over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from signoff.cli.exits import OK, say
from signoff.cli.local import operator_name, settings_for, store_for
from signoff.cli.options import AsJson, DataDir
from signoff.cli.output import show

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from signoff.record.actor import Actor

app = typer.Typer(no_args_is_help=True, help="Stop all changes for maintenance; reads go on, queued runs wait.")


@app.command("on")
def on(
    reason: Annotated[str, typer.Option("--reason", help="Why; whoever is refused reads it.")],
    minutes: Annotated[
        int | None, typer.Option("--minutes", min=1, help="It ends by itself after so long; left out: with `off`.")
    ] = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Refuse every change with 503 and begin no run. What runs comes to its end; `status` says how much still does."""
    from signoff.freezes.maintenance import begin

    with store_for(settings_for(data)) as store:
        with store.write() as session:
            begin(session, _operator(), reason=reason, minutes=minutes)
        with store.read() as session:
            told = _told(session)
    show(told, as_json=as_json)
    say("Every process knows within a second. These commands, on the machine itself, are not held.")
    return OK


@app.command("off")
def off(data: DataDir = None) -> int:
    """Let everything go on. Nothing that waited is lost."""
    from signoff.freezes.maintenance import end

    with store_for(settings_for(data)) as store, store.write() as session:
        end(session, _operator())
    say("Maintenance is over. Every process knows within a second.")
    return OK


@app.command("status")
def status(as_json: AsJson = False, data: DataDir = None) -> int:
    """Say whether maintenance stands, and how many runs are still at work, and wait."""
    with store_for(settings_for(data)) as store, store.read() as session:
        told = _told(session)
    show(told, as_json=as_json)
    return OK


def _operator() -> Actor:
    from signoff.record.actor import Actor

    return Actor("system", "system", operator_name())


def _told(session: Session) -> dict[str, Any]:
    from signoff.api.answers import plain
    from signoff.freezes.maintenance import standing
    from signoff.runs.totals import totals_by_state

    found = standing(session)
    counts = totals_by_state(session)
    told: dict[str, Any] = {"maintenance": "off" if found is None else "on"}
    if found is not None:
        told |= {"reason": found.reason, "by": found.ordered_by_name}
        told |= {"since": plain(found.started_at), "until": plain(found.until)}
    return told | {"running": counts["running"], "queued": counts["queued"], "waiting": counts["waiting"]}
