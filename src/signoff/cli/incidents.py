"""`signoff incidents`: what went wrong, how bad it is, who sees to it, and what was learnt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from signoff.cli.exits import OK, say
from signoff.cli.local import operator, read_here, settings_for, store_for, workspace_for
from signoff.cli.options import AsJson, DataDir, Key, Url, Workspace
from signoff.cli.output import cell, show
from signoff.incidents.states import IncidentState, Severity, Symptom
from signoff.kit.text import on_terminal

app = typer.Typer(no_args_is_help=True, help="What went wrong, who sees to it, and what was learnt.")

_Id = Annotated[str, typer.Argument(metavar="INCIDENT", help="The incident's id.")]
_Words = Annotated[str, typer.Option("--note", "-m", help="What there is to say of it; it stands in the timeline.")]
_COLUMNS = ("id", "severity", "state", "title", "agent", "environment", "opened_at", "acknowledged_by_name")
_TASKS = ("done_at", "title", "owner_name", "due_at")


@app.command("list")
def list_(
    state: Annotated[IncidentState | None, typer.Option("--state", help="Only in this state.")] = None,
    severity: Annotated[Severity | None, typer.Option("--severity", help="Only of this severity.")] = None,
    agent: Annotated[str | None, typer.Option("--agent", help="Only about this agent.")] = None,
    is_open: Annotated[
        bool | None, typer.Option("--open/--over", help="Only what is under way, or what is resolved.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 30,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """List incidents, newest first."""
    if url:
        from signoff.cli.remote import Remote

        asked: dict[str, Any] = {"state": state, "severity": severity, "agent": agent, "open": is_open, "size": limit}
        given = {name: value for name, value in asked.items() if value is not None}
        with Remote(url, key) as remote:
            rows = remote.ask("GET", f"{remote.here}/incidents", query=given)["items"]
    else:
        from signoff.api.answers import plain
        from signoff.incidents.queries import incidents_page

        page = read_here(
            incidents_page, workspace, data, state=state, is_under_way=is_open, severity=severity, agent=agent,
            size=limit,
        )  # fmt: skip
        rows = [plain(row) for row in page.rows]
    show(rows, as_json=as_json, columns=_COLUMNS)
    return OK


@app.command("show")
def show_(
    incident: _Id,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Show one incident: its facts, what is to be done, and its timeline."""
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            found = remote.ask("GET", f"{remote.here}/incidents/{incident}")
    else:
        from signoff.api.answers import plain
        from signoff.incidents import queries

        found = plain(read_here(queries.incident, workspace, data, incident))
    if as_json:
        show(found, as_json=True)
        return OK
    show(found["facts"], as_json=False)
    print("\nWhat is to be done")
    show(found["tasks"], as_json=False, columns=_TASKS)
    print("\nTimeline")
    for one in found["timeline"]:
        print(f"{cell(one['at'])}  {cell(one['by'])}: {cell(one['text'])}")
    return OK


@app.command("declare")
def declare(
    title: Annotated[str, typer.Argument(help="What went wrong, in one line.")],
    agent: Annotated[str | None, typer.Option("--agent", help="The agent; left out, the whole workspace.")] = None,
    severity: Annotated[
        Severity | None, typer.Option("--severity", help="How bad; left out, as the rule for --symptom says.")
    ] = None,
    symptom: Annotated[Symptom, typer.Option("--symptom", help="What is seen from outside.")] = "other",
    run: Annotated[list[str] | None, typer.Option("--run", help="A run that shows it. Repeatable.")] = None,
    environment: Annotated[str | None, typer.Option("--environment", "-e", help="Where.")] = None,
    alert: Annotated[str | None, typer.Option("--alert", help="The alert that told of it, by its id.")] = None,
    words: _Words = "",
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Declare an incident; print its id. A SEV-1 about an agent pauses it at once."""
    fields: dict[str, Any] = {
        "title": title, "words": words, "symptom": symptom, "severity": severity, "agent": agent,
        "environment": environment, "runs": run or [],
    }  # fmt: skip
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            found = remote.ask("POST", f"{remote.here}/incidents", body={**fields, "alert": alert})
    else:
        from signoff.incidents.opening import Declared, declare_incident

        found = {"id": _here(declare_incident, Declared(**fields, alert_id=alert), workspace=workspace, data=data)}
    if as_json:
        show(found, as_json=True)
        return OK
    print(found["id"])
    say(f"Declared. How it stands: signoff incidents show {found['id']}")
    return OK


# Each move: what it says of the incident, and what is said once it is made.
_MOVES = {
    "acknowledge": ("Say that one sees to it; who and when is kept.", "Acknowledged."),
    "mitigate": ("Say that it does no more harm.", "Mitigated."),
    "resolve": (
        "Say that it is over. An agent that was paused stays so until somebody resumes it.",
        "Resolved. An agent that is paused stays so: signoff agents resume AGENT",
    ),
    "review": (
        "Say that its postmortem is whole: it has a cause and lessons, and no open task is without an owner.",
        "Reviewed.",
    ),
}


def _add_move(verb: str, what: str, said: str) -> None:
    @app.command(verb, help=what)
    def move(
        incident: _Id,
        words: _Words = "",
        url: Url = None,
        key: Key = None,
        workspace: Workspace = None,
        as_json: AsJson = False,
        data: DataDir = None,
    ) -> int:
        if url:
            from signoff.cli.remote import Remote

            with Remote(url, key) as remote:
                remote.ask("POST", f"{remote.here}/incidents/{incident}:{verb}", body={"words": words})
        else:
            from signoff.incidents import moving

            work: Callable[..., None] = getattr(moving, f"{verb}_incident")
            _here(work, incident, words=words, workspace=workspace, data=data)
        return _done(said, as_json=as_json)


for _verb, _told in _MOVES.items():
    _add_move(_verb, *_told)


@app.command("note")
def note(
    incident: _Id,
    text: Annotated[str, typer.Argument(help="What was found, tried or told, or what is expected when.")],
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Write a line into the timeline."""
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            remote.ask("POST", f"{remote.here}/incidents/{incident}/timeline", body={"words": text})
    else:
        from signoff.incidents.moving import say as say_in_incident

        _here(say_in_incident, incident, words=text, workspace=workspace, data=data)
    return _done("It stands in the timeline.", as_json=as_json)


@app.command("postmortem")
def postmortem(
    incident: _Id,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Print the postmortem as Markdown; before anybody wrote it, its template."""
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            found = remote.ask("GET", f"{remote.here}/incidents/{incident}/postmortem")
    else:
        from signoff.incidents.document import postmortem_text

        found = {"text": read_here(postmortem_text, workspace, data, incident)}
    if as_json:
        show(found, as_json=True)
    else:
        print(on_terminal(found["text"], keeps_lines=True))
    return OK


def _here(work: Callable[..., Any], *what: Any, workspace: str | None, data: Path | None, **more: Any) -> Any:
    """Do it as the operator on the machine, in one transaction."""
    with store_for(settings_for(data)) as store:
        here = operator(workspace_for(store, workspace))
        with store.write() as session:
            return work(session, here, *what, **more)


def _done(words: str, *, as_json: bool) -> int:
    """Say that it is done, to a program as the API does."""
    if as_json:
        show({"ok": True}, as_json=True)
    else:
        say(words)
    return OK
