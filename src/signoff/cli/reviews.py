"""`signoff reviews`: how agents are followed once they serve: the first week, and looking back."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from signoff.cli.exits import OK, say
from signoff.cli.local import operator, read_here, settings_for, store_for, workspace_for
from signoff.cli.options import AsJson, DataDir, Key, Url, Workspace
from signoff.cli.output import show

app = typer.Typer(no_args_is_help=True, help="The first week of an agent in production, and its reviews.")

_Id = Annotated[str, typer.Argument(metavar="REVIEW", help="The review's id.")]
_COLUMNS = ("id", "agent_slug", "environment", "kind", "assigned_to_name", "due_at", "is_overdue", "done_by_name")
_DAYS = ("day", "verdict", "runs", "good_days", "reading", "read_by_name")


@app.command("week")
def week(
    agent: Annotated[str, typer.Argument(help="The agent, by its name in addresses.")],
    environment: Annotated[str, typer.Option("--environment", "-e", help="Where.")] = "production",
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Show the first week of an agent, day by day, and when it is reviewed next."""
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            path = f"{remote.here}/agents/{agent}/follow-up"
            found = remote.ask("GET", path, query={"environment": environment})
    else:
        from signoff.api.answers import plain
        from signoff.releases.follow_up.queries import follow_up

        found = plain(read_here(follow_up, workspace, data, agent, environment))
    if as_json:
        show(found, as_json=True)
        return OK
    show(found["days"], as_json=False, columns=_DAYS)
    say(f"{found['state'].replace('_', ' ')}: {found['good_days']} of {found['good_days_wanted']} good days in a row.")
    return OK


@app.command("list")
def list_(
    agent: Annotated[str | None, typer.Option("--agent", help="Only of this agent.")] = None,
    is_open: Annotated[bool | None, typer.Option("--open/--done", help="Only what is to be done, or is done.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only what is assigned to the key's member.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 30,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """List reviews, newest first."""
    if url:
        from signoff.cli.remote import Remote

        asked: dict[str, Any] = {"agent": agent, "open": is_open, "mine": mine or None, "size": limit}
        given = {name: value for name, value in asked.items() if value is not None}
        with Remote(url, key) as remote:
            rows = remote.ask("GET", f"{remote.here}/reviews", query=given)["items"]
    else:
        from signoff.api.answers import plain
        from signoff.releases.follow_up.queries import reviews_page

        page = read_here(reviews_page, workspace, data, agent=agent, is_open=is_open, is_mine=mine, size=limit)
        rows = [plain(row) for row in page.rows]
    show(rows, as_json=as_json, columns=_COLUMNS)
    return OK


@app.command("show")
def show_(
    review: _Id,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Show one review, with the figures as they were when it was made."""
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            found = remote.ask("GET", f"{remote.here}/reviews/{review}")
    else:
        from signoff.api.answers import plain
        from signoff.releases.follow_up import queries

        found = plain(read_here(queries.review, workspace, data, review))
    show(found, as_json=as_json)
    return OK


@app.command("done")
def done(
    review: _Id,
    note: Annotated[str, typer.Option("--note", "-m", help="What was found, and what follows from it.")],
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Say what came of a review; it is done."""
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            remote.ask("POST", f"{remote.here}/reviews/{review}:done", body={"note": note})
    else:
        from signoff.releases.follow_up.reviews import do_review

        with store_for(settings_for(data)) as store:
            here = operator(workspace_for(store, workspace))
            with store.write() as session:
                do_review(session, here, review, note=note)
    say("The review is done.")
    return OK
