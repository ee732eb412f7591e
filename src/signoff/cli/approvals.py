"""`signoff approvals`: what waits for a person, and answering it with a key of one's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from signoff.cli.exits import OK, USAGE, Stop, say
from signoff.cli.options import AsJson, DataDir, Key, Url, Workspace
from signoff.cli.output import cell, show

app = typer.Typer(no_args_is_help=True, help="What waits for a person, and answering it.")

_Id = Annotated[str, typer.Argument(metavar="REQUEST", help="The request's id.")]
_Reason = Annotated[str, typer.Option("--reason", help="Why; the agent is told when it is a denial.")]
_WHO = (
    "Only a member who is asked can answer, and the operator on the machine is none. Use --url and --key with a key "
    "of the member who is asked."
)


@app.command("list")
def list_(
    state: Annotated[
        list[str] | None, typer.Option("--state", help="Repeatable; those that wait, unless said.")
    ] = None,
    agent: Annotated[str | None, typer.Option("--agent")] = None,
    gate: Annotated[str | None, typer.Option("--gate")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only what the key's member is asked.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 30,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """List requests, newest first."""
    if url:
        from signoff.cli.remote import Remote

        asked: dict[str, Any] = {"state": state, "agent": agent, "gate": gate, "mine": mine or None, "size": limit}
        with Remote(url, key) as remote:
            given = {name: value for name, value in asked.items() if value is not None}
            rows = remote.ask("GET", f"{remote.here}/approvals", query=given)["items"]
    else:
        rows = _list_here(state or [], agent, gate, limit, workspace, data)
    show(rows, as_json=as_json, columns=("id", "agent_name", "gate", "state", "title", "created_at", "deadline_at"))
    return OK


@app.command("show")
def show_(
    request: _Id,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Show one request: what is to be done, why it is asked, who is asked, what they said."""
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            found = remote.ask("GET", f"{remote.here}/approvals/{request}")
    else:
        found = _one_here(request, workspace, data)
    if as_json:
        show(found, as_json=True)
        return OK
    _tell(found)
    return OK


@app.command("approve")
def approve(
    request: _Id,
    args: Annotated[
        str | None, typer.Option("--args", help="JSON: approve with these arguments instead, all of them.")
    ] = None,
    endorse: Annotated[
        list[str] | None, typer.Option("--endorse", help="Accept this argument's value for the whole run. Repeatable.")
    ] = None,
    reason: _Reason = "",
    url: Url = None,
    key: Key = None,
) -> int:
    """Agree to exactly this call."""
    body: dict[str, Any] = {"reason": reason, "endorse": endorse or []}
    if args is not None:
        body["args"] = _parsed(args, dict, "--args")
    return _say(request, "approve", body, url, key)


@app.command("deny")
def deny(
    request: _Id,
    reason: _Reason = "",
    code: Annotated[str | None, typer.Option("--code", help="One of the gate's reason codes.")] = None,
    url: Url = None,
    key: Key = None,
) -> int:
    """Refuse it."""
    return _say(request, "deny", {"reason": reason, "reason_code": code}, url, key)


@app.command("answer")
def answer(
    request: _Id,
    text: Annotated[list[str] | None, typer.Option("--text", help="One answer for each question, in order.")] = None,
    answers: Annotated[
        str | None, typer.Option("--answers", help='JSON: [{"options": [...], "text": "..."}], one for each question.')
    ] = None,
    reason: _Reason = "",
    url: Url = None,
    key: Key = None,
) -> int:
    """Answer the agent's question, or say that the login it asked for works."""
    if text and answers:
        raise Stop(USAGE, "Give --text or --answers, not both.")
    body: dict[str, Any] = {"reason": reason}
    if answers is not None:
        body["answers"] = _parsed(answers, list, "--answers")
    elif text:
        body["answers"] = [{"text": one} for one in text]
    return _say(request, "answer", body, url, key)


def _say(request: str, verb: str, body: dict[str, Any], url: str | None, key: str | None) -> int:
    if not url:
        raise Stop(USAGE, _WHO)
    from signoff.cli.remote import Remote

    with Remote(url, key) as remote:
        decided = remote.ask("POST", f"{remote.here}/approvals/{request}:{verb}", body=body)
    say(f"{decided['id']} {decided['state']}")
    if decided["state"] == "pending":
        say(f"{decided['votes']} of {decided['quorum']} agree; it waits for the others.")
    return OK


def _parsed(text: str, kind: type, option: str) -> Any:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, kind):
        raise Stop(USAGE, f"{option} takes JSON: {'an object' if kind is dict else 'a list'}.")
    return found


def _list_here(
    states: list[str], agent: str | None, gate: str | None, limit: int, workspace: str | None, data: Path | None
) -> list[dict[str, Any]]:
    from signoff.api.answers import plain
    from signoff.approvals import queries
    from signoff.approvals.facts import ApprovalFilter
    from signoff.approvals.states import APPROVAL_STATES, ApprovalState
    from signoff.cli.local import operator, settings_for, store_for, workspace_for

    known: tuple[ApprovalState, ...] = tuple(one for one in APPROVAL_STATES if one in states)
    if len(known) != len(set(states)):
        raise Stop(USAGE, f"--state is one of {', '.join(APPROVAL_STATES)}.")
    wanted = ApprovalFilter(states=known or ("pending",), agent=agent, gate=gate)
    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.read() as session:
            page = queries.inbox(session, operator(here), wanted, size=limit)
            return [plain(row) for row in page.rows]


def _one_here(request: str, workspace: str | None, data: Path | None) -> dict[str, Any]:
    from signoff.api.answers import plain
    from signoff.approvals import queries
    from signoff.cli.local import operator, settings_for, store_for, workspace_for

    with store_for(settings_for(data)) as store:
        here = workspace_for(store, workspace)
        with store.read() as session:
            return plain(queries.approval(session, operator(here), request))


def _tell(found: dict[str, Any]) -> None:
    row = found["row"]
    for name in (
        "id",
        "kind",
        "state",
        "title",
        "summary",
        "why",
        "agent_name",
        "run_id",
        "gate",
        "tool",
        "deadline_at",
    ):
        if row.get(name):
            print(f"{name.ljust(12)}  {cell(row[name])}")
    for badge in row["badges"]:
        print(f"{cell(badge.get('kind')).ljust(12)}  {cell(badge.get('word'))}")
    for argument in found["card"].get("arguments") or ():
        mark = "" if argument.get("label") == "trusted" else "  (untrusted)"
        print(f"  {cell(argument.get('name'))} = {cell(argument.get('text'))}{mark}")
    for one in found["recipients"]:
        print(f"{'asked'.ljust(12)}  {cell(one['name'])} ({cell(one['via'])})")
    for vote in found["votes"]:
        print(f"{'said'.ljust(12)}  {cell(vote['member_name'])}: {cell(vote['verdict'])} {cell(vote['reason'])}")
