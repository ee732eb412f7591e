"""`signoff evidence`, `signoff policy`, `signoff vouch`: what is asked before a revision serves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from signoff.cli.exits import OK, USAGE, VALIDATION, Stop, say
from signoff.cli.local import operator, read_here, settings_for, store_for, workspace_for
from signoff.cli.options import AsJson, DataDir, Key, Url, Workspace
from signoff.cli.output import cell, show

policy = typer.Typer(no_args_is_help=True, help="What is asked before a revision serves.")

_Agent = Annotated[str, typer.Argument(help="The agent, by its name in addresses.")]
_Environment = Annotated[str | None, typer.Option("--environment", "-e", help="Production unless said.")]
_Revision = Annotated[str | None, typer.Option("--revision", "-r", help="Number or id.")]
_COLUMNS = ("status", "severity", "probe", "measured")


def evidence(
    agent: _Agent,
    environment: _Environment = None,
    revision: _Revision = None,
    is_after: Annotated[bool, typer.Option("--after", help="What is asked once it serves.")] = False,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Show what the probes say of a revision. Ends with 12 when something keeps it from serving."""
    phase = "after" if is_after else "before"
    if url:
        from signoff.cli.remote import Remote

        query = {"environment": environment, "revision": revision, "phase": phase}
        with Remote(url, key) as remote:
            found = remote.ask(
                "GET",
                f"{remote.here}/agents/{agent}/evidence",
                query={name: value for name, value in query.items() if value is not None},
            )
    else:
        found = _evidence_here(agent, environment, revision, phase, workspace, data)
    if as_json:
        show(found, as_json=True)
    else:
        show(found["results"], as_json=False, columns=_COLUMNS)
        say(f"Risk tier {found['tier']}, policy {found['policy_digest'][:12]}.")
        for reason in found.get("tier_reasons", ()):
            say(f"  {cell(reason)}")
    if found["blockers"]:
        raise Stop(VALIDATION, f"Kept back by: {', '.join(found['blockers'])}")
    return OK


def _evidence_here(
    agent: str, environment: str | None, revision: str | None, phase: str, workspace: str | None, data: Path | None
) -> dict[str, Any]:
    from signoff.api.answers import plain
    from signoff.watch.probes.evaluate import evidence_for

    found = read_here(
        evidence_for, workspace, data, agent, environment=environment, revision=revision, phase=cast("Any", phase)
    )
    return {**plain(found), "blockers": [one.probe for one in found.blockers]}


@policy.command("show")
def show_policy(
    is_default: Annotated[bool, typer.Option("--default", help="The shipped one, with its reasons.")] = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Print the policy file that holds. Where the workspace has none, the shipped one."""
    from signoff.api.answers import plain
    from signoff.watch.probes.policies import present_policy
    from signoff.watch.probes.policy import DEFAULT

    if is_default:
        print(DEFAULT.read_text(encoding="utf-8"), end="")
        return OK
    found = read_here(present_policy, workspace, data)
    if as_json:
        show(plain(found), as_json=True)
    else:
        print(found.text, end="")
        say(f"Version {found.version}, by {found.author_name}.")
    return OK


@policy.command("set")
def set_policy(
    file: Annotated[Path, typer.Argument(help="The policy file (YAML); what it leaves out stays as shipped.")],
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; kept in the audit.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Let a policy file hold from now on."""
    from signoff.api.answers import plain
    from signoff.watch.probes import policies

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Stop(USAGE, f"{file} cannot be read: {type(error).__name__}.") from error
    with store_for(settings_for(data)) as store:
        here = operator(workspace_for(store, workspace))
        with store.write() as session:
            if dry_run:
                found = policies.try_policy(session, here, text)
            else:
                seen = policies.present_policy(session, here).version
                found = policies.set_policy(session, here, text, reason=reason, expected=seen)
    if as_json:
        show(plain(found), as_json=True)
    else:
        show(plain(found.changes), as_json=False, columns=("kind", "path"))
        say("Nothing was written." if found.version is None else f"Version {found.version} holds.")
    return OK


def vouch(
    agent: _Agent,
    probe: Annotated[str, typer.Argument(help="The item, as the evidence names it.")],
    reason: Annotated[str, typer.Option("--reason", "-m", help="Why; everybody reads it.")],
    days: Annotated[int, typer.Option("--days", help="For how long it stands.")] = 30,
    is_waiver: Annotated[bool, typer.Option("--waive", help="Let it pass though it is not so.")] = False,
    environment: Annotated[str, typer.Option("--environment", "-e")] = "production",
    revision: _Revision = None,
    link: Annotated[str, typer.Option("--link", help="Where a reader finds what it rests on.")] = "",
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Say that an item is so which no machine can tell, or let one pass. It lapses."""
    from signoff.watch.probes import vouchings

    word = vouchings.Word(probe, "waive" if is_waiver else "attest", reason, days, revision, link)
    with store_for(settings_for(data)) as store:
        here = operator(workspace_for(store, workspace))
        with store.write() as session:
            made = vouchings.vouch(session, here, agent, environment=environment, word=word)
    say(f"It stands for {days} days: {made}.")
    return OK
