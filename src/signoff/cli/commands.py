"""All commands, by group."""

from __future__ import annotations

from typing import Annotated

import typer

from signoff import __version__
from signoff.cli import (
    agents,
    approvals,
    audit,
    bundles,
    comparing,
    datasets,
    demo,
    doctor,
    environments,
    evaluating,
    incidents,
    keys,
    limits,
    maintaining,
    migrating,
    objectives,
    pairs,
    people,
    probes,
    releases,
    reviews,
    runbooks,
    runs,
    secrets,
    serving,
    signed_bundles,
    smoking,
    webhooks,
    workspaces,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Takes AI agents from a working trial to production, and keeps them there.",
    epilog="Exit codes: 0 ok, 1 failed, 2 usage, 10 key or rights, 11 not found, 12 does not fit, 13 not now, "
    "14 server, 15 network.",
)


def _version(is_asked: bool) -> None:
    if is_asked:
        print(__version__)
        raise typer.Exit


@app.callback()
def everything(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Take AI agents from a working trial to production, and keep them there."""


for command in (
    demo.demo,
    serving.serve,
    serving.worker,
    migrating.migrate,
    people.setup_link,
    bundles.apply,
    bundles.export,
    signed_bundles.promote,
    probes.evidence,
    probes.vouch,
    runs.run,
    runs.runs,
    runs.logs,
    comparing.compare,
    evaluating.evaluate,
    evaluating.evaluations,
    releases.release,
    releases.releases,
    releases.rollback,
    releases.promote_now,
    releases.take_over,
    pairs.pairs,
    doctor.doctor,
    runbooks.runbook,
    smoking.smoke,
    objectives.slo,
):
    app.command()(command)
app.add_typer(workspaces.app, name="workspaces")
app.add_typer(people.app, name="people")
app.add_typer(environments.app, name="environments")
app.add_typer(limits.app, name="limits")
app.add_typer(maintaining.app, name="maintenance")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(secrets.app, name="secrets")
app.add_typer(agents.app, name="agents")
app.add_typer(datasets.app, name="datasets")
app.add_typer(probes.policy, name="policy")
app.add_typer(approvals.app, name="approvals")
app.add_typer(signed_bundles.app, name="bundle")
app.add_typer(incidents.app, name="incidents")
app.add_typer(reviews.app, name="reviews")
app.add_typer(webhooks.app, name="webhooks")
