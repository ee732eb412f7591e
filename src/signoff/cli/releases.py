"""`signoff release`, `releases`, `rollback`, `promote-now`, `take-over`: shipping a revision, and going back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from signoff.cli.exits import OK, USAGE, Stop, say
from signoff.cli.local import operator, read_here, settings_for, store_for, workspace_for
from signoff.cli.options import AsJson, DataDir, Key, Url, Workspace
from signoff.cli.output import show

_Agent = Annotated[str, typer.Argument(help="The agent, by its name in addresses.")]
_Release = Annotated[str, typer.Argument(metavar="RELEASE", help="The release's id.")]
_Place = Annotated[str, typer.Option("--environment", "-e", help="Where.")]
_Reason = Annotated[str, typer.Option("--reason", help="Why; kept in the audit.")]
_COLUMNS = ("id", "agent_slug", "environment", "revision_number", "state", "strategy_text", "requested_by_name", "code")


def release(
    agent: _Agent,
    revision: Annotated[str, typer.Argument(help="The revision's number or id.")],
    reason: _Reason,
    environment: _Place = "production",
    strategy: Annotated[
        str | None, typer.Option("--strategy", help="As JSON; {} is at once and whole. The tier's, unless said.")
    ] = None,
    emergency: Annotated[bool, typer.Option("--emergency", help="Skip signatures and steps; raises an alert.")] = False,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Ask for a revision to serve an environment, through the gate."""
    way = _json(strategy)
    if url:
        from signoff.cli.remote import Remote

        asked = {"environment": environment, "revision": revision, "reason": reason, "strategy": way,
                 "is_emergency": emergency}  # fmt: skip
        with Remote(url, key) as remote:
            made = remote.ask("POST", f"{remote.here}/agents/{agent}/releases", body=asked)["id"]
            found = remote.ask("GET", f"{remote.here}/releases/{made}")
    else:
        from signoff.api.answers import plain
        from signoff.releases.actions import ship
        from signoff.releases.activations import try_soon
        from signoff.releases.queries import release as one
        from signoff.releases.strategy import read_strategy

        with store_for(settings_for(data)) as store:
            here = operator(workspace_for(store, workspace))
            made = ship(
                store, here, agent, environment=environment, revision=revision, reason=reason,
                strategy=read_strategy(way) if way is not None else None, is_emergency=emergency,
            )  # fmt: skip
            with store.write() as session:
                try_soon(session, made)
                found = plain(one(session, here, made))
    _tell(found, as_json=as_json)
    return OK


def releases(
    agent: Annotated[str | None, typer.Option("--agent", help="Only of this agent.")] = None,
    environment: Annotated[str | None, typer.Option("--environment", "-e", help="Only there.")] = None,
    state: Annotated[str | None, typer.Option("--state", help="Only in this state.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 30,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """List releases, newest first; refused ones too."""
    if url:
        from signoff.cli.remote import Remote

        given: dict[str, Any] = {"environment": environment, "state": state, "size": limit}
        query = {name: value for name, value in given.items() if value is not None}
        with Remote(url, key) as remote:
            path = f"{remote.here}/agents/{agent}/releases" if agent else f"{remote.here}/releases"
            rows = remote.ask("GET", path, query=query)["items"]
    else:
        from signoff.api.answers import plain
        from signoff.releases.queries import releases_page

        page = read_here(releases_page, workspace, data, agent=agent, environment=environment, state=state, size=limit)
        rows = [plain(row) for row in page.rows]
    show(rows, as_json=as_json, columns=_COLUMNS)
    return OK


def rollback(
    agent: _Agent,
    reason: _Reason,
    environment: _Place = "production",
    to: Annotated[str | None, typer.Option("--to", help="The revision; the last good one, unless said.")] = None,
    in_flight: Annotated[str, typer.Option("--in-flight", help="drain, stop or repin the runs under way.")] = "drain",
    plan: Annotated[bool, typer.Option("--plan", help="Only show what it would do.")] = False,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Go back to what served before, at once."""
    if in_flight not in ("drain", "stop", "repin"):
        raise Stop(USAGE, "--in-flight is drain, stop or repin.")
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            at = f"{remote.here}/agents/{agent}"
            if plan:
                found = remote.ask("GET", f"{at}/rollback-plan", query={"environment": environment})
            else:
                asked = {"environment": environment, "reason": reason, "to_revision": to, "in_flight": in_flight}
                made = remote.ask("POST", f"{at}:roll-back", body=asked)["id"]
                found = remote.ask("GET", f"{remote.here}/releases/{made}")
    else:
        from signoff.api.answers import plain
        from signoff.releases.actions import roll_back_now
        from signoff.releases.activations import try_soon
        from signoff.releases.planning import plan_rollback
        from signoff.releases.queries import release as one

        with store_for(settings_for(data)) as store:
            here = operator(workspace_for(store, workspace))
            if plan:
                with store.read() as session:
                    found = plain(plan_rollback(session, here, agent, environment))
            else:
                made = roll_back_now(
                    store, here, agent, environment=environment, reason=reason, to_revision=to, in_flight=in_flight
                )
                with store.write() as session:
                    try_soon(session, made)
                    found = plain(one(session, here, made))
    if plan:
        show(found, as_json=as_json)
    else:
        _tell(found, as_json=as_json)
    return OK


def promote_now(
    release: _Release,
    reason: _Reason,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Take the next step of a release now, without waiting for its time. The gate is asked all the same."""
    from signoff.releases.actions import promote_now as promote

    found = _decided("promote", promote, release, reason, url=url, key=key, workspace=workspace, data=data)
    _tell(found, as_json=as_json)
    return OK


def take_over(
    release: _Release,
    reason: _Reason,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Answer for a release from now on; one that is held, because nobody may answer for it any more, goes on."""
    from signoff.releases.actions import take_over_release

    found = _decided("take-over", take_over_release, release, reason, url=url, key=key, workspace=workspace, data=data)
    _tell(found, as_json=as_json)
    return OK


def _decided(
    verb: str, work: Callable[..., object], release: str, reason: str,
    *, url: str | None, key: str | None, workspace: str | None, data: Path | None,
) -> dict[str, Any]:  # fmt: skip
    """Decide about a release, over the API or on the machine, and return it as it is then."""
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            remote.ask("POST", f"{remote.here}/releases/{release}:{verb}", body={"reason": reason})
            return remote.ask("GET", f"{remote.here}/releases/{release}")
    from signoff.api.answers import plain
    from signoff.releases.actions import refusal_of
    from signoff.releases.activations import try_soon
    from signoff.releases.queries import release as one

    with store_for(settings_for(data)) as store:
        here = operator(workspace_for(store, workspace))
        with store.write() as session:
            work(session, here, release, reason=reason)
            try_soon(session, release)
        with store.read() as session:
            refusal = refusal_of(session, release)
            found = plain(one(session, here, release))
    if refusal is not None:
        raise refusal
    return found


def _json(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Stop(USAGE, f"--strategy is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise Stop(USAGE, "--strategy is a JSON object, such as {}.")
    return cast("dict[str, Any]", found)


def _tell(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        show(found, as_json=True)
        return
    facts = found["facts"]
    say(f"{facts['id']}: revision {facts['revision_number']} of {facts['agent_slug']} in {facts['environment']} is "
        f"{facts['state'].replace('_', ' ')}.")  # fmt: skip
    say(found["timeline"][-1]["text"])
    if facts["state"] == "requested":
        say(f"Signatures: {len(found['signatures'])} of {found['reviewers_wanted']}.")
