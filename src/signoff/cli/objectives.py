"""`signoff slo`: how the objectives are kept."""

from __future__ import annotations

from signoff.cli.exits import OK
from signoff.cli.local import read_here
from signoff.cli.options import AsJson, DataDir, Workspace
from signoff.cli.output import show

_COLUMNS = ("name", "objective", "window_days", "events", "bad", "attained", "budget_left", "burn_rates", "measured_in")


def slo(workspace: Workspace = None, as_json: AsJson = False, data: DataDir = None) -> int:
    """Show each service level objective of a workspace: attained, what is left of its budget, how fast it burns."""
    from signoff.api.answers import plain
    from signoff.watch.objectives.queries import objectives

    show(plain(read_here(objectives, workspace, data)), as_json=as_json, columns=_COLUMNS)
    return OK
