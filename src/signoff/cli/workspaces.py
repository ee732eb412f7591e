"""`signoff workspaces`: the tenants of this installation. Only the operator makes one."""

from __future__ import annotations

from typing import Annotated

import typer

from signoff.cli.exits import OK
from signoff.cli.local import settings_for, store_for
from signoff.cli.options import AsJson, DataDir
from signoff.cli.output import show

app = typer.Typer(no_args_is_help=True, help="Workspaces: tenants that see nothing of each other.")


@app.command("create")
def create(
    slug: Annotated[str, typer.Argument(help="A letter, then letters, digits and hyphens; stands in addresses.")],
    email: Annotated[str, typer.Option("--email", help="The address of its first owner.")],
    name: Annotated[str, typer.Option("--name", help="The owner's name, when they are new here.")] = "Owner",
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Make a workspace with staging, production and an owner. `signoff setup-link -w SLUG` lets the owner in."""
    from signoff.people.actions import found_workspace

    with store_for(settings_for(data)) as store, store.write() as session:
        made = found_workspace(session, slug=slug, name=slug.title(), owner_email=email, owner_name=name)
    show({"id": made.workspace_id, "slug": slug, "owner": email}, as_json=as_json)
    return OK


@app.command("list")
def list_workspaces(as_json: AsJson = False, data: DataDir = None) -> int:
    """List the workspaces."""
    from signoff.api.answers import plain
    from signoff.people import queries

    with store_for(settings_for(data)) as store, store.read() as session:
        show(plain(list(queries.all_workspaces(session))), as_json=as_json, columns=("id", "slug", "name"))
    return OK
