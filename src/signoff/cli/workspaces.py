"""`signoff workspaces`: the tenants of this installation. Only the operator makes one."""

from __future__ import annotations

from typing import Annotated

import typer

from signoff.cli.exits import NOT_FOUND, OK, Stop, say
from signoff.cli.local import operator, operator_name, settings_for, store_for, workspace_for
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


@app.command("suspend")
def suspend(
    slug: Annotated[str, typer.Argument(help="The workspace.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; its members read it.")],
    data: DataDir = None,
) -> int:
    """Shut a workspace: sign-in and keys are refused, no run starts, and those going stop at their next call."""
    from signoff.people.actions import suspend_workspace

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, slug)
        with store.write() as session:
            suspend_workspace(session, operator(here), slug, reason=reason)
    say(f"{slug} is suspended.")
    return OK


@app.command("resume")
def resume(
    slug: Annotated[str, typer.Argument(help="The workspace.")],
    data: DataDir = None,
) -> int:
    """Open a suspended workspace again."""
    from signoff.people.actions import resume_workspace

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, slug)
        with store.write() as session:
            resume_workspace(session, operator(here), slug)
    say(f"{slug} works again.")
    return OK


@app.command("administrator")
def administrator(
    email: Annotated[str, typer.Option("--email", help="The address of a person who is a member somewhere.")],
    is_removed: Annotated[bool, typer.Option("--remove", help="Take the mark away.")] = False,
    data: DataDir = None,
) -> int:
    """Let a person make, suspend and resume workspaces; they see names and counts, never what is inside."""
    from signoff.people import queries
    from signoff.people.actions import set_instance_administrator
    from signoff.record.actor import Actor

    with store_for(settings_for(data)) as store, store.write() as session:
        found = queries.stored_password(session, email)
        if found is None:
            raise Stop(NOT_FOUND, f"Nobody here has the address {email}.")
        by = Actor("system", "system", operator_name())
        set_instance_administrator(session, by, person_id=found[0], is_on=not is_removed)
    say(f"{email} is {'no longer ' if is_removed else ''}an instance administrator.")
    return OK
