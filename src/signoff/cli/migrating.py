"""`signoff migrate`: bring the database to this release's schema."""

from __future__ import annotations

from typing import Annotated

import typer

from signoff.cli.exits import FAILED, OK
from signoff.cli.local import settings_for
from signoff.cli.options import AsJson, DataDir
from signoff.cli.output import show


def migrate(
    check: Annotated[bool, typer.Option("--check", help="Only say whether it is needed; exit code 1 if so.")] = False,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Bring the database to this release's schema: every step or none. A second time does nothing."""
    from signoff.tables.migrate import migrate as bring
    from signoff.tables.migrate import schema_state
    from signoff.tables.session import open_engine

    url = settings_for(data).store_url
    if check:
        engine = open_engine(url)
        state = schema_state(engine)
        engine.dispose()
        show({"schema": state}, as_json=as_json)
        return OK if state == "current" else FAILED
    steps = bring(url)
    if as_json:
        show({"steps": steps}, as_json=True)
    elif not steps:
        print("The database is at this release's schema already.")
    else:
        print("\n".join(f"done  {step}" for step in steps))
    return OK
