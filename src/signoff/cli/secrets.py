"""`signoff secrets`: secrets, by the operator on the machine, and the keys behind them."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from signoff.cli.exits import NOT_FOUND, OK, USAGE, Stop, say
from signoff.cli.local import operator, settings_for, store_for, workspace_for
from signoff.cli.options import AsJson, DataDir, Workspace
from signoff.cli.output import show

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy.orm import Session

    from signoff.connections.vault import Vault
    from signoff.people.access import Principal

app = typer.Typer(no_args_is_help=True, help="Secrets, and the keys that encrypt them.")

_Secret = Annotated[str, typer.Argument(help="The secret's id or its name.")]
_Environment = Annotated[
    str | None, typer.Option("--environment", help="The environment, when several have a secret of this name.")
]
_Agent = Annotated[str, typer.Argument(help="The agent, by its name in addresses.")]
_Reason = Annotated[str, typer.Option("--reason", help="Why; needed for secrets of high sensitivity.")]


@app.command("list")
def list_secrets(
    environment: _Environment = None, workspace: Workspace = None, as_json: AsJson = False, data: DataDir = None
) -> int:
    """List the secrets: names, places and dates, never values."""
    from signoff.api.answers import plain
    from signoff.connections.secrets.queries import secrets_page

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.read() as session:
            found = plain(list(secrets_page(session, operator(here), environment=environment, size=200).rows))
    columns = ("id", "name", "environment_slug", "connection_slug", "version", "source", "sensitivity", "expires_at")
    show(found, as_json=as_json, columns=columns)
    return OK


@app.command("versions")
def versions(
    secret: _Secret,
    environment: _Environment = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """List the versions of a secret: who entered each, when and why."""
    from signoff.api.answers import plain
    from signoff.connections.secrets.queries import versions_of

    with _at(secret, environment, workspace, data, is_writing=False) as (session, who, secret_id, _):
        found = plain(list(versions_of(session, who, secret_id)))
    columns = ("version", "state", "source", "created_at", "created_by_name", "reason")
    show(found, as_json=as_json, columns=columns)
    return OK


@app.command("rotate")
def rotate(
    secret: _Secret,
    reference: Annotated[
        str | None, typer.Option("--reference", help="Where an outside store has it, instead of a value.")
    ] = None,
    reason: _Reason = "",
    environment: _Environment = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Put a new value, read from standard input, in place of the old. The next call uses it."""
    from signoff.connections.secrets import replace_secret

    value = None if reference else _value()
    with _at(secret, environment, workspace, data) as (session, who, secret_id, vault):
        number = replace_secret(session, who, vault, secret_id, value=value, reference=reference, reason=reason)
    say(f"Version {number} is in use.")
    return OK


@app.command("restore")
def restore(
    secret: _Secret,
    version: Annotated[int, typer.Argument(min=1, help="The version whose value comes back.")],
    reason: _Reason = "",
    environment: _Environment = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Make a new version with the value of an older one."""
    from signoff.connections.secrets import restore_secret

    with _at(secret, environment, workspace, data) as (session, who, secret_id, vault):
        number = restore_secret(session, who, vault, secret_id, version=version, reason=reason)
    say(f"Version {number} is in use; its value is that of version {version}.")
    return OK


@app.command("grant")
def grant(
    secret: _Secret,
    agent: _Agent,
    reason: _Reason = "",
    environment: _Environment = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Let an agent use a secret. Its revision has to list it too."""
    from signoff.connections.secrets import grant_secret

    with _at(secret, environment, workspace, data) as (session, who, secret_id, _):
        grant_secret(session, who, secret_id, agent, reason=reason)
    say("Granted.")
    return OK


@app.command("withdraw")
def withdraw(
    secret: _Secret,
    agent: _Agent,
    reason: _Reason = "",
    environment: _Environment = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Take a secret from an agent, from its next call on."""
    from signoff.connections.secrets import withdraw_secret

    with _at(secret, environment, workspace, data) as (session, who, secret_id, _):
        withdraw_secret(session, who, secret_id, agent, reason=reason)
    say("Withdrawn.")
    return OK


@app.command("expiring")
def expiring(
    days: Annotated[int, typer.Option("--days", min=0, max=3650, help="How far ahead to look.")] = 30,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """List the secrets that run out soon, or have."""
    from signoff.api.answers import plain
    from signoff.connections.secrets.queries import expiring_secrets

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.read() as session:
            found = plain(list(expiring_secrets(session, operator(here), within_days=days, size=200).rows))
    show(found, as_json=as_json, columns=("name", "environment_slug", "expires_at", "owner_name", "id"))
    return OK


@app.command("rotate-key")
def rotate_key(
    with_new_keys: Annotated[
        bool,
        typer.Option("--with-new-keys", help="Also make new keys for the workspaces and encrypt every value anew."),
    ] = False,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Encrypt with the current master key what an older one still holds. Runs go on meanwhile.

    First put the new key into SIGNOFF_SECRET_KEY (or its file) and the old one into SIGNOFF_OLD_SECRET_KEYS, on every
    process; then run this; then take the old one out. It can be stopped and run again.
    """
    from signoff.connections.secrets import Vault, rotate_master_key
    from signoff.kit.sealing import Sealer
    from signoff.people.actions import seal_second_factors_anew
    from signoff.people.actions.providers import seal_client_secrets_anew

    settings = settings_for(data)
    vault = Vault.build(settings)
    keys = values = 0
    with store_for(settings) as store:
        for done in rotate_master_key(store, vault, with_new_keys=with_new_keys):
            keys, values = done.keys, done.values
            say(f"{keys} keys and {values} values done, {done.left} left")
        with store.write() as session:
            values += seal_second_factors_anew(session, Sealer(vault.keys))
        with store.write() as session:
            values += seal_client_secrets_anew(session, Sealer(vault.keys))
    show(
        {"encrypted_anew": keys + values, "keys": keys, "values": values, "key": vault.keys.current.id},
        as_json=as_json,
    )
    return OK


@app.command("wrap-key")
def wrap_key(data: DataDir = None) -> int:
    """Make a new master key and print it wrapped by the operator's key service, for SIGNOFF_SECRET_KEY_WRAPPED."""
    from signoff.connections.keys import wrapped_new_key

    print(wrapped_new_key(settings_for(data)))
    say("Only the key service can open it. Put it into SIGNOFF_SECRET_KEY_WRAPPED on every process.")
    return OK


def _value() -> str:
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass("The new value (not shown): ")
    value = sys.stdin.read(100_000)
    if not value.strip():
        raise Stop(USAGE, "Give the value on standard input, such as: signoff secrets rotate ERP_TOKEN < token.txt")
    return value


@contextmanager
def _at(
    secret: str, environment: str | None, workspace: str | None, data: Path | None, *, is_writing: bool = True
) -> Generator[tuple[Session, Principal, str, Vault]]:
    """Give a session, the operator, the secret's id and the vault."""
    from signoff.connections.secrets import Vault

    settings = settings_for(data)
    with store_for(settings) as store:
        here = workspace_for(store, workspace)
        with store.write() if is_writing else store.read() as session:
            who = operator(here)
            yield session, who, _found(session, who, secret, environment), Vault.build(settings)


def _found(session: Session, who: Principal, secret: str, environment: str | None) -> str:
    from signoff.connections.secrets.queries import secrets_called

    found = secrets_called(session, who, secret, environment=environment)
    if not found:
        raise Stop(NOT_FOUND, f"There is no secret {secret[:80]!r}.")
    if len(found) > 1:
        places = ", ".join(row.environment_slug for row in found)
        raise Stop(USAGE, f"Several environments have a secret of this name ({places}). Say which: --environment NAME")
    return found[0].id
