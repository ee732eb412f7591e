"""`signoff apply` and `signoff export`: agents as code."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from signoff.cli.exits import OK, VALIDATION, Stop, say
from signoff.cli.local import operator, settings_for, store_for, workspace_for
from signoff.cli.options import AsJson, DataDir, Key, Url, Workspace
from signoff.cli.output import show
from signoff.kit.text import on_terminal

_Folder = Annotated[Path, typer.Argument(help="The folder with one folder per agent.")]


def apply(
    folder: _Folder,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would change.")] = False,
    reason: Annotated[str, typer.Option("--reason", "-m", help="Kept with each revision.")] = "applied from files",
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Make the workspace say what the files say: all of them or none. A second time changes nothing."""
    answer = (
        _apply_there(folder, dry_run, reason, url, key)
        if url
        else _apply_here(folder, dry_run, reason, workspace, data)
    )
    if as_json:
        show(answer, as_json=True)
    else:
        print(on_terminal(answer["text"], keeps_lines=True))
    if any(item["kind"] == "refused" for item in answer["planned"]):
        raise Stop(VALIDATION, "There are errors; nothing was applied.")
    if not dry_run:
        changed = sum(item["kind"] != "same" for item in answer["applied"])
        say(f"{changed} of {len(answer['applied'])} agents changed.")
    return OK


def _apply_there(folder: Path, dry_run: bool, reason: str, url: str, key: str | None) -> dict[str, Any]:
    from signoff.agents.bundle import read_folder
    from signoff.agents.bundle.files import SOP_NAME, YAML_NAME
    from signoff.cli.remote import Remote

    agents: list[dict[str, Any]] = []
    for file in read_folder(folder):
        place = folder / file.slug if (folder / file.slug).is_dir() else folder
        sop = place / SOP_NAME
        agents.append(
            {
                "folder": place.name,
                "agent_yaml": (place / YAML_NAME).read_text(encoding="utf-8"),
                "sop_md": sop.read_text(encoding="utf-8") if sop.exists() else None,
            }
        )
    with Remote(url, key) as remote:
        body = {"agents": agents, "reason": reason, "dry_run": True}
        planned = remote.ask("POST", f"{remote.here}/agents:apply", body=body)
        if dry_run or any(item["kind"] == "refused" for item in planned["planned"]):
            return planned
        return remote.ask("POST", f"{remote.here}/agents:apply", body={**body, "dry_run": False})


def _apply_here(folder: Path, dry_run: bool, reason: str, workspace: str | None, data: Path | None) -> dict[str, Any]:
    from signoff.agents.bundle import plan, plan_text, read_folder
    from signoff.agents.facts import gather
    from signoff.api.answers import plain
    from signoff.deployments.bundle import apply_plan
    from signoff.gateways.model.knowledge import model_knowledge
    from signoff.gateways.model.prices import Prices
    from signoff.gateways.model.providers import Providers

    settings = settings_for(data)
    knowledge = model_knowledge(Providers(settings), Prices(settings))
    files = read_folder(folder)
    with store_for(settings) as store:
        caller = operator(workspace_for(store, workspace))
        with store.write() as session:
            facts = gather(session, caller, known_model=knowledge.known_model, has_price=knowledge.has_price)
            found = plan(session, caller, files, facts=facts)
            applied = [] if dry_run or found.is_refused else apply_plan(session, caller, found, reason=reason)
            planned = [
                {"slug": item.file.slug, "kind": item.kind, "freezes": item.freezes, "findings": plain(item.findings)}
                for item in found.items
            ]
            return {"planned": planned, "text": plan_text(found), "applied": plain(applied)}


def export(
    folder: _Folder,
    agent: Annotated[str | None, typer.Option("--agent", help="Only this one.")] = None,
    url: Url = None,
    key: Key = None,
    workspace: Workspace = None,
    as_json: AsJson = False,
    data: DataDir = None,
) -> int:
    """Write each agent at its newest revision as files. Nothing is removed."""
    from signoff.agents.bundle import export as export_agents
    from signoff.agents.bundle import read_texts, write_folder

    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            query = {"agent": agent} if agent else {}
            texts = remote.ask("GET", f"{remote.here}/agents:export", query=query)["agents"]
        files = [read_texts(item["folder"], item["agent_yaml"], item["sop_md"]) for item in texts]
    else:
        with store_for(settings_for(data)) as store:
            caller = operator(workspace_for(store, workspace))
            with store.read() as session:
                files = export_agents(session, caller, agent=agent)
    changed = [str(path) for path in write_folder(folder, files)]
    show({"agents": [file.slug for file in files], "changed": changed}, as_json=as_json)
    return OK
