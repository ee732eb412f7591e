"""`signoff audit`: take the audit away, and check that nothing in it was changed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from signoff.cli.exits import FAILED, OK, say
from signoff.cli.local import operator, settings_for, store_for, workspace_for
from signoff.cli.options import AsJson, DataDir, Workspace
from signoff.cli.output import show

app = typer.Typer(no_args_is_help=True, help="The audit.")


@app.command("verify")
def verify(workspace: Workspace = None, as_json: AsJson = False, data: DataDir = None) -> int:
    """Walk the chain; exit code 1, with the first row that does not hold, when something was changed."""
    from signoff.api.answers import plain
    from signoff.record import audit as chain

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.read() as session:
            found = chain.verify(session, here.id)
    show(plain(found), as_json=as_json)
    return OK if found.first_broken_seq is None else FAILED


@app.command("export")
def export(
    to: Annotated[Path | None, typer.Option("--to", help="A file; standard output unless said.")] = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Write the whole chain as JSON lines, oldest first."""
    import json

    from signoff.api.answers import plain
    from signoff.people import queries

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        out = to.open("w", encoding="utf-8") if to else sys.stdout
        count = 0
        try:
            with store.read() as session:
                while rows := queries.audit_after(session, operator(here), seq=count):
                    out.writelines(json.dumps(plain(row), ensure_ascii=False) + "\n" for row in rows)
                    count = rows[-1].seq
        finally:
            if to:
                out.close()
    say(f"{count} rows.")
    return OK
