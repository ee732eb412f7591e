"""The demo's agent with a candidate beside it, against the real ERP over MCP: the ERP hears of the answers only."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from signoff.agents.queries import agent_by_slug
from signoff.demo import script
from signoff.demo.batch import request_runs
from signoff.demo.erp import tally
from signoff.demo.mailbox import write_mailbox
from signoff.demo.stage import AGENT, erp_database
from signoff.engine.worker import Worker
from signoff.people.queries import environment_by_slug
from signoff.runs.states import is_over
from signoff.settings import Settings
from signoff.tables.approvals import Approval
from signoff.tables.releases import ShadowPair
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.demo import test_play
from tests.demo.test_stage import on_stage
from tests.engine.kit_engine import House
from tests.engine.kit_shadow import on_trial, over

pytestmark = pytest.mark.anyio
# As the demo's agent, but that it may no longer post a bill: it is refused, and says so.
CAREFUL: dict[str, Any] = {"limits": {"turns": 3}}


def acts(erp: Path) -> list[tuple[str, str, str]]:
    return sorted((row.tool, row.outcome, row.subject) for row in tally.effects(erp))


def _same(output: str) -> str:
    return json.dumps(json.loads(output), sort_keys=True)


class Played:
    """What came of a mailbox: answers by title, what the ERP did, the pairs."""

    def __init__(self, store: Store, erp: Path, pairs: list[ShadowPair]) -> None:
        with store.read() as session:
            live = session.execute(select(Run.title, Run.state, Run.output).where(Run.mode == "live")).all()
            self.shadows = session.scalar(select(func.count()).where(Run.mode == "shadow"))
            self.asked = session.scalar(select(func.count()).select_from(Approval))
            self.live_runs = set(session.scalars(select(Run.id).where(Run.mode == "live")))
        self.answers = sorted((row.title, row.state, json.dumps(row.output, sort_keys=True)) for row in live)
        self.acts = acts(erp)
        self.acted_for = {str(row.idempotency_key).split(":")[0] for row in tally.effects(erp)}
        self.pairs = pairs


async def played(settings: Settings, store: Store, mail: Path, candidate: dict[str, Any], limit: int) -> Played:
    """Play the demo on a mailbox, with a candidate on trial."""
    settings = settings.model_copy(update={"poll_seconds": 0.2})
    await store.run(write_mailbox, mail)
    async with on_stage(settings, store, mail) as (stage, services):
        with store.read() as session:
            agent_id = agent_by_slug(session, stage.principal, AGENT).id
            place = environment_by_slug(session, stage.principal, "production").id
        at = House(stage.principal.workspace_id, agent_id, "", place)
        release = on_trial(store, at, shadow={"daily_usd": 100}, **candidate)
        worker = Worker()
        await worker.start(services)
        try:
            batch = await request_runs(services, stage, script.MODEL, limit=limit)
            await _all_over(store, batch.run_ids)
            pairs = await over(store, release, len(batch.run_ids))
        finally:
            await worker.stop()
        return Played(store, erp_database(settings, "production"), pairs)


async def _all_over(store: Store, run_ids: list[str]) -> None:
    def states() -> list[str]:
        with store.read() as session:
            return list(session.scalars(select(Run.state).where(Run.id.in_(run_ids))))

    async with asyncio.timeout(300):
        while not all(is_over(state) for state in await store.run(states)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_the_erp_hears_nothing_of_shadows_and_answers_stay_as_they_are(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    # Its words differ, what it does not: an equal candidate.
    beside = await played(settings, store, tmp_path / "mail", {"sop": "# Other words"}, 5)
    code, said = await store.run(test_play.play, tmp_path / "alone", str(tmp_path / "mail"), "5")
    assert code == 0, said
    alone = test_play.runs(tmp_path / "alone")

    assert len(beside.answers) == 5
    assert beside.answers == sorted((run["title"], run["state"], _same(run["output"])) for run in alone)
    assert beside.acts == acts(tmp_path / "alone" / "erp.sqlite")
    assert beside.acts
    assert beside.acted_for <= beside.live_runs
    assert (beside.shadows, beside.asked) == (5, 0)
    assert {(pair.state, pair.is_equal) for pair in beside.pairs} == {("compared", True)}, [
        pair.differences for pair in beside.pairs if not pair.is_equal
    ]


async def test_a_candidate_that_would_do_otherwise_is_told_of(settings: Settings, store: Store, tmp_path: Path) -> None:
    found = await played(settings, store, tmp_path / "mail", CAREFUL, 3)
    posted = [pair for pair in found.pairs if "no more: erp.post_bill" in pair.differences.get("named", ())]
    assert posted
    assert all(pair.differences["status"]["would_be"] == "failed" for pair in posted)
    assert found.acted_for <= found.live_runs


@pytest.mark.slow
async def test_a_whole_mailbox_beside_its_candidate(settings: Settings, store: Store, tmp_path: Path) -> None:
    found = await played(settings, store, tmp_path / "mail", {"sop": "# Other words"}, 100)
    assert len(found.answers) == 32
    assert {(pair.state, pair.is_equal) for pair in found.pairs} == {("compared", True)}
    assert tally.doubles(erp_database(settings, "production")) == []
    assert found.acted_for <= found.live_runs
