"""Runs on the machine itself: when nobody else works, this process does while it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from signoff import durable
from signoff.api.answers import plain
from signoff.app import build_services
from signoff.cli.exits import say
from signoff.cli.local import operator, settings_for, store_for, workspace_for
from signoff.durable.census import Census
from signoff.engine.worker import Worker
from signoff.gateways.services import Services
from signoff.people.access import Principal
from signoff.runs import queries
from signoff.runs.actions import request_run
from signoff.runs.filters import Children, RunFilter
from signoff.runs.following import follow_run, until_over
from signoff.settings import Settings

_FOR_EVER = 1e9


def run_here(
    agent: str,
    wish: dict[str, Any],
    *,
    wait: bool,
    workspace: str | None,
    data: Path | None,
    tell: Callable[[str, dict[str, Any]], None],
) -> dict[str, Any]:
    """Start a run on this machine's database; with `wait`, return it once it is over or waits for a person."""
    settings = settings_for(data)
    return asyncio.run(_run(settings, agent, wish, wait, workspace, tell))


async def _run(
    settings: Settings,
    agent: str,
    wish: dict[str, Any],
    wait: bool,
    workspace: str | None,
    tell: Callable[[str, dict[str, Any]], None],
) -> dict[str, Any]:
    services = build_services(settings, may_act=durable.may_act)
    try:
        caller = operator(workspace_for(services.store, workspace))
        with services.store.write() as session:
            made = request_run(
                session,
                caller,
                agent=agent,
                input=wish["input"],
                environment=wish["environment"],
                revision=wish["revisionId"],
                mode=wish["mode"],
                sticky_key=wish["stickyKey"],
                source="cli",
            )
        is_worked_on = is_anyone_working(settings)
        if not wait:
            if not is_worked_on:
                say("No worker is alive; the run starts with: signoff serve")
            return {"id": made.id, "state": made.state, "revision": made.revision_number, "reason": made.reason}
        return await _waited(services, caller, made.id, is_worked_on, tell)
    finally:
        await services.close()
        services.store.close()


async def _waited(
    services: Services, caller: Principal, run_id: str, is_worked_on: bool, tell: Callable[[str, dict[str, Any]], None]
) -> dict[str, Any]:
    worker = None if is_worked_on else Worker()
    if worker is not None:
        say("No worker is alive; this process carries the run out.")
        await worker.start(services)
    try:
        watching = asyncio.create_task(_watch(services, caller, run_id, tell))
        found = await until_over(services.store, caller, run_id, seconds=_FOR_EVER)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    finally:
        if worker is not None:
            await worker.stop()
    return {**plain(found.run), "output": plain(found.output)}


async def _watch(
    services: Services, caller: Principal, run_id: str, tell: Callable[[str, dict[str, Any]], None]
) -> None:
    async for events in follow_run(services.store, caller, run_id):
        for event in events:
            tell(event.kind, event.data)


def is_anyone_working(settings: Settings) -> bool:
    """Return whether a worker is alive on this machine's database."""
    census = Census(settings)
    try:
        return bool(census.alive())
    finally:
        census.close()


def runs_here(
    *,
    agent: str | None,
    states: list[str] | None,
    text: str | None,
    attention: bool,
    children: Children,
    limit: int,
    workspace: str | None,
    data: Path | None,
) -> list[dict[str, Any]]:
    """Return runs of this machine's database, newest first."""
    wanted = RunFilter(
        agent=agent, states=tuple(states or ()), text=text, needs_attention=attention or None, children=children
    )
    with store_for(settings_for(data)) as store:
        caller = operator(workspace_for(store, workspace))
        with store.read() as session:
            return plain(list(queries.runs_page(session, caller, wanted, None, limit).rows))


def follow_here(
    run_id: str, *, workspace: str | None, data: Path | None, tell: Callable[[int, str, dict[str, Any]], None]
) -> None:
    """Tell every event of a run until it ends."""
    with store_for(settings_for(data)) as store:
        caller = operator(workspace_for(store, workspace))

        async def follow() -> None:
            async for events in follow_run(store, caller, run_id):
                for event in events:
                    tell(event.id, event.kind, {**event.data, "at": plain(event.at)})

        asyncio.run(follow())
