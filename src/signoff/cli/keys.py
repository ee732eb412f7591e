"""`signoff keys`: API keys, by the operator."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from signoff.cli.exits import OK, say
from signoff.cli.local import operator, settings_for, store_for, workspace_for
from signoff.cli.options import AsJson, DataDir, Workspace
from signoff.cli.output import show

if TYPE_CHECKING:
    from signoff.people.facts import NewKey

app = typer.Typer(no_args_is_help=True, help="API keys.")

_KeyId = Annotated[str, typer.Argument(help="The key's id, from `signoff keys list`.")]


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    preset: Annotated[str, typer.Option("--preset", help="runner, builder, read-only, deployer or admin.")] = "runner",
    scope: Annotated[
        list[str] | None, typer.Option("--scope", help="Fewer actions than the preset; repeatable.")
    ] = None,
    environment: Annotated[str | None, typer.Option("--environment", help="Only for this environment.")] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, max=3650, help="Expires after so many days.")] = None,
    account: Annotated[
        str | None, typer.Option("--account", help="The service account it belongs to; `operator` unless said.")
    ] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Make a key. It is shown this once."""
    from signoff.kit import clock
    from signoff.people import actions

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.write() as session:
            made = actions.create_key(
                session,
                operator(here),
                name=name,
                preset=preset,
                scopes=scope,
                environment=environment,
                expires_at=clock.now() + timedelta(days=days) if days else None,
                service_account=account,
            )
    return _shown(made, as_json)


def _shown(made: NewKey, as_json: bool) -> int:
    show({"id": made.id, "key": made.key}, as_json=as_json)
    say("Keep the key now: it is not shown again.")
    return OK


@app.command("list")
def list_keys(workspace: Workspace = None, as_json: AsJson = False, data: DataDir = None) -> int:
    """List the keys: prefixes, never the keys themselves."""
    from signoff.api.answers import plain
    from signoff.people.key_queries import keys

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.read() as session:
            found = plain(list(keys(session, operator(here), size=200).rows))
    columns = ("id", "name", "owner_name", "prefix", "role", "environment", "state", "expires_at", "last_used_at")
    show(found, as_json=as_json, columns=columns)
    return OK


@app.command("revoke")
def revoke(key: _KeyId, workspace: Workspace = None, data: DataDir = None) -> int:
    """End a key, from the next request on."""
    from signoff.people import actions

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.write() as session:
            actions.revoke_key(session, operator(here), key)
    say("Revoked.")
    return OK


@app.command("rotate")
def rotate(
    key: _KeyId,
    overlap: Annotated[
        float, typer.Option("--overlap-hours", min=0, max=24, help="So long the old secret stays good too.")
    ] = 0,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Give a key a new secret. The old one stops working at once, unless an overlap is asked for."""
    from signoff.people import actions

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.write() as session:
            made = actions.rotate_key(session, operator(here), key, overlap_seconds=round(overlap * 3600))
    return _shown(made, as_json)
