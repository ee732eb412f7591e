"""`signoff migrate`: bring the database to this release's schema."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signoff.cli.exits import FAILED, OK, say
from signoff.cli.local import settings_for
from signoff.cli.options import AsJson, DataDir
from signoff.cli.output import show


def migrate(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing: say what would be done; exit code 1 unless it is nothing.")
    ] = False,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Bring the database to this release's schema: every step or none. A second time does nothing."""
    from signoff.app.waiting import wait_for_databases
    from signoff.tables.migrate import migrate as bring

    settings = settings_for(data)
    url = settings.store_url
    if check:
        return _check(url, as_json)
    wait_for_databases(settings, say=say)
    steps = bring(url)
    if as_json:
        show({"steps": steps}, as_json=True)
    elif not steps:
        print("The database is at this release's schema already.")
    else:
        print("\n".join(f"done  {step}" for step in steps))
    return OK


def _check(url: str, as_json: bool) -> int:
    from signoff.tables.migrate import all_steps, pending
    from signoff.tables.schema import USABLE, newer_sentence, schema_state
    from signoff.tables.session import open_engine

    is_missing = url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists()
    if is_missing:  # Opening it would make the file.
        state, steps = "empty", all_steps()
    else:
        engine = open_engine(url)
        try:
            state, steps = schema_state(engine), pending(engine)
        finally:
            engine.dispose()
    if as_json:
        show({"schema": state, "pending": len(steps), "steps": steps}, as_json=True)
    elif state == "newer":
        print(newer_sentence())
    elif state in USABLE:
        print("Nothing is pending." if state == "current" else "Nothing is pending: a later release made this schema.")
    else:
        print(f"{len(steps)} pending (the database is {state}). Run: signoff migrate")
        print("\n".join(f"pending  {step}" for step in steps))
    return OK if state in USABLE else FAILED
