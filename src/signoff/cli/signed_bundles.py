"""`signoff bundle` and `signoff promote`: one revision to another installation, or to the next environment."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signoff.cli.exits import CONFLICT, FAILED, NOT_FOUND, OK, USAGE, Stop, say
from signoff.cli.local import operator, settings_for, store_for, workspace_for
from signoff.cli.options import AsJson, DataDir, Key, Url, Workspace
from signoff.cli.output import cell, show

if TYPE_CHECKING:
    from signoff.agents.signed_bundle import ImportPlan

app = typer.Typer(no_args_is_help=True, help="Signed bundles: a revision for another installation.")

_AT = re.compile(r"^([a-z][a-z0-9-]{0,62})@([0-9]{1,9})$")
_File = Annotated[Path, typer.Argument(help="The bundle.")]
_Which = Annotated[str, typer.Argument(help="AGENT@NUMBER, such as support@14.")]


def _which(text: str) -> tuple[str, str]:
    found = _AT.match(text)
    if found is None:
        raise Stop(USAGE, f"{text[:80]!r} names no revision. Write it as support@14.")
    return found.group(1), found.group(2)


def _bytes_of(file: Path) -> bytes:
    from signoff.agents.signed_bundle.document import BYTES_MAX

    if not file.is_file():
        raise Stop(NOT_FOUND, f"There is no file {file}.")
    with file.open("rb") as opened:
        # One more than is taken: that it is too large is said by whoever checks it.
        return opened.read(BYTES_MAX + 1)


@app.command("export")
def export(
    which: _Which,
    to: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")],
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Write a revision as a signed bundle. Refused when a text of it holds the value of a secret."""
    from signoff.agents.signed_bundle import export_bundle
    from signoff.connections.vault import Vault
    from signoff.gateways.model.providers.naming import provider_keys
    from signoff.kit.redact import Redactor

    agent, number = _which(which)
    settings = settings_for(data)
    with store_for(settings) as store:
        here = workspace_for(store, workspace)
        with store.write() as session:
            made = export_bundle(
                session, operator(here), Vault.build(settings), agent, number, instance=settings.address,
                also_secret=[Redactor(provider_keys(settings))],
            )  # fmt: skip
            # Inside the transaction: what could not be written did not leave.
            to.write_bytes(made.data)
    say(f"{to}: {which}, digest {made.digest}, signed with the key {made.key_id}.")
    return OK


@app.command("verify")
def verify(
    file: _File,
    public_keys: Annotated[
        list[str] | None,
        typer.Option("--key", help="A public key to trust, in base64; nothing else is then asked. May be repeated."),
    ] = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Check a bundle; exit code 1, with everything that does not hold. With `--key` it needs no database."""
    from signoff.agents.signed_bundle import check_bundle, trusted
    from signoff.api.answers import plain

    content = _bytes_of(file)
    keys = {key.strip(): "given with --key" for key in public_keys or []}
    if not keys:
        with store_for(settings_for(data)) as store:
            here = workspace_for(store, workspace)
            with store.read() as session:
                keys = trusted(session, here.id)
    found = check_bundle(content, keys)
    payload = found.payload
    told: dict[str, Any] = {
        "is_good": found.is_good,
        "agent": payload.agent.slug if payload else None,
        "hash": payload.revision.hash if payload else None,
        "digest": found.digest or None,
        "key_id": found.key_id or None,
        "signer": found.signer or None,
    }
    if as_json:
        show({**told, "checks": plain(found.checks)}, as_json=True)
    else:
        show(told, as_json=False)
        for check in found.failures:
            say(f"{check.name}: {cell(check.text)}")
    return OK if found.is_good else FAILED


@app.command("import")
def import_(
    file: _File,
    workspace: Workspace = None,
    environment: Annotated[
        str | None, typer.Option("--environment", help="Whose bindings are looked at; the first unless said.")
    ] = None,
    slug: Annotated[str | None, typer.Option("--as", help="Another name for the agent here.")] = None,
    allow_missing: Annotated[
        bool,
        typer.Option("--allow-missing", help="Freeze it all the same; it goes live only where nothing is missing."),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Freeze the revision of a bundle here. It serves nowhere by that. Exit code 13 when bindings are missing."""
    from signoff.agents.signed_bundle import import_bundle, plan_import
    from signoff.api.answers import plain
    from signoff.gateways.model.knowledge import model_knowledge
    from signoff.gateways.model.prices import Prices
    from signoff.gateways.model.providers import Providers

    content, settings = _bytes_of(file), settings_for(data)
    known = model_knowledge(Providers(settings), Prices(settings)).known_model
    with store_for(settings) as store:
        caller = operator(workspace_for(store, workspace))
        with store.write() as session:
            plan = plan_import(session, caller, content, environment=environment, slug=slug, known_model=known)
            is_refused = bool(plan.lacks) and not allow_missing and plan.kind != "same"
            made = None
            if not dry_run and not is_refused:
                made = import_bundle(
                    session, caller, content, environment=environment, slug=slug, allow_missing=allow_missing,
                    known_model=known, seen=plan.seen,
                )  # fmt: skip
    if as_json:
        shown = plain(plan)
        del shown["diff"]
        show({**shown, "imported": plain(made)}, as_json=True)
    else:
        print(_words(plan))
    if is_refused:
        raise Stop(CONFLICT, f"{len(plan.lacks)} bindings are missing in {plan.environment}; nothing was imported.")
    if made is not None and made.kind != "same":
        say(f"{made.agent}@{made.number} is frozen. It serves nowhere yet.")
    return OK


def _words(plan: ImportPlan) -> str:
    what = {
        "create": "would be made, with revision 1",
        "revision": f"would get revision {plan.number}",
        "same": f"has this as revision {plan.number}",
    }
    lines = [f"{plan.agent}: {what[plan.kind]} ({plan.hash[:12]}), signed by {cell(plan.signer)}."]
    lines += [f"  missing in {plan.environment}: {one.kind} {one.name}. {cell(one.text)}" for one in plan.lacks]
    if plan.overwrites_draft:
        lines.append("  warning: edits of the draft that nobody froze would be replaced; their text is kept.")
    return "\n".join(lines)


@app.command("keys")
def keys(workspace: Workspace = None, as_json: AsJson = False, data: DataDir = None) -> int:
    """Show this installation's public key, and the keys whose bundles are taken."""
    from signoff.agents.signed_bundle import trusted_keys
    from signoff.api.answers import plain
    from signoff.connections.signing import signer_for
    from signoff.connections.vault import Vault

    settings = settings_for(data)
    with store_for(settings) as store:
        caller = operator(workspace_for(store, workspace))
        with store.write() as session:
            # Made when it is first asked for.
            signer_for(session, Vault.build(settings))
            found = plain(trusted_keys(session, caller))
    show(found, as_json=as_json, columns=("name", "key_id", "public_key", "added_by_name", "added_at"))
    return OK


@app.command("trust")
def trust(
    public_key: Annotated[str, typer.Argument(help="The key, in base64, as their `signoff bundle keys` shows it.")],
    name: Annotated[str, typer.Option("--name", help="What to call it here.")],
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Take bundles signed with this key. Compare it first, over another way than the bundle came."""
    from signoff.agents.signed_bundle import trust_key

    with store_for(settings_for(data)) as store:
        caller = operator(workspace_for(store, workspace))
        with store.write() as session:
            trust_key(session, caller, public_key=public_key, name=name)
    say(f"Bundles of {name} are taken from now on.")
    return OK


@app.command("distrust")
def distrust(
    key: Annotated[str, typer.Argument(help="Its fingerprint (key_id), or its id.")],
    workspace: Workspace = None,
    data: DataDir = None,
) -> int:
    """Take no more bundles signed with this key. What was imported stays."""
    from signoff.agents.signed_bundle import distrust_key

    with store_for(settings_for(data)) as store:
        caller = operator(workspace_for(store, workspace))
        with store.write() as session:
            distrust_key(session, caller, key)
    say("No more of its bundles are taken.")
    return OK


@app.command("provenance")
def provenance(which: _Which, workspace: Workspace = None, as_json: AsJson = False, data: DataDir = None) -> int:
    """Show where a revision came from: frozen, imported, promoted; where, when and by whom."""
    from signoff.agents.signed_bundle import provenance_of
    from signoff.api.answers import plain

    agent, number = _which(which)
    with store_for(settings_for(data)) as store:
        caller = operator(workspace_for(store, workspace))
        with store.read() as session:
            found = plain(provenance_of(session, caller, agent, number))
    if as_json:
        show(found, as_json=True)
        return OK
    show(found["links"], as_json=False, columns=("act", "at", "by", "workspace", "environment", "revision", "instance"))
    say(f"digest {found['hash']}")
    return OK


def promote(
    which: Annotated[str, typer.Argument(help="AGENT@NUMBER, or AGENT for what serves there.")],
    to: Annotated[str, typer.Option("--to", help="The environment it goes to.")],
    source: Annotated[
        str | None, typer.Option("--from", help="The environment it comes from; the one before unless said.")
    ] = None,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Kept with the release.")] = "promoted",
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Release in one environment what serves another: the same digest, bound there, with a run that speaks for it."""
    agent, number = _which(which) if "@" in which else (which, None)
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            body = {"to": to, "source": source, "revision": number, "reason": reason}
            release = remote.ask("POST", f"{remote.here}/agents/{agent}:promote", body=body)["id"]
    else:
        from signoff.releases.actions import promote as promote_here

        with store_for(settings_for(data)) as store:
            caller = operator(workspace_for(store, workspace))
            release = promote_here(store, caller, agent, to=to, source=source, revision=number, reason=reason)
    show({"release": release}, as_json=as_json)
    return OK
