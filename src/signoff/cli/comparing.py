"""`signoff compare`: a release's revision beside what serves, in numbers and a verdict."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from signoff.cli.exits import OK, say
from signoff.cli.options import AsJson, DataDir, Key, Url, Workspace
from signoff.cli.output import cell, show

_COLUMNS = ("metric", "verdict", "runs", "beside", "difference")


def compare(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="The release's id.")],
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Show what is known of a release: each metric with its interval, the verdict, and why."""
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            found = remote.ask("GET", f"{remote.here}/releases/{release}/comparison")
    else:
        found = _here(release, workspace, data)
    if as_json:
        show(found, as_json=True)
        return OK
    show([_row(metric) for metric in found["metrics"]], as_json=False, columns=_COLUMNS)
    say(f"{found['verdict']}: {cell(found['reason'])}")
    if found["split"] and found["split"]["is_broken"]:
        say(cell(found["split"]["reason"]))
    return OK


def _row(metric: dict[str, Any]) -> dict[str, Any]:
    return {
        "metric": metric["name"],
        "verdict": metric["verdict"],
        "runs": metric["candidate_runs"],
        "beside": metric["live_runs"],
        "difference": metric["sentence"].removeprefix(metric["name"]).lstrip(": "),
    }


def _here(release: str, workspace: str | None, data: Path | None) -> dict[str, Any]:
    from signoff.api.answers import plain
    from signoff.cli.local import read_here
    from signoff.releases.comparison import comparison_of

    return plain(read_here(comparison_of, workspace, data, release))
