"""`signoff agents`: who answers for an agent, handing it over, pausing and stopping it, by the operator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from signoff.cli.exits import NOT_FOUND, OK, Stop, say
from signoff.cli.local import operator, settings_for, store_for, workspace_for
from signoff.cli.options import AsJson, DataDir, Key, Url, Workspace
from signoff.cli.output import show

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

app = typer.Typer(no_args_is_help=True, help="Who answers for agents; pausing and stopping them.")

_Agent = Annotated[str, typer.Argument(help="The agent, by its name in addresses.")]


@app.command("owners")
def owners(
    agent: _Agent, workspace: Workspace = None, as_json: AsJson = False, data: DataDir = None
) -> int:  # fmt: skip
    """Show who answers for an agent, whether they accepted, and what is missing."""
    from signoff.agents.ownership import ownership_of
    from signoff.api.answers import plain

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.read() as session:
            found = plain(ownership_of(session, operator(here), agent))
    if as_json:
        show(found, as_json=True)
        return OK
    show(found["owners"], as_json=False, columns=("kind", "name", "email", "state", "asked_by_name", "answered_at"))
    for gap in found["gaps"]:
        say(gap)
    return OK


@app.command("ask-owner")
def ask(
    agent: _Agent,
    kind: Annotated[str, typer.Argument(help="build, operations, approver, backup or escalation.")],
    email: Annotated[str, typer.Argument(help="Whom to ask: a member's address.")],
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Put a member on a seat of an agent, and ask them to accept."""
    from signoff.agents.actions import ask_owner

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.write() as session:
            member = _member(session, here.id, email)
            ask_owner(session, operator(here), agent, kind=kind, member_id=member)
    say(f"{email} is asked, and finds it on their Home page.")
    return OK


@app.command("hand-over")
def hand_over(
    agent: _Agent,
    to: Annotated[str, typer.Option("--to", help="To whom: a member's address.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit.")],
    giver: Annotated[str | None, typer.Option("--from", help="From whom; the build owner unless said.")] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Hand an agent over: every seat of one member to another."""
    from signoff.agents.actions import start_handover

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.write() as session:
            made = start_handover(
                session, operator(here), agent, to_member_id=_member(session, here.id, to), reason=reason,
                from_member_id=_member(session, here.id, giver) if giver else None,
            )  # fmt: skip
    show({"id": made, "agent": agent, "to": to}, as_json=as_json)
    return OK


def _member(session: Session, workspace_id: str, email: str) -> str:
    from signoff.agents.owners import members_by_email

    found = members_by_email(session, workspace_id, [email]).get(email.strip().lower())
    if found is None:
        raise Stop(NOT_FOUND, f"Nobody with the address {email} is an active member of this workspace.")
    return found


@app.command("pause")
def pause(
    agent: _Agent,
    reason: Annotated[str, typer.Option("--reason", help="Why; whoever wonders reads it.")],
    until: Annotated[
        datetime | None, typer.Option("--until", formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"], help="In UTC.")
    ] = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Let nothing new of an agent start. What runs goes on, what is queued waits."""
    from signoff.agents.actions import pause_agent

    with store_for(settings_for(data)) as store:
        here = operator(workspace_for(store, workspace))
        with store.write() as session:
            pause_agent(session, here, agent, reason=reason, until=until.replace(tzinfo=UTC) if until else None)
    say(f"{agent} is paused.")
    return OK


@app.command("resume")
def resume(agent: _Agent, workspace: Workspace = None, data: DataDir = None) -> int:
    """End a pause. What was queued meanwhile starts."""
    from signoff.agents.actions import resume_agent

    with store_for(settings_for(data)) as store:
        here = operator(workspace_for(store, workspace))
        with store.write() as session:
            resume_agent(session, here, agent)
    say(f"{agent} is resumed.")
    return OK


@app.command("retire")
def retire(
    agent: _Agent,
    revision: Annotated[str, typer.Argument(help="The revision's number or id.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept in the audit.")],
    undo: Annotated[bool, typer.Option("--undo", help="Take it back.")] = False,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Let nothing begin under a revision any more; runs under way finish."""
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            at = f"{remote.here}/agents/{agent}/revisions/{revision}"
            remote.ask("POST", f"{at}:{'reinstate' if undo else 'retire'}", body={"reason": reason})
    else:
        from signoff.deployments.retiring import reinstate_revision, retire_revision

        act = reinstate_revision if undo else retire_revision
        with store_for(settings_for(data)) as store:
            here = operator(workspace_for(store, workspace))
            with store.write() as session:
                act(session, here, agent, revision, reason=reason)
    say(f"Revision {revision} of {agent} {'may be released again' if undo else 'has retired'}.")
    return OK


@app.command("stop")
def stop(
    agent: _Agent,
    reason: Annotated[str, typer.Option("--reason", help="Why; stands on each run.")],
    with_pause: Annotated[bool, typer.Option("--pause/--no-pause", help="Pause it too.")] = True,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; else only say what would be stopped.")] = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Cancel everything of an agent that is running, waiting and queued. A worker carries it out."""
    from signoff.api.answers import plain
    from signoff.runs.actions import stop_agent
    from signoff.runs.stops import open_runs, stop_order

    with store_for(settings_for(data)) as store:
        here = operator(workspace_for(store, workspace))
        if not yes:
            with store.read() as session:
                found = open_runs(session, here, agent)
            say(f"It would stop {found.running} running, {found.waiting} waiting and {found.queued} queued. Add --yes.")
            return OK
        with store.write() as session:
            order = stop_agent(session, here, agent, reason=reason, with_pause=with_pause)
        with store.read() as session:
            show(plain(stop_order(session, here, order)), as_json=as_json)
    return OK
