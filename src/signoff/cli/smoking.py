"""`signoff smoke`: whether an installation does what it is for, asked from outside."""

from __future__ import annotations

import json
import time
from collections.abc import Generator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signoff.cli.exits import FAILED, OK, USAGE, Stop
from signoff.cli.options import AsJson, Key
from signoff.cli.output import cell, show
from signoff.kit import clock

if TYPE_CHECKING:
    from signoff.cli.smoke_checks import Row, Target

_OVER = ("completed", "failed", "cancelled", "rejected")
_PAUSE_SECONDS = 0.25


def smoke(
    url: Annotated[str, typer.Option("--url", envvar="SIGNOFF_URL", help="The installation, as people reach it.")],
    key: Key = None,
    agent: Annotated[
        str | None, typer.Option("--agent", help="Also run this agent once, and see it queued and completed.")
    ] = None,
    given: Annotated[str, typer.Option("--input", "-i", help="Its input, as JSON.")] = "{}",
    environment: Annotated[str, typer.Option("--environment", "-e")] = "production",
    live: Annotated[
        bool, typer.Option("--live", help="Let that run write outside; without it, writing calls are simulated.")
    ] = False,
    seconds: Annotated[int, typer.Option("--seconds", min=1, help="How long that run may take.")] = 60,
    version: Annotated[
        str | None, typer.Option("--expect-version", help="The version that must be the one that answers.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Assert what an installation answers, part by part; exit code 1 when one is not as expected. Changes nothing
    without --agent."""
    from signoff.cli.remote import Visitor
    from signoff.cli.smoke_checks import ANYBODY, WITH_KEY, Target, rows_of

    if agent and not key:
        raise Stop(USAGE, "A run needs a key that may start it: --key so_…, or SIGNOFF_KEY.")
    try:
        wish = {"input": json.loads(given), "environment": environment, "mode": "live" if live else "sandbox"}
    except ValueError:
        raise Stop(USAGE, "The input is not JSON. Quote it.") from None
    rows: list[Row] = []
    with Visitor(url) as visitor:
        target = Target(visitor, key, version)
        rows += [_told(row, as_json) for row in rows_of(target, WITH_KEY if key else ANYBODY)]
        if agent:
            rows += [_told(row, as_json) for row in _movement(target, agent, wish, seconds)]
    failed = sum(not row.ok for row in rows)
    if as_json:
        show({"ok": not failed, "failed": failed, "checks": [asdict(row) for row in rows]}, as_json=True)
    else:
        print(f"{len(rows) - failed} of {len(rows)} as expected.")
    return FAILED if failed else OK


def _told(row: Row, as_json: bool) -> Row:
    if not as_json:
        line = f"{'ok' if row.ok else 'FAILED':7} {row.check:20} {row.milliseconds:6} ms  {cell(row.seen)}"
        print(line if row.ok else f"{line}; expected {row.expected}", flush=True)
    return row


def _movement(target: Target, agent: str, wish: dict[str, Any], seconds: int) -> Generator[Row]:
    """Start one run and follow it to its end: it is queued, it moves, it completes, and it has an output."""
    from signoff.cli.remote import Unreachable
    from signoff.cli.smoke_checks import Row

    wanted = "queued, then completed, with an output"
    started = clock.monotonic_seconds()
    states: list[str] = []
    try:
        workspace = target.visitor.ask("GET", "/v1/me", key=target.key).json["workspace"]
        made = target.visitor.ask("POST", f"/v1/{workspace}/agents/{agent}:execute", key=target.key, body=wish)
        if made.status != 202:
            yield Row("movement", wanted, f"{made.status} {made.text[:150]}", False, made.milliseconds)
            return
        states.append("queued")
        found: Any = {}
        while states[-1] not in _OVER and clock.monotonic_seconds() - started < seconds:
            found = target.visitor.ask("GET", made.json["links"]["run"], key=target.key).json
            state = str(found["run"]["state"])
            states += [] if state == states[-1] else [state]
            time.sleep(0 if state in _OVER else _PAUSE_SECONDS)
        has_output = found.get("output") is not None
        took = round((clock.monotonic_seconds() - started) * 1000)
    except (Unreachable, TypeError, KeyError) as error:
        yield Row("movement", wanted, f"no answer as Signoff gives it ({type(error).__name__})", False, 0)
        return
    seen = f"{', '.join(states)}, {'an' if has_output else 'no'} output ({made.json['links']['run']})"
    yield Row("movement", wanted, seen, states[-1] == "completed" and has_output, took)
