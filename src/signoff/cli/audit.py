"""`signoff audit`: take the audit away, and check that nothing in it was changed."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import typer

from signoff.cli.exits import FAILED, NOT_FOUND, OK, USAGE, Stop, say
from signoff.cli.local import operator, settings_for, store_for, workspace_for
from signoff.cli.options import AsJson, DataDir, Workspace
from signoff.cli.output import show

app = typer.Typer(no_args_is_help=True, help="The audit.")


Key = Annotated[
    str | None, typer.Option("--key", help="The public key, in base64; this installation's keys unless given.")
]


@contextmanager
def _out(to: Path | None, mode: Literal["ab", "wb"]) -> Generator[BinaryIO]:
    """Open where a command writes to, before the audit says that anything was taken away."""
    if to is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        out = to.open(mode)
    except OSError as error:
        raise Stop(USAGE, f"{to} cannot be written: {error.strerror}. Nothing was taken; name another file.") from None
    with out:
        yield out


@app.command("verify")
def verify(
    against: Annotated[
        Path | None,
        typer.Option("--against", help="A file of checkpoints, or an export, that was kept elsewhere."),
    ] = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Walk the chain; exit code 1, with the first row that does not hold, when something was changed.

    With --against also when rows were cut off the end, or all of it was written anew, since the file was kept.
    """
    from signoff.api.answers import plain
    from signoff.connections.audit_checkpoint import compare, kept_in
    from signoff.record import audit as chain

    keys = [key] if key else _own_keys(data)
    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        kept = kept_in(_lines_of(against), keys, here.id) if against else []
        with store.read() as session:
            found = compare(session, here.id, kept, chain.verify(session, here.id))
    show(plain(found), as_json=as_json)
    return OK if found.first_broken_seq is None else FAILED


@app.command("checkpoint")
def checkpoint(
    to: Annotated[
        Path | None, typer.Option("--to", help="A file to add the line to; standard output unless said.")
    ] = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Write one signed line that names the last row. Keep it elsewhere: `verify --against` compares."""
    from signoff.connections.audit_checkpoint import checkpoint_line
    from signoff.connections.keys import load_keys
    from signoff.connections.signing import signer_for
    from signoff.connections.vault import Vault

    settings = settings_for(data)
    with store_for(settings) as store, _out(to, "ab") as out:
        here = workspace_for(store, workspace)
        with store.write() as session:
            line = checkpoint_line(session, operator(here), signer_for(session, Vault(load_keys(settings))))
        out.write(line)
    return OK


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
    with store_for(settings) as store, _out(to, "wb") as out:
        here = workspace_for(store, workspace)
        with store.write() as session:
            taken = begin_export(session, operator(here), Vault(load_keys(settings)))
        with store.read() as session:
            while not taken.is_over:
                out.write(taken.lines(queries.audit_after(session, operator(here), seq=taken.seq)))
        out.write(taken.last_line())
    say(f"{taken.rows} rows, signed.")
    return OK


@app.command("verify-export")
def verify_export(
    file: Annotated[Path, typer.Argument(help="A file that `signoff audit export`, the page or the API gave.")],
    key: Key = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Check a file's rows, links and signature; exit code 1, with the first line that does not hold."""
    from signoff.api.answers import plain
    from signoff.connections.audit_export import check_export

    keys = [key] if key else _own_keys(data)
    if not keys:
        raise Stop(USAGE, "This installation has never signed anything. Give the key: --key BASE64")
    found = check_export(_lines_of(file), keys)
    show(plain(found), as_json=as_json)
    return OK if found.is_good else FAILED


def _lines_of(file: Path) -> Iterator[bytes]:
    """Read a file line by line; closed when the last one is read."""
    if not file.is_file():
        raise Stop(NOT_FOUND, f"There is no file {file}.")
    with file.open("rb") as lines:
        yield from lines


def _own_keys(data: Path | None) -> list[str]:
    from signoff.connections.signing import public_keys

    with store_for(settings_for(data)) as store, store.read() as session:
        return [found.public_key for found in public_keys(session)]
