"""`signoff setup-link` and `signoff people`: the way in, before anybody has a password and after something is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from signoff.cli.exits import NOT_FOUND, OK, USAGE, Stop
from signoff.cli.local import operator, settings_for, store_for, workspace_for
from signoff.cli.options import AsJson, DataDir, Workspace
from signoff.cli.output import show

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from signoff.people.access import Principal
    from signoff.people.facts import MemberFacts


app = typer.Typer(no_args_is_help=True, help="The people of a workspace.")


@app.callback()
def people() -> None:
    """Help people who cannot come in."""


@app.command("reset-second-factor")
def reset_second_factor(
    email: Annotated[str, typer.Option("--email", help="Whose.")],
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Take somebody's second factor away, when app and recovery codes are lost. Make sure that it is them who asks.

    Their sessions end everywhere, and the audit names who did it. Their password stays.
    """
    from signoff.people.actions import reset_second_factor as reset

    settings = settings_for(data)
    with store_for(settings) as store:
        here = workspace_for(store, workspace)
        with store.write() as session:
            caller = operator(here)
            member = _member(session, caller, email)
            reset(session, caller, member.id)
    show({"email": member.email, "second_factor": "off"}, as_json=as_json)
    return OK


def setup_link(
    email: Annotated[str | None, typer.Option("--email", help="Whose link; the first owner's unless said.")] = None,
    name: Annotated[str, typer.Option("--name", help="The owner's name, for a new workspace.")] = "Owner",
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Print a one-time link that signs in and sets a password. Makes the workspace when there is none."""
    from signoff.people import queries
    from signoff.people.actions import create_setup_link, found_workspace, set_instance_administrator
    from signoff.record.actor import SYSTEM

    settings = settings_for(data)
    with store_for(settings) as store:
        with store.write() as session:
            if not queries.is_anyone_here(session):
                if email is None:
                    raise Stop(
                        USAGE, "Nobody is here yet. Say who the owner is: signoff setup-link --email you@example.com"
                    )
                slug = workspace or "main"
                made = found_workspace(session, slug=slug, name=slug.title(), owner_email=email, owner_name=name)
                # Whoever sets the installation up administers it; `signoff workspaces administrator` changes that.
                set_instance_administrator(session, SYSTEM, person_id=made.person_id, is_on=True)
        here = workspace_for(store, workspace)
        with store.write() as session:
            caller = operator(here)
            member = _member(session, caller, email)
            token = create_setup_link(
                session,
                caller,
                member_id=member.id,
                purpose="first_run",
                lifetime_seconds=settings.setup_link_seconds,
            )
    link = f"{settings.address}/setup/{token}"
    show({"link": link, "email": member.email, "expires_in_seconds": settings.setup_link_seconds}, as_json=as_json)
    return OK


def _member(session: Session, caller: Principal, email: str | None) -> MemberFacts:
    from signoff.people import queries

    cursor: str | None = None
    found: list[MemberFacts] = []
    while True:
        page = queries.members(session, caller, cursor=cursor, size=200)
        found += page.rows
        cursor = page.next_cursor
        if cursor is None:
            break
    if email is None:
        return next(member for member in reversed(found) if member.role == "owner")
    for member in found:
        if member.email == email.strip().lower():
            return member
    raise Stop(NOT_FOUND, f"Nobody in this workspace has the address {email!r}.")
