"""`signoff runbook`: what somebody needs who must help an agent at night."""

from __future__ import annotations

from typing import Annotated

import typer

from signoff.cli.exits import OK
from signoff.cli.local import read_here
from signoff.cli.options import AsJson, DataDir, Workspace
from signoff.cli.output import show


def runbook(
    agent: Annotated[str, typer.Argument(help="The agent, by its name in addresses.")],
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Print the runbook of an agent as Markdown: what it does, whom to call, how to stop it and go back."""
    from signoff.api.answers import plain
    from signoff.watch.runbook import runbook as read_runbook

    found = read_here(read_runbook, workspace, data, agent)
    if as_json:
        show(plain(found), as_json=True)
    else:
        typer.echo(found.markdown(), nl=False)
    return OK
