"""`signoff pairs`: what a release's shadow would have answered, beside what was answered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from signoff.cli.exits import OK, say
from signoff.cli.options import AsJson, DataDir, Key, Url, Workspace
from signoff.cli.output import show

_COLUMNS = ("run_id", "state", "is_equal", "named", "judgement", "judged_by_name", "cost_usd", "title")


def pairs(
    release: Annotated[str, typer.Argument(metavar="RELEASE", help="The release's id.")],
    differing: Annotated[bool, typer.Option("--differing", help="Only pairs that differ.")] = False,
    unjudged: Annotated[bool, typer.Option("--unjudged", help="Only pairs that nobody has judged.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=200)] = 30,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """List the pairs of a release's shadow, newest first, and how far they agree."""
    if url:
        from signoff.cli.remote import Remote

        asked: dict[str, Any] = {"size": limit}
        asked |= {"equal": "false"} if differing else {}
        asked |= {"judged": "false"} if unjudged else {}
        with Remote(url, key) as remote:
            rows = remote.ask("GET", f"{remote.here}/releases/{release}/pairs", query=asked)["items"]
            counted = remote.ask("GET", f"{remote.here}/releases/{release}/pairs:agreement")
    else:
        rows, counted = _here(release, differing, unjudged, limit, workspace, data)
    shown = rows if as_json else [{**row, "named": ", ".join(row["named"])} for row in rows]
    show(shown, as_json=as_json, columns=_COLUMNS)
    if not as_json:
        say(_told(counted))
    return OK


def _told(counted: dict[str, Any]) -> str:
    equal, agrees = counted["equal"], counted["agrees"]
    said = f"{counted['compared']} compared on {counted['days']} days, {_share(equal)} equal"
    judged = f"; {agrees['of']} judged, {_share(agrees)} as good or better" if agrees["of"] else "; none judged"
    return f"{said}{judged}."


def _share(share: dict[str, Any]) -> str:
    if share["rate"] is None:
        return "none"
    return f"{share['rate']:.1%} ({share['low']:.1%} to {share['high']:.1%})"


def _here(
    release: str, differing: bool, unjudged: bool, limit: int, workspace: str | None, data: Path | None
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    from signoff.api.answers import plain
    from signoff.cli.local import operator, settings_for, store_for, workspace_for
    from signoff.releases.shadow import PairFilter, agreement, pairs_page

    wanted = PairFilter(is_equal=False if differing else None, is_judged=False if unjudged else None)
    with store_for(settings_for(data)) as store:
        here = operator(workspace_for(store, workspace))
        with store.read() as session:
            page = pairs_page(session, here, release, wanted, size=limit)
            return [plain(row) for row in page.rows], plain(agreement(session, here, release))
