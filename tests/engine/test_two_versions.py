"""An upgrade with runs in flight, and back: workers of two application versions of the engine on one database.

Legs never change hands between versions. So an old worker that is told to stop finishes its legs, what waits goes on
under the new version, and a leg whose old worker was killed waits for a worker of its own version.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import pytest
from sqlalchemy import select

from signoff.runs import actions
from signoff.tables.approvals import Approval
from signoff.tables.runs import Leg, Run
from signoff.tables.session import Store
from tests.engine.kit_engine import House, Ledger, agent, house
from tests.engine.kit_processes import Processes, until
from tests.engine.test_killed_at_gates import start as start_gated

OLD, NEW = "signoff-before", "signoff-after"
GRACE_SECONDS = 60.0
# On one machine a killed worker is known at once; a living one must not be taken for dead because the machine is busy.
LEASE_SECONDS = 15.0


@pytest.fixture
def processes(tmp_path: Path, database_url: str) -> Generator[Processes]:
    (tmp_path / "data").mkdir()
    made = Processes(tmp_path / "data", database_url, tmp_path / "ledger.sqlite")
    yield made
    made.end_all()


def run_of(store: Store, run_id: str) -> Run:
    with store.read() as session:
        return session.get_one(Run, run_id)


def over(store: Store, *run_ids: str) -> None:
    until(lambda: all(run_of(store, run).state in ("completed", "failed") for run in run_ids), "the runs to end")
    assert {(run_of(store, run).state, run_of(store, run).code) for run in run_ids} == {("completed", None)}


def workers_of(store: Store, run_id: str) -> list[str | None]:
    with store.read() as session:
        return list(session.scalars(select(Leg.worker).where(Leg.run_id == run_id).order_by(Leg.number)))


def pid_in(worker: str | None) -> int:
    return int((worker or "").split("-")[-2])


def approve_all(store: Store, at: House, processes: Processes) -> None:
    with store.read() as session:
        open_now = session.scalars(select(Approval.id).where(Approval.state == "pending")).all()
    assert open_now
    for approval_id in open_now:
        assert processes.ended(processes.answer(at.workspace_id, approval_id)) == 0


def stop(processes: Processes, process: ForkServerProcess, gate: Path) -> None:
    """Tell a worker to stop while it has a leg at work, then let that leg come to its end."""
    process.terminate()
    gate.touch()
    assert processes.ended(process) == 0


def request(store: Store, at: House, slug: str) -> str:
    with store.write() as session:
        return actions.request_run(session, at.who, agent=slug, input="Please.").id


@pytest.mark.parametrize(("first", "second"), [(OLD, NEW), (NEW, OLD)], ids=["forward", "back"])
def test_what_runs_is_finished_by_its_own_version_and_what_waits_goes_on_under_the_other(
    store: Store, processes: Processes, first: str, second: str
) -> None:
    at, waiting = start_gated(store)
    agent(store, at, "gate", slug="slow", rules={"flow": "off"})
    running = request(store, at, "slow")
    gate = processes.data_dir / "gate"
    before = processes.start(until="stopped", version=first, lease_seconds=LEASE_SECONDS, grace_seconds=GRACE_SECONDS)
    until(lambda: run_of(store, waiting).state == "waiting", "the request to people")
    until(gate.with_suffix(".reached").exists, "the leg to be at work")
    after = processes.start(until="stopped", version=second, lease_seconds=LEASE_SECONDS, grace_seconds=GRACE_SECONDS)
    stop(processes, before, gate)
    over(store, running)
    approve_all(store, at, processes)
    queued = request(store, at, "slow")
    over(store, waiting, queued)
    after.terminate()
    assert processes.ended(after) == 0
    assert [pid_in(worker) for worker in workers_of(store, running)] == [before.pid]
    assert [pid_in(worker) for worker in workers_of(store, waiting)] == [before.pid, after.pid]
    assert [pid_in(worker) for worker in workers_of(store, queued)] == [after.pid]
    written = Counter((key.split(":")[0], tool, str(args)) for key, tool, args in Ledger(processes.ledger).writes())
    assert set(written.values()) == {1}
    assert sum(run == waiting for run, _, _ in written) == 2
    assert sum(run in (running, queued) for run, _, _ in written) == 2


def test_a_leg_whose_worker_was_killed_waits_for_one_of_its_own_version(store: Store, processes: Processes) -> None:
    at = house(store, "unused")
    agent(store, at, "gate", slug="slow", rules={"flow": "off"})
    stranded = request(store, at, "slow")
    gate = processes.data_dir / "gate"
    before = processes.start(until="stopped", version=OLD, lease_seconds=LEASE_SECONDS)
    until(gate.with_suffix(".reached").exists, "the leg to be at work")
    before.kill()
    processes.ended(before)
    gate.touch()
    after = processes.start(until="stopped", version=NEW, lease_seconds=LEASE_SECONDS)
    fresh = request(store, at, "slow")
    over(store, fresh)
    assert run_of(store, stranded).state == "running"
    helper = processes.start(until="stopped", version=OLD, lease_seconds=LEASE_SECONDS, grace_seconds=GRACE_SECONDS)
    over(store, stranded)
    for process in (after, helper):
        process.terminate()
        assert processes.ended(process) == 0
    posts = Counter(key.split(":")[0] for key, tool, _ in Ledger(processes.ledger).writes() if tool == "post")
    assert posts == {stranded: 1, fresh: 1}
