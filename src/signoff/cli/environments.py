"""`signoff environments`: where agents run, each with connections, secrets and a budget of its own."""

from __future__ import annotations

from typing import Annotated

import typer

from signoff.cli.exits import OK, USAGE, Stop, say
from signoff.cli.local import operator, settings_for, store_for, workspace_for
from signoff.cli.options import AsJson, DataDir, Workspace
from signoff.cli.output import show

app = typer.Typer(no_args_is_help=True, help="Environments of a workspace.")
_Slug = Annotated[str, typer.Argument(help="The environment.")]


@app.command("list")
def list_environments(workspace: Workspace = None, as_json: AsJson = False, data: DataDir = None) -> int:
    """List the environments in their order."""
    from signoff.api.answers import plain
    from signoff.people import queries

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.read() as session:
            found = plain(queries.environments(session, operator(here)))
    show(found, as_json=as_json, columns=("slug", "name", "is_production", "position", "daily_cap_usd"))
    return OK


@app.command("create")
def create(
    slug: _Slug,
    name: Annotated[str | None, typer.Option("--name", help="What people read; the slug unless said.")] = None,
    is_production: Annotated[bool, typer.Option("--production", help="It is production.")] = False,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Make an environment with nothing in it."""
    from signoff.people.actions import create_environment

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.write() as session:
            create_environment(
                session, operator(here), slug=slug, name=name or slug.title(), is_production=is_production
            )
    say(f"{slug} is made.")
    return OK


@app.command("change")
def change(
    slug: _Slug,
    name: Annotated[str | None, typer.Option("--name", help="What people read.")] = None,
    position: Annotated[int | None, typer.Option("--position", min=0, help="Its place in lists, from 0.")] = None,
    is_production: Annotated[bool | None, typer.Option("--production/--not-production")] = None,
    cap: Annotated[str | None, typer.Option("--daily-cap", help="Dollars a day, or `none`.")] = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Rename it, move it, mark it as production, cap what may be spent in it each day."""
    from decimal import Decimal, InvalidOperation

    from signoff.budgets.caps import set_environment_cap
    from signoff.people.actions import change_environment, move_environment

    try:
        cap_usd = Decimal(cap) if cap not in (None, "none") else None
    except InvalidOperation:
        raise Stop(USAGE, "Write an amount of dollars, such as 25 or 0.15, or none.") from None
    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.write() as session:
            change_environment(session, operator(here), slug, name=name, is_production=is_production)
            if position is not None:
                move_environment(session, operator(here), slug, position=position)
            if cap is not None:
                set_environment_cap(session, operator(here), slug, cap_usd=cap_usd)
    say(f"{slug} is changed.")
    return OK


@app.command("delete")
def delete(slug: _Slug, workspace: Workspace = None, data: DataDir = None) -> int:
    """Take an environment away that nothing was ever done in."""
    from signoff.people.actions import delete_environment

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.write() as session:
            delete_environment(session, operator(here), slug)
    say(f"{slug} is gone.")
    return OK
