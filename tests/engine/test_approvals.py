"""Runs that wait for people: held, answered, and gone on with, whatever happens in between."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from sqlalchemy import select, update

from signoff.agents.body import Body
from signoff.approvals.actions import decide, expire
from signoff.gateways.model.providers import forget_script, register_script
from signoff.kit import clock, ids
from signoff.people.access import Principal
from signoff.runs import actions
from signoff.tables.agents import Agent, Revision
from signoff.tables.approvals import Approval
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import Member, Person
from signoff.tables.runs import Leg, Run
from tests.engine.conftest import Bench
from tests.engine.kit_engine import House, Script, agent, turns

GATE: dict[str, Any] = {"name": "pay", "tools": ["erp.pay"], "asks": ["owner"]}


def gated(bench: Bench, script: Script, *, gate: dict[str, Any] | None = None, **changes: Any) -> House:
    """A workspace whose agent has a gate, and an owner, Bob, who can be asked."""
    at = bench.house(script, gates=[{**GATE, **(gate or {})}], **changes)
    with bench.store.write() as session:
        session.add(Person(id=ids.new_id("per"), email="bob@acme.example", name="Bob", created_at=clock.now()))
        session.flush()
        person = session.scalars(select(Person)).one()
        session.add(
            Member(
                id="mem_bob", workspace_id=at.workspace_id, person_id=person.id, role="builder", created_at=clock.now()
            )
        )
        session.flush()
        session.get_one(Agent, at.agent_id).owner_id = "mem_bob"
    return at


def requests(bench: Bench, run_id: str) -> list[Approval]:
    with bench.store.read() as session:
        return list(session.scalars(select(Approval).where(Approval.run_id == run_id).order_by(Approval.id)))


async def said(bench: Bench, at: House, approval: Approval, verdict: Any, **more: Any) -> None:
    def work() -> None:
        bob = Principal("member", "mem_bob", "Bob", at.workspace_id, "builder")
        with bench.store.write() as session:
            decide(session, bob, approval.id, verdict=verdict, **more)

    await bench.store.run(work)


def remembering(*turns_said: Any) -> tuple[Script, list[dict[str, Any]]]:
    """A script, and what each of its calls was answered with: by the number of the call in the run."""
    told: list[dict[str, Any]] = []
    play = turns(*turns_said)

    def script(messages: list[ModelMessage], info: Any) -> ModelResponse:
        told[:] = [
            {"tool": part.tool_name, "outcome": part.outcome, "content": part.content}
            for message in messages
            for part in getattr(message, "parts", ())
            if isinstance(part, ToolReturnPart)
        ]
        return play(messages, info)

    return script, told


async def test_a_gated_call_parks_the_run_and_approved_it_is_made_with_its_own_arguments(bench: Bench):
    at = gated(bench, turns([("pay", {"n": 7})], "Paid."))
    run = await bench.waiting(bench.request(at))
    assert (run.waiting_for, run.code) == ("approval", "needs_approval")
    assert bench.ledger.calls() == []
    (request,) = requests(bench, run.id)
    await said(bench, at, request, "approve")
    run = await bench.over(run.id)
    assert (run.state, run.output, run.leg) == ("completed", "Paid.", 2)
    assert bench.ledger.calls() == [("pay", {"n": 7})]
    (used,) = requests(bench, run.id)
    assert used.used_at is not None


async def test_more_runs_wait_than_a_worker_has_room_for_and_others_run_meanwhile(bench: Bench):
    room = bench.settings.worker_concurrency
    at = gated(bench, turns([("pay", {"n": 1})], "Paid."))
    asked = [bench.request(at, {"subject": f"Number {n}"}) for n in range(room + 4)]
    for run_id in asked:
        await bench.waiting(run_id)
    with bench.store.read() as session:
        assert session.scalars(select(Leg.state).distinct()).all() == ["waiting"]
    register_script("free", turns([("look", {"n": 9})], "Free."))
    agent(bench.store, at, "free", slug="free")
    assert (await bench.over(bench.request(at, agent="free"))).state == "completed"
    await said(bench, at, requests(bench, asked[-1])[0], "approve")
    assert (await bench.over(asked[-1])).state == "completed"
    forget_script("free")


async def test_a_denial_is_what_the_model_is_told_and_the_tool_is_not_called(bench: Bench):
    script, told = remembering([("pay", {"n": 7})], "Then not.")
    at = gated(bench, script)
    run = await bench.waiting(bench.request(at))
    await said(bench, at, requests(bench, run.id)[0], "deny", reason="It was paid on Monday.")
    run = await bench.over(run.id)
    assert (run.state, run.output) == ("completed", "Then not.")
    assert bench.ledger.calls() == []
    (answer,) = told
    assert "Bob denied this: It was paid on Monday." in str(answer["content"])
    step = next(step for step in bench.steps(run.id) if step.kind == "tool")
    assert (step.state, step.code) == ("refused", "denied")


async def test_several_held_calls_are_answered_in_any_order_and_what_needed_nobody_ran_once_before(bench: Bench):
    script, told = remembering(
        [("pay", {"n": 1}), ("look", {"n": 2}), ("pay", {"n": 3}), ("post", {"n": 4}), ("pay", {"n": 5})], "Done."
    )
    at = gated(bench, script)
    run = await bench.waiting(bench.request(at))
    assert sorted(bench.ledger.calls(), key=str) == [("look", {"n": 2}), ("post", {"n": 4})]
    by_n = {request.args["n"]: request for request in requests(bench, run.id)}
    await said(bench, at, by_n[5], "approve")
    await said(bench, at, by_n[1], "deny", reason="not one")
    assert bench.run(run.id).state == "waiting"
    assert bench.ledger.calls("pay") == []
    await said(bench, at, by_n[3], "approve")
    run = await bench.over(run.id)
    assert (run.state, run.output) == ("completed", "Done.")
    assert sorted(bench.ledger.calls(), key=str) == [
        ("look", {"n": 2}), ("pay", {"n": 3}), ("pay", {"n": 5}), ("post", {"n": 4}),
    ]  # fmt: skip
    paid = [one for one in told if one["tool"] == "erp_pay"]
    assert ["not one" in str(one["content"]) for one in paid] == [True, False, False]


async def test_edited_arguments_are_sent_and_the_model_knows_what_was_done(bench: Bench):
    script, told = remembering([("pay", {"n": 700})], "Paid.")
    at = gated(bench, script)
    run = await bench.waiting(bench.request(at))
    await said(bench, at, requests(bench, run.id)[0], "approve", args={"n": 70})
    assert (await bench.over(run.id)).state == "completed"
    assert bench.ledger.calls() == [("pay", {"n": 70})]
    (answer,) = told
    assert answer["content"]["arguments"] == {"n": 70}
    assert answer["content"]["result"] == {"ok": {"n": 70}}


async def test_other_arguments_after_an_approval_need_a_new_one(bench: Bench):
    at = gated(bench, turns([("pay", {"n": 1})], [("pay", {"n": 2})], "Paid twice."))
    run = await bench.waiting(bench.request(at))
    await said(bench, at, requests(bench, run.id)[0], "approve")
    run = await bench.until(run.id, lambda run: run.waiting_for == "approval" and run.leg == 2, "the second request")
    first, second = requests(bench, run.id)
    assert (first.state, second.state, second.args) == ("approved", "pending", {"n": 2})
    assert bench.ledger.calls() == [("pay", {"n": 1})]
    await said(bench, at, second, "deny", reason="no")
    assert (await bench.over(run.id)).state == "completed"
    assert bench.ledger.calls() == [("pay", {"n": 1})]


async def test_the_second_denial_ends_the_run_as_denied_and_somebody_is_told(bench: Bench):
    at = gated(bench, turns([("pay", {"n": 1})], [("pay", {"n": 2})], "Never said."))
    run = await bench.waiting(bench.request(at))
    await said(bench, at, requests(bench, run.id)[0], "deny", reason="no")
    run = await bench.until(run.id, lambda run: run.waiting_for == "approval" and run.leg == 2, "the second request")
    await said(bench, at, requests(bench, run.id)[1], "deny", reason="still no")
    run = await bench.over(run.id)
    assert (run.state, run.code, run.output) == ("failed", "denied", None)
    assert "still no" in (run.reason or "")
    assert bench.ledger.calls() == []
    assert (await bench.alert(f"denied:{run.id}")).kind == "approval_denied_again"


@pytest.mark.parametrize(("on_deadline", "state"), [("deny", "completed"), ("fail", "failed")])
async def test_an_unanswered_request_ends_as_its_gate_says(bench: Bench, on_deadline: str, state: str):
    at = gated(bench, turns([("pay", {"n": 1})], "Without it."), gate={"on_deadline": on_deadline})
    run = await bench.waiting(bench.request(at))

    def deadline() -> None:
        with bench.store.write() as session:
            session.execute(update(Approval).values(deadline_at=clock.now()))
            assert expire(session, session.scalars(select(Approval.id)).one())

    await bench.store.run(deadline)
    run = await bench.over(run.id)
    assert (run.state, bench.ledger.calls()) == (state, [])
    assert run.code == ("approval_expired" if state == "failed" else None)


async def test_a_new_revision_between_question_and_answer_changes_nothing_for_the_run(bench: Bench):
    at = gated(bench, turns([("pay", {"n": 7})], "Paid."))
    run = await bench.waiting(bench.request(at))

    def deploy() -> None:
        with bench.store.write() as session:
            old = session.scalars(select(Revision).where(Revision.agent_id == at.agent_id)).one()
            body = Body.model_validate({**old.body, "gates": [], "sop": "Other words."})
            session.add(
                Revision(
                    id="rev_second", workspace_id=at.workspace_id, agent_id=at.agent_id, number=2, hash=body.hash,
                    body=body.plain(), author_id="mem_test", author_name="Test", reason="", created_at=clock.now(),
                )
            )  # fmt: skip
            session.flush()
            session.execute(update(LiveRevision).values(revision_id="rev_second"))

    await bench.store.run(deploy)
    await said(bench, at, requests(bench, run.id)[0], "approve")
    run = await bench.over(run.id)
    assert (run.state, run.revision_number) == ("completed", 1)
    assert bench.ledger.calls() == [("pay", {"n": 7})]


async def test_what_a_called_off_run_asked_is_withdrawn(bench: Bench):
    at = gated(bench, turns([("pay", {"n": 7})], "Paid."))
    run = await bench.waiting(bench.request(at))

    def cancel() -> None:
        with bench.store.write() as session:
            actions.cancel_run(session, at.who, run.id)

    await bench.store.run(cancel)
    async with asyncio.timeout(60):
        while (await bench.store.run(requests, bench, run.id))[0].state == "pending":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    (request,) = requests(bench, run.id)
    assert (request.state, request.reason) == ("withdrawn", "its run was called off")
    assert bench.ledger.calls() == []


async def test_a_question_is_answered_with_what_was_chosen(bench: Bench):
    asked = {
        "questions": [
            {"header": "Sizes", "question": "Which sizes?", "options": ["S", "M", "L"], "is_multiple": True},
            {"question": "For whom?"},
        ]
    }
    told: list[Any] = []

    def script(messages: list[ModelMessage], info: Any) -> ModelResponse:
        parts = [part for message in messages for part in message.parts if isinstance(part, ToolReturnPart)]
        if parts:
            told.append(parts[-1].content)
            return ModelResponse(parts=[TextPart("Thanks.")])
        assert "ask_person" in {tool.name for tool in info.function_tools}
        return ModelResponse(parts=[ToolCallPart("ask_person", asked)])

    at = gated(bench, script, asking={"questions": True, "asks": ["owner"]})
    run = await bench.waiting(bench.request(at))
    assert (run.waiting_for, run.code) == ("question", "needs_answer")
    await said(
        bench, at, requests(bench, run.id)[0], "answer", answers=[{"options": ["S", "L"]}, {"text": "For Ms Vance."}]
    )
    run = await bench.over(run.id)
    assert (run.state, run.output) == ("completed", "Thanks.")
    assert told == [
        [
            {"question": "Which sizes?", "options": ["S", "L"]},
            {"question": "For whom?", "options": [], "text": "For Ms Vance."},
        ]
    ]
    step = next(step for step in bench.steps(run.id) if step.kind == "tool")
    assert (step.name, step.state, step.effect) == ("ask_person", "completed", "read")


async def test_a_login_that_was_provided_lets_the_run_go_on(bench: Bench):
    def script(messages: list[ModelMessage], info: Any) -> ModelResponse:
        number = sum(isinstance(message, ModelResponse) for message in messages)
        calls = [
            ToolCallPart("request_login", {"connection": "erp", "reason": "401"}),
            ToolCallPart("erp_look", {"n": 1}),
        ]
        return ModelResponse(parts=[calls[number] if number < 2 else TextPart("In.")])

    at = gated(bench, script, asking={"logins": True, "asks": ["owner"]})
    run = await bench.waiting(bench.request(at))
    assert run.waiting_for == "login"
    await said(bench, at, requests(bench, run.id)[0], "answer", reason="Signed in again.")
    assert (await bench.over(run.id)).output == "In."
    assert bench.ledger.calls() == [("look", {"n": 1})]


async def test_an_answer_given_while_the_leg_still_ends_is_not_lost(bench: Bench):
    reached, go = asyncio.Event(), asyncio.Event()

    async def slowly(messages: list[ModelMessage], info: Any) -> ModelResponse:
        if len(messages) > 1:
            return ModelResponse(parts=[TextPart("Done.")])
        return ModelResponse(parts=[ToolCallPart("erp_pay", {"n": 1}), ToolCallPart("erp_look", {"n": 2})])

    async def look(tool: str, args: dict[str, Any]) -> None:
        reached.set()
        await go.wait()

    at = gated(bench, slowly)
    bench.behave["look"] = look
    run_id = bench.request(at)
    async with asyncio.timeout(60):
        await reached.wait()
        while not await bench.store.run(requests, bench, run_id):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert bench.run(run_id).state == "running"
    await said(bench, at, requests(bench, run_id)[0], "approve")
    go.set()
    run = await bench.over(run_id)
    assert (run.state, bench.ledger.calls("pay")) == ("completed", [("pay", {"n": 1})])


async def test_the_run_of_a_test_asks_nobody(bench: Bench):
    at = gated(bench, turns([("pay", {"n": 7})], "Rehearsed."))
    run = await bench.over(bench.request(at, origin="test"))
    assert (run.state, run.output, bench.ledger.calls()) == ("completed", "Rehearsed.", [])
    assert requests(bench, run.id) == []


async def test_nobody_can_answer_twice_for_one_run(bench: Bench):
    at = gated(bench, turns([("pay", {"n": 7})], "Paid."))
    run = await bench.waiting(bench.request(at))
    (request,) = requests(bench, run.id)
    both = await asyncio.gather(*(said(bench, at, request, "approve") for _ in range(4)), return_exceptions=True)
    assert sum(one is None for one in both) == 1
    await bench.over(run.id)
    assert bench.ledger.calls() == [("pay", {"n": 7})]
    with bench.store.read() as session:
        assert session.scalars(select(Run.leg).where(Run.id == run.id)).one() == 2
