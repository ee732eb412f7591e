"""`signoff audit`: take the audit away, and check that nothing in it was changed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from signoff.cli.exits import FAILED, NOT_FOUND, OK, USAGE, Stop, say
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
    """Write the whole chain as JSON lines, oldest first; the last line signs the others. The audit says so."""
    from signoff.connections.audit_export import begin_export
    from signoff.connections.keys import load_keys
    from signoff.connections.vault import Vault
    from signoff.people import queries

    settings = settings_for(data)
    with store_for(settings) as store:
        here = workspace_for(store, workspace)
        with store.write() as session:
            taken = begin_export(session, operator(here), Vault(load_keys(settings)))
        out = to.open("wb") if to else sys.stdout.buffer
        try:
            with store.read() as session:
                while not taken.is_over:
                    out.write(taken.lines(queries.audit_after(session, operator(here), seq=taken.seq)))
            out.write(taken.last_line())
            out.flush()
        finally:
            if to:
                out.close()
    say(f"{taken.rows} rows, signed.")
    return OK


@app.command("verify-export")
def verify_export(
    file: Annotated[Path, typer.Argument(help="A file that `signoff audit export`, the page or the API gave.")],
    key: Annotated[
        str | None, typer.Option("--key", help="The public key, in base64; this installation's keys unless given.")
    ] = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Check a file's rows, links and signature; exit code 1, with the first line that does not hold."""
    from signoff.api.answers import plain
    from signoff.connections.audit_export import check_export

    keys = [key] if key else _own_keys(data)
    if not keys:
        raise Stop(USAGE, "This installation has never signed anything. Give the key: --key BASE64")
    if not file.is_file():
        raise Stop(NOT_FOUND, f"There is no file {file}.")
    with file.open("rb") as lines:
        found = check_export(iter(lines), keys)
    show(plain(found), as_json=as_json)
    return OK if found.is_good else FAILED


def _own_keys(data: Path | None) -> list[str]:
    from signoff.connections.signing import public_keys

    with store_for(settings_for(data)) as store, store.read() as session:
        return [found.public_key for found in public_keys(session)]
