"""`signoff run`, `runs`, `logs`: start work, find it, watch it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from signoff.cli.exits import FAILED, OK, USAGE, Stop, say
from signoff.cli.options import AsJson, DataDir, Key, Url, Workspace
from signoff.cli.output import cell, json_text, line, show
from signoff.kit.text import on_terminal

_INPUT_BYTES_MAX = 10_000_000


def _input(given: str) -> Any:
    """Return the input: JSON, or `@file`, or `@-` for standard input. A file that is no JSON is a text."""
    if not given.startswith("@"):
        try:
            return json.loads(given)
        except ValueError:
            raise Stop(USAGE, "The input is not JSON. Quote it, or name a file: --input @message.json") from None
    try:
        text = sys.stdin.read(_INPUT_BYTES_MAX + 1) if given == "@-" else Path(given[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(USAGE, f"{given[1:]} cannot be read: {type(error).__name__}") from None
    if len(text) > _INPUT_BYTES_MAX:
        raise Stop(USAGE, "The input is larger than 10 MB.")
    try:
        return json.loads(text)
    except ValueError:
        return text


def run(
    agent: Annotated[str, typer.Argument(help="The agent's slug.")],
    given: Annotated[str, typer.Option("--input", "-i", help="JSON, @file, or @- for standard input.")] = "{}",
    revision: Annotated[str | None, typer.Option("--revision", help="A number or id, instead of what is live.")] = None,
    environment: Annotated[str, typer.Option("--environment", "-e")] = "production",
    sticky: Annotated[
        str | None, typer.Option("--sticky", help="A customer, case or session: a canary keeps it with one revision.")
    ] = None,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Touch nothing outside: writing calls are simulated.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the answer, showing what happens.")] = False,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Start a run. With --wait: exit code 0 when it is completed, 1 when not."""
    wish: dict[str, Any] = {
        "input": _input(given),
        "environment": environment,
        "mode": "sandbox" if sandbox else "live",
        "revisionId": revision,
        "stickyKey": sticky,
    }
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            found = remote.ask("POST", f"{remote.here}/agents/{agent}:execute", body=wish)
            if wait:
                for _, kind, event in remote.events(found["links"]["events"]):
                    _tell(kind, event)
                found = remote.ask("GET", found["links"]["run"])
                found = {**found["run"], "output": found["output"]}
    else:
        from signoff.cli.running import run_here

        found = run_here(agent, wish, wait=wait, workspace=workspace, data=data, tell=_tell)
    return _ended(found, wait, as_json)


def _ended(found: dict[str, Any], wait: bool, as_json: bool) -> int:
    state = str(found.get("state", found.get("status")))
    if as_json:
        show(found, as_json=True)
    elif wait:
        output = found.get("output")
        print(on_terminal(output, keeps_lines=True) if isinstance(output, str) else json_text(output, indent=2))
    else:
        print(found["id"])
    if not wait:
        return OK
    reason = f": {cell(found['reason'])}" if found.get("reason") else ""
    say(f"{found['id']} {state}{reason}")
    return OK if state == "completed" else FAILED


def _tell(kind: str, event: dict[str, Any]) -> None:
    if kind == "run":
        say(
            f"  {cell(event.get('state'))}{' (' + cell(event['waiting_for']) + ')' if event.get('waiting_for') else ''}"
        )
    elif kind == "step":
        say(f"  {cell(event.get('kind')):6} {cell(event.get('name'))}: {cell(event.get('state'))}")


def runs(
    agent: Annotated[str | None, typer.Option("--agent")] = None,
    state: Annotated[list[str] | None, typer.Option("--state", help="Repeatable.")] = None,
    text: Annotated[str | None, typer.Option("--text", help="Looked for in title, input and ids.")] = None,
    attention: Annotated[bool, typer.Option("--attention", help="Only those that need somebody.")] = False,
    children: Annotated[
        Literal["all", "only", "without"],
        typer.Option("--children", help="Runs that runs of other agents asked for."),
    ] = "all",
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 30,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """List runs, newest first."""
    if url:
        from signoff.cli.remote import Remote

        query: dict[str, Any] = {"agent": agent, "state": state, "text": text, "size": limit}
        query["needs_attention"] = attention or None
        query["children"] = None if children == "all" else children
        with Remote(url, key) as remote:
            given = {name: value for name, value in query.items() if value is not None}
            rows = remote.ask("GET", f"{remote.here}/runs", query=given)["items"]
    else:
        from signoff.cli.running import runs_here

        rows = runs_here(
            agent=agent,
            states=state,
            text=text,
            attention=attention,
            children=children,
            limit=limit,
            workspace=workspace,
            data=data,
        )
    show(rows, as_json=as_json, columns=("id", "agent_slug", "state", "title", "cost_usd", "created_at"))
    return OK


def logs(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")],
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Follow a run until it ends: states, steps, answers as they are written."""

    def told(number: int, kind: str, event: dict[str, Any]) -> None:
        if as_json:
            line({"id": number, "kind": kind, **event})
        else:
            print(f"{cell(event.get('at'))[:19]}  {kind:5}  {_words(kind, event)}", flush=True)

    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            for number, kind, event in remote.events(f"{remote.here}/runs/{run_id}/events"):
                told(number, kind, event)
    else:
        from signoff.cli.running import follow_here

        follow_here(run_id, workspace=workspace, data=data, tell=told)
    return OK


def _words(kind: str, event: dict[str, Any]) -> str:
    if kind == "run":
        parts = [event.get("state"), event.get("waiting_for"), event.get("reason")]
    elif kind == "step":
        parts = [event.get("kind"), event.get("name"), event.get("state")]
    else:
        parts = [{name: value for name, value in event.items() if name != "at"}]
    return "  ".join(cell(part) for part in parts if part)
