"""A worker in a process of its own, which a test may kill at a named point: run by `kit_processes`."""

from __future__ import annotations

import asyncio
import os
import signal
import warnings
from pathlib import Path
from typing import Any

from sqlalchemy import and_, func, or_, select

from signoff.approvals.actions import decide
from signoff.durable import door
from signoff.engine.worker import Worker
from signoff.gateways.model.providers import register_script
from signoff.people.access import Principal
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.engine.kit_engine import Ledger, calling, engine_settings, services_for, turns

# Each act once: what the ledger must hold when a run of the shape is done.
SHAPES: dict[str, tuple[Any, ...]] = {
    "plain": ("Nothing to do.",),
    "five": ([("look", {"n": 1})], [("post", {"n": 2})], [("look", {"n": 3})], [("post", {"n": 4})],
             [("pay", {"n": 5})], "Five done."),
    "parallel": ([("look", {"n": 1}), ("post", {"n": 2}), ("look", {"n": 3}), ("post", {"n": 4})], "All four done."),
    "gated": ([("look", {"n": 1}), ("pay", {"n": 2}), ("pay", {"n": 3})], "Both paid."),
    "safe": ([("post_safe", {"n": 1})], [("look", {"n": 2})], "Safe and done."),
}  # fmt: skip


def expected(shape: str) -> list[tuple[str, dict[str, Any]]]:
    """What must have happened outside."""
    return [call for turn in SHAPES[shape] if not isinstance(turn, str) for call in turn]


def work(
    data_dir: str, database_url: str, ledger: str, fault: str, until: str, lease_seconds: float, version: str = "",
    grace_seconds: float = 0.0,
) -> None:  # fmt: skip
    """Work until every run is over or waits (`until` = "done"), or until terminated ("stopped")."""
    os.environ["SIGNOFF_TEST_BUILD"] = "1"
    os.environ["SIGNOFF_FAULT"] = fault
    warnings.simplefilter("ignore", ResourceWarning)
    if version:
        door.APPLICATION_VERSION = version  # A process of another release of the engine's sequences.
    for shape, said in SHAPES.items():
        register_script(shape, turns(*said))
    register_script("family_parent", calling([("ask_helper", {"input": "a"}), ("ask_other", {"input": "b"})], "Both."))
    register_script("family_child", calling([("erp_post_safe", {"n": 1})], "Done."))
    asyncio.run(_work(Path(data_dir), database_url, Path(ledger), until, lease_seconds, grace_seconds))


def answer(database_url: str, workspace_id: str, approval_id: str, fault: str) -> None:
    """Approve a request as the member Bob."""
    os.environ["SIGNOFF_TEST_BUILD"] = "1"
    os.environ["SIGNOFF_FAULT"] = fault
    store = Store.open(database_url)
    bob = Principal("member", "mem_bob", "Bob", workspace_id, "builder")
    with store.write() as session:
        decide(session, bob, approval_id, verdict="approve")
    store.close()


async def _work(
    data_dir: Path, database_url: str, ledger: Path, until: str, lease_seconds: float, grace_seconds: float
) -> None:
    times = {"lease_seconds": lease_seconds, "shutdown_grace_seconds": grace_seconds}
    settings = engine_settings(data_dir, database_url, allow_loopback=True, **times)
    store = Store.open(database_url)
    register_script("gate", _gated(data_dir / "gate"))
    services = services_for(settings, store, Ledger(ledger))
    worker = Worker()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    await worker.start(services)
    while not stopped.is_set() and not (until == "done" and await store.run(_is_done, store)):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    await worker.stop()
    await services.close()
    store.close()


def _is_done(store: Store) -> bool:
    # One statement: between two, a run may move from what the second counts to what the first counted.
    by_itself = or_(Run.waiting_for.is_(None), Run.waiting_for == "sub_agent")
    going_on = and_(Run.state == "waiting", by_itself)
    open_runs = select(func.count()).select_from(Run).where(or_(Run.state.in_(("queued", "running")), going_on))
    with store.read() as session:
        return not session.scalar(open_runs)


def _gated(gate: Path) -> Any:
    """A script that thinks until the file `gate` exists, then posts once, then is done."""
    said = turns([("post", {"n": 1})], "Posted.")

    async def play(messages: list[Any], info: Any) -> Any:
        gate.with_suffix(".reached").touch()
        while not gate.exists():  # noqa: ASYNC110, ASYNC240
            await asyncio.sleep(0.01)
        return said(messages, info)

    return play
