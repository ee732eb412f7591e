"""Evaluations on the machine itself: when nobody else works, this process does while it waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

from signoff import durable
from signoff.api.answers import plain
from signoff.app import build_services
from signoff.cli.evaluation_desks import dataset_of
from signoff.cli.exits import say
from signoff.cli.local import operator, settings_for, workspace_for
from signoff.cli.running import is_anyone_working
from signoff.engine.worker import Worker
from signoff.evaluations.actions import request_evaluation
from signoff.evaluations.queries import datasets_of
from signoff.evaluations.results import evaluation
from signoff.gateways.services import Services
from signoff.people.access import Principal
from signoff.settings import Settings

_LOOK_SECONDS = 0.5


def evaluate_here(
    agent: str,
    dataset: str,
    wish: dict[str, Any],
    *,
    wait: bool,
    workspace: str | None,
    data: Path | None,
    tell: Callable[[dict[str, Any]], bool],
) -> dict[str, Any]:
    """Ask for an evaluation on this machine's database; with `wait`, return it once `tell` says that it is over."""
    return asyncio.run(_evaluate(settings_for(data), agent, dataset, wish, wait, workspace, tell))


async def _evaluate(
    settings: Settings,
    agent: str,
    dataset: str,
    wish: dict[str, Any],
    wait: bool,
    workspace: str | None,
    tell: Callable[[dict[str, Any]], bool],
) -> dict[str, Any]:
    services = build_services(settings, may_act=durable.may_act)
    try:
        caller = operator(workspace_for(services.store, workspace))
        with services.store.write() as session:
            known = [plain(one) for one in datasets_of(session, caller, agent)]
            cap = Decimal(wish["cap_usd"]) if wish.get("cap_usd") else None
            made = request_evaluation(
                session, caller, agent, dataset_of(known, dataset)["id"], environment=wish["environment"],
                revision=wish.get("revision"), draft=wish["draft"], cap_usd=cap,
            )  # fmt: skip
        is_worked_on = is_anyone_working(settings)
        if wait:
            return await _waited(services, caller, made, is_worked_on, tell)
        if not is_worked_on:
            say("No worker is alive; the evaluation begins with: signoff serve")
        return _found(services, caller, made)
    finally:
        await services.close()
        services.store.close()


async def _waited(
    services: Services, caller: Principal, made: str, is_worked_on: bool, tell: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    worker = None if is_worked_on else Worker()
    if worker is not None:
        say("No worker is alive; this process carries the evaluation out.")
        await worker.start(services)
    try:
        while not tell(found := _found(services, caller, made)):  # noqa: ASYNC110  # Nobody signals a verdict.
            await asyncio.sleep(_LOOK_SECONDS)
    finally:
        if worker is not None:
            await worker.stop()
    return found


def _found(services: Services, caller: Principal, made: str) -> dict[str, Any]:
    with services.store.read() as session:
        return plain(evaluation(session, caller, made))
