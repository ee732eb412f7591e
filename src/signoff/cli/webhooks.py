"""`signoff webhooks`: addresses that are told of events, and what became of each message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from signoff.cli.exits import OK, say
from signoff.cli.local import operator, read_here, settings_for, store_for, workspace_for
from signoff.cli.options import AsJson, DataDir, Key, Url, Workspace
from signoff.cli.output import show

app = typer.Typer(no_args_is_help=True, help="Addresses that are told of events.")

_Id = Annotated[str, typer.Argument(metavar="WEBHOOK", help="The webhook's id.")]
_COLUMNS = ("id", "name", "state", "url", "events", "failures", "off_reason")
_MESSAGES = ("id", "event", "state", "attempts", "status", "last_error", "made_at", "ended_at")


@app.command("list")
def list_(
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """List the webhooks, without their secrets."""
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            rows = remote.ask("GET", f"{remote.here}/webhooks")["items"]
    else:
        from signoff.api.answers import plain
        from signoff.webhooks import queries

        rows = plain(read_here(queries.webhooks, workspace, data))
    show(rows, as_json=as_json, columns=_COLUMNS)
    return OK


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What it is called.")],
    address: Annotated[str, typer.Argument(help="Where events are posted to; it begins with https://.")],
    event: Annotated[list[str], typer.Option("--event", help="A kind of event, such as run.completed. Repeatable.")],
    agent: Annotated[
        list[str] | None, typer.Option("--agent", help="Only of this agent. Repeatable; all unless said.")
    ] = None,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Have events told to an address. Its signing secret is shown this once."""
    fields: dict[str, Any] = {"name": name, "url": address, "events": event, "agents": agent or []}
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            found = remote.ask("POST", f"{remote.here}/webhooks", body=fields)
    else:
        from signoff.connections.vault import Vault
        from signoff.webhooks.actions import create_webhook

        settings = settings_for(data)
        allows_http = settings.allow_loopback or bool(settings.allow_private_networks)
        with store_for(settings) as store:
            here = operator(workspace_for(store, workspace))
            with store.write() as session:
                made = create_webhook(session, here, Vault.build(settings), **fields, allows_http=allows_http)
        found = {"id": made.id, "secret": made.secret}
    show(found, as_json=as_json)
    if not as_json:
        say("Keep the secret now: it is not shown again.")
    return OK


@app.command("messages")
def messages(
    webhook: _Id,
    state: Annotated[str | None, typer.Option("--state", help="Only messages in this state.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 30,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """List what a webhook was sent, newest first, and what each was answered."""
    if url:
        from signoff.cli.remote import Remote

        query: dict[str, Any] = {"size": limit} | ({"state": state} if state else {})
        with Remote(url, key) as remote:
            rows = remote.ask("GET", f"{remote.here}/webhooks/{webhook}/deliveries", query=query)["items"]
    else:
        from signoff.api.answers import plain
        from signoff.webhooks import queries

        wanted: Any = state
        page = read_here(queries.deliveries, workspace, data, webhook, state=wanted, size=limit)
        rows = [plain(row) for row in page.rows]
    show(rows, as_json=as_json, columns=_MESSAGES)
    return OK


@app.command("test")
def send(webhook: _Id, url: Url = None, key: Key = None, workspace: Workspace = None, data: DataDir = None) -> int:
    """Send a message that tells of nothing, also while the webhook is off."""
    from signoff.webhooks.actions import send_test

    address = settings_for(data).address
    made = _change("POST", f"/{webhook}:test", send_test, webhook, url=url, key=key, workspace=workspace, data=data,
                   address=address)  # fmt: skip
    say(f"On its way: {made['id'] if isinstance(made, dict) else made}.")
    return OK


@app.command("again")
def again(
    webhook: _Id,
    message: Annotated[str, typer.Argument(metavar="MESSAGE", help="The message's id.")],
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Send a message that ended once more: the same bytes under the same id."""
    from signoff.webhooks.actions import send_again

    path = f"/{webhook}/deliveries/{message}:again"
    _change("POST", path, send_again, webhook, message, url=url, key=key, workspace=workspace, data=data)
    say("On its way again.")
    return OK


@app.command("on")
def on(webhook: _Id, url: Url = None, key: Key = None, workspace: Workspace = None, data: DataDir = None) -> int:
    """Tell it of what happens from now on."""
    from signoff.webhooks.actions import enable_webhook

    _change("POST", f"/{webhook}:enable", enable_webhook, webhook, url=url, key=key, workspace=workspace, data=data)
    say("It is on.")
    return OK


@app.command("off")
def off(webhook: _Id, url: Url = None, key: Key = None, workspace: Workspace = None, data: DataDir = None) -> int:
    """Tell it of nothing any more; what was still to be sent is dropped."""
    from signoff.webhooks.actions import disable_webhook

    _change("POST", f"/{webhook}:disable", disable_webhook, webhook, url=url, key=key, workspace=workspace, data=data)
    say("It is off.")
    return OK


@app.command("delete")
def delete(webhook: _Id, url: Url = None, key: Key = None, workspace: Workspace = None, data: DataDir = None) -> int:
    """End a webhook, with the record of what it was sent."""
    from signoff.webhooks.actions import delete_webhook

    _change("DELETE", f"/{webhook}", delete_webhook, webhook, url=url, key=key, workspace=workspace, data=data)
    say("It is gone.")
    return OK


def _change(
    method: str, path: str, work: Callable[..., Any], *what: str,
    url: str | None, key: str | None, workspace: str | None, data: Path | None, **more: Any,
) -> Any:  # fmt: skip
    """Do it over the API, or as the operator on the machine."""
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            return remote.ask(method, f"{remote.here}/webhooks{path}")
    with store_for(settings_for(data)) as store:
        here = operator(workspace_for(store, workspace))
        with store.write() as session:
            return work(session, here, *what, **more)
