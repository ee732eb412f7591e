"""`signoff evaluate`, `evaluations`: try a revision on a dataset beside what serves, and end by what it came to."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any

import typer

from signoff.cli.exits import FAILED, OK, USAGE, VALIDATION, Stop, say
from signoff.cli.local import read_here
from signoff.cli.options import AsJson, DataDir, Key, Url, Workspace
from signoff.cli.output import show

_LOOK_SECONDS = 2.0
_OVER = ("completed", "failed", "cancelled")
_COLUMNS = ("id", "agent_slug", "revision_number", "dataset_name", "environment", "state", "verdict", "score",
            "baseline_score")  # fmt: skip


def evaluate(
    agent: Annotated[str, typer.Argument(metavar="AGENT[@REVISION]", help="Without a revision: what serves there.")],
    dataset: Annotated[str, typer.Option("--dataset", help="The dataset's name in addresses, or its id.")],
    environment: Annotated[str, typer.Option("--environment", "-e", help="Beside what serves there.")] = "production",
    draft: Annotated[bool, typer.Option("--draft", help="Try the draft, as it is at this moment.")] = False,
    cap: Annotated[str | None, typer.Option("--cap", help="What it may cost, in dollars.")] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the verdict, and end by it.")] = False,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Try a revision on every example, beside what serves. With --wait: 0 promotable, 12 not, 1 it did not complete."""
    slug, _, revision = agent.partition("@")
    if draft and revision:
        raise Stop(USAGE, "It is the draft, or a revision: leave one out.")
    wish: dict[str, Any] = {"environment": environment, "draft": draft} | ({"revision": revision} if revision else {})
    wish |= {"cap_usd": _dollars(cap)} if cap else {}
    tell = _teller()
    if url:
        found = _there(url, key, slug, dataset, wish, wait=wait, tell=tell)
    else:
        from signoff.cli.evaluating_here import evaluate_here

        found = evaluate_here(slug, dataset, wish, wait=wait, workspace=workspace, data=data, tell=tell)
    return _ended(found, wait=wait, as_json=as_json)


def evaluations(
    agent: Annotated[str | None, typer.Option("--agent", help="Only of this agent.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 30,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """List evaluations, newest first, with what they came to."""
    if url:
        from signoff.cli.remote import Remote

        asked: dict[str, Any] = {"size": limit} | ({"agent": agent} if agent else {})
        with Remote(url, key) as remote:
            rows = remote.ask("GET", f"{remote.here}/evaluations", query=asked)["items"]
    else:
        from signoff.api.answers import plain
        from signoff.evaluations.results import evaluations_page

        rows = [plain(one) for one in read_here(evaluations_page, workspace, data, agent=agent, size=limit).rows]
    show(rows, as_json=as_json, columns=_COLUMNS)
    return OK


def _there(
    url: str, key: str | None, agent: str, dataset: str, wish: dict[str, Any], *, wait: bool,
    tell: Callable[[dict[str, Any]], bool],
) -> dict[str, Any]:  # fmt: skip
    from signoff.cli.evaluation_desks import RemoteDesk, dataset_of
    from signoff.cli.remote import Remote

    with Remote(url, key) as remote:
        dataset_id = dataset_of(RemoteDesk(remote).datasets(agent), dataset)["id"]
        asked = {**wish, "dataset": dataset_id}
        made = remote.ask("POST", f"{remote.here}/agents/{agent}:evaluate", body=asked)["id"]
        found = remote.ask("GET", f"{remote.here}/evaluations/{made}")
        while wait and not tell(found):
            time.sleep(_LOOK_SECONDS)
            found = remote.ask("GET", f"{remote.here}/evaluations/{made}")
    return found


def _teller() -> Callable[[dict[str, Any]], bool]:
    """Return what says how far an evaluation is, once for each step, and whether it is over."""
    said: list[tuple[str, int]] = []

    def tell(found: dict[str, Any]) -> bool:
        facts = found["facts"]
        now = (str(facts["state"]), int(facts["done"]))
        if said[-1:] != [now] and now[0] not in _OVER:
            said.append(now)
            say(f"  {now[0]}: {now[1]} of {facts['examples']} examples")
        return now[0] in _OVER

    return tell


def _ended(found: dict[str, Any], *, wait: bool, as_json: bool) -> int:
    facts = found["facts"]
    if as_json:
        show(found, as_json=True)
    elif not wait:
        print(facts["id"])
    else:
        print(f"{facts['id']} {facts['verdict'] or facts['state']}".replace("not_promotable", "not promotable"))
        _say(facts)
    if not wait:
        return OK
    if facts["state"] != "completed":
        return FAILED
    return OK if facts["verdict"] == "promotable" else VALIDATION


def _say(facts: dict[str, Any]) -> None:
    score, other = facts["score"], facts["baseline_score"]
    if score is not None:
        beside = f" beside {other:.3f}" if other is not None and not facts["is_of_what_serves"] else ""
        say(f"  mean score {score:.3f}{beside}; ${facts['cost_usd']} in all")
    for sentence in [*facts["reasons"], *facts["warnings"], *([facts["reason"]] if facts["reason"] else [])]:
        say(f"  {sentence}")
    if facts["critical_lost"]:
        say(f"  critical and lost: {', '.join(facts['critical_lost'][:20])}")


def _dollars(text: str) -> str:
    amount = text.strip().removeprefix("$")
    if not amount.replace(".", "", 1).isdigit() or not amount.isascii():
        raise Stop(USAGE, "--cap is dollars, such as 5 or 0.50.")
    return amount
