"""A run that waits across a release keeps its revision; re-pinned, it goes on under the other, and people are asked
anew."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from signoff.agents.body import Body
from signoff.kit import clock
from signoff.releases.actions import make_live, repin_run, roll_back
from signoff.tables.agents import Revision
from signoff.tables.approvals import Approval
from tests.engine.conftest import Bench
from tests.engine.kit_engine import House, turns
from tests.engine.test_approvals import gated, requests, said
from tests.kit_policy import let_it_tell_only


def release_second(bench: Bench, at: House) -> None:
    """Release a second revision with other words, as a person would."""
    with bench.store.write() as session:
        old = session.scalars(select(Revision).where(Revision.agent_id == at.agent_id)).one()
        body = Body.model_validate({**old.body, "sop": "Other words."})
        session.add(
            Revision(
                id="rev_second", workspace_id=at.workspace_id, agent_id=at.agent_id, number=2, hash=body.hash,
                body=body.plain(), author_id="mem_test", author_name="Test", reason="", created_at=clock.now(),
            )
        )  # fmt: skip
        session.flush()
        let_it_tell_only(session, at.workspace_id)
        make_live(session, at.who, at.agent_id, environment="production", revision=2, reason="other words")


def repin(bench: Bench, at: House, run_id: str, revision: int) -> None:
    with bench.store.write() as session:
        repin_run(session, at.who, run_id, revision=revision, reason="it can")


async def test_a_release_and_a_rollback_between_question_and_answer_change_nothing_for_the_run(bench: Bench):
    at = gated(bench, turns([("pay", {"n": 7})], "Paid."))
    run = await bench.waiting(bench.request(at))
    await bench.store.run(release_second, bench, at)
    second = await bench.waiting(bench.request(at))

    def back() -> None:
        with bench.store.write() as session:
            roll_back(session, at.who, at.agent_id, environment="production", reason="back")

    await bench.store.run(back)
    for waiting, number in ((run, 1), (second, 2)):
        await said(bench, at, requests(bench, waiting.id)[0], "approve")
        over = await bench.over(waiting.id)
        assert (over.state, over.revision_number) == ("completed", number)
    assert bench.ledger.calls() == [("pay", {"n": 7})] * 2


async def test_a_re_pinned_run_asks_anew_and_ends_under_the_other_revision(bench: Bench):
    at = gated(bench, turns([("pay", {"n": 7})], "Paid."))
    run = await bench.waiting(bench.request(at))
    await bench.store.run(release_second, bench, at)
    await bench.store.run(repin, bench, at, run.id, 2)
    # What was asked under the old revision is answered, and is good for nothing: the call waits again.
    await said(bench, at, requests(bench, run.id)[0], "approve")
    again = await bench.until(run.id, lambda it: it.waiting_for == "approval" and it.leg == 2, "the question")
    assert (again.revision_number, bench.ledger.calls()) == (2, [])
    found: list[Approval] = requests(bench, run.id)
    asked: list[Any] = [(one.revision_id == "rev_second", one.state) for one in found]
    assert asked == [(False, "approved"), (True, "pending")]
    await said(bench, at, found[1], "approve")
    over = await bench.over(run.id)
    assert (over.state, over.revision_number, over.leg) == ("completed", 2, 3)
    assert bench.ledger.calls() == [("pay", {"n": 7})]
