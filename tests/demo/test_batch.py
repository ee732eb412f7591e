"""Which messages of the mailbox get a run when the demo is started, and started again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from signoff.demo import script
from signoff.demo.batch import Batch, request_runs
from signoff.kit import clock
from signoff.settings import Settings
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.demo.test_stage import on_stage

pytestmark = pytest.mark.anyio


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    folder = tmp_path / "mail"
    folder.mkdir()
    for number in range(1, 6):
        (folder / f"{number}.eml").write_bytes(f"From: a@b.example\r\nSubject: Letter {number}\r\n\r\nHi\r\n".encode())
    return folder


async def started(settings: Settings, store: Store, mail: Path) -> Batch:
    async with on_stage(settings, store, mail) as (stage, services):
        return await request_runs(services, stage, script.MODEL)


def end(store: Store, states: dict[str, str]) -> None:
    """Let the runs with these titles have ended."""
    with store.write() as session:
        for run in session.scalars(select(Run).where(Run.state == "queued", Run.title.in_(states))):
            run.state, run.ended_at = states[run.title], clock.now()


def titles(store: Store, ids: Sequence[str]) -> list[str]:
    with store.read() as session:
        return sorted(session.scalars(select(Run.title).where(Run.id.in_(ids))))


async def test_what_ended_without_success_is_tried_again_at_the_next_start(
    settings: Settings, store: Store, mail: Path
) -> None:
    first = await started(settings, store, mail)
    ended = {"Letter 1": "failed", "Letter 2": "cancelled", "Letter 3": "rejected", "Letter 4": "completed"}
    end(store, ended)
    second = await started(settings, store, mail)
    third = await started(settings, store, mail)
    end(store, {"Letter 1": "failed"})
    fourth = await started(settings, store, mail)

    assert first.summary() == "5 new"
    assert second.summary() == "0 new, 3 tried again, 2 asked for before"
    assert titles(store, list(set(second.run_ids) - set(first.run_ids))) == ["Letter 1", "Letter 2", "Letter 3"]
    assert third.summary() == "0 new, 5 asked for before"
    assert third.run_ids == second.run_ids
    assert fourth.summary() == "0 new, 1 tried again, 4 asked for before"
    assert titles(store, list(set(fourth.run_ids) - set(third.run_ids))) == ["Letter 1"]


async def test_an_exact_copy_of_a_message_is_told_of(settings: Settings, store: Store, mail: Path) -> None:
    (mail / "again.eml").write_bytes((mail / "1.eml").read_bytes())
    one = await started(settings, store, mail)
    (mail / "and-again.eml").write_bytes((mail / "1.eml").read_bytes())
    two = await started(settings, store, mail)
    assert one.summary() == "5 new, 1 exact copy of one of them is not handled twice"
    assert two.summary() == "0 new, 5 asked for before, 2 exact copies of them are not handled twice"
