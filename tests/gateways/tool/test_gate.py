"""A call that meets a gate is held until people agreed to this very call, and is then made once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import event, select, update

from signoff.gateways.tool.call import ToolCall, ToolOutcome
from signoff.gateways.tool.gateway import act
from signoff.kit import clock, ids
from signoff.tables.agents import Revision
from signoff.tables.approvals import Approval
from signoff.tables.people import Environment
from signoff.tables.runs import Run
from tests.gateways.kit_world import World
from tests.gateways.tool.kit_people import GATE, agreed, gated

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def requests(world: World) -> list[Approval]:
    with world.store.read() as session:
        return list(session.scalars(select(Approval).order_by(Approval.id)))


def later(world: World) -> World:
    """The next leg of the run."""
    return world.in_leg(world.run.leg + 1)


async def do(world: World, call: ToolCall) -> ToolOutcome:
    return await act(world.services, world.run, call)


async def held(world: World, call: ToolCall) -> Approval:
    """Make a call that must be held; return its request."""
    outcome = await do(world, call)
    assert (outcome.kind, outcome.code) == ("held", "needs_approval"), outcome
    assert world.link.sent == []
    (*_, row) = requests(world)
    assert outcome.hold == {"kind": "approval", "approval": row.id}
    return row


async def test_a_gated_call_is_held_with_its_request_and_the_step_says_why(world: World):
    world = gated(world, title="Post {{args.amount}}", summary="Note: {{args.note}}")
    call = world.call(amount=900, note="Invoice {{args.amount}}")
    row = await held(world, call)
    step = world.step(call.key)
    assert (step.state, step.verdicts[-1]["policy"], step.verdicts[-1]["kind"]) == ("waiting", "gate", "hold")
    assert "gate bills" in (step.reason or "")
    assert (row.title, row.summary) == ("Post 900", "Note: Invoice {{args.amount}}")
    assert (row.tool, row.effect, row.args) == (
        "erp.post_bill",
        "send",
        {"amount": 900, "note": "Invoice {{args.amount}}"},
    )
    assert world.effect(call.key) is None


async def test_agreed_to_it_is_made_once_with_the_same_arguments_and_the_approval_is_used_up(world: World):
    world = gated(world)
    call = world.call(amount=900)
    row = await held(world, call)
    agreed(world, row.id)
    world = later(world)
    assert (await do(world, call)).kind == "value"
    assert (await do(world, call)).kind == "value"
    assert [(tool, args) for tool, args, _ in world.link.sent] == [("post_bill", {"amount": 900})]
    verdict = world.step(call.key).verdicts[-1]
    assert verdict["reason"].startswith("Approved by Bob at ")
    (row,) = requests(world)
    assert row.used_at is not None


async def test_before_anybody_agreed_the_call_is_held_again_by_the_same_request(world: World):
    world = gated(world)
    call = world.call(amount=900)
    first = await held(world, call)
    assert (await held(world, call)).id == first.id


async def test_with_other_arguments_it_is_asked_anew(world: World):
    world = gated(world)
    call = world.call(amount=900)
    agreed(world, (await held(world, call)).id)
    world = later(world)
    second = await held(world, replace(call, args={"amount": 901}))
    assert second.args == {"amount": 901}
    assert len(requests(world)) == 2


async def test_an_approval_of_one_call_lets_no_other_by_even_with_the_same_arguments(world: World):
    world = gated(world)
    agreed(world, (await held(world, world.call(amount=900))).id)
    world = later(world)
    await held(world, world.call(number=2, amount=900))
    assert len(requests(world)) == 2


async def test_an_approval_under_another_revision_or_of_another_run_is_none(world: World):
    world = gated(world)
    call = world.call(amount=900)
    agreed(world, (await held(world, call)).id)
    second = ids.new_id("rev")

    def freeze(session: Any) -> None:
        body = world.run.body
        session.add(
            Revision(
                id=second, workspace_id=world.run.workspace_id, agent_id=world.run.agent_id, number=2, hash=body.hash,
                body=body.plain(), author_id="mem_x", author_name="Alice", reason="", created_at=clock.now(),
            )
        )  # fmt: skip

    world.change(freeze)
    await held(later(replace(world, run=replace(world.run, revision_id=second, revision_number=2))), call)
    other = world.another_run()
    other.change(lambda session: session.execute(update(Run).values(origin="production")))
    await held(other, replace(call, key=f"{other.run.run_id}:{call.call_id}"))
    assert len(requests(world)) == 3


async def test_edited_arguments_are_the_ones_that_may_be_sent(world: World):
    world = gated(world)
    call = world.call(amount=900)
    agreed(world, (await held(world, call)).id, args={"amount": 90})
    world = later(world)
    assert (await do(world, replace(call, args={"amount": 90}))).kind == "value"
    assert world.link.sent[0][1] == {"amount": 90}


async def test_what_was_forbidden_meanwhile_is_not_done_though_agreed_to(world: World):
    world = gated(world)
    call = world.call(amount=900)
    agreed(world, (await held(world, call)).id)
    world = later(world).with_body(tools=[{"slot": "erp", "allow": [{"tool": "look_up"}]}])
    outcome = await do(world, call)
    assert (outcome.kind, outcome.code) == ("failed", "not_granted")
    assert world.link.sent == []


@pytest.mark.parametrize(
    ("args", "asks"),
    [
        ({"amount": 500}, False),
        ({"amount": 501}, True),
        ({"amount": "500"}, True),  # not a number: refused by the schema, never let by
        ({}, True),  # not said
        ({"amount": None}, True),
        ({"amount": [500]}, True),
    ],
)
async def test_a_call_passes_without_asking_only_when_the_exception_holds_for_certain(
    world: World, args: dict[str, Any], asks: bool
):
    world = gated(world, unless={"amount": {"type": "number", "maximum": 500}})
    outcome = await do(world, world.call(**args))
    assert (outcome.kind == "value") is not asks
    assert bool(world.link.sent) is not asks


async def test_an_exception_that_cannot_be_checked_asks(world: World):
    world = gated(world, unless={"amount": {"type": "no such type"}})
    asked = await held(world, world.call(amount=1))
    assert (asked.gate, asked.state, world.link.sent) == ("bills", "pending", [])


async def test_the_first_gate_that_does_not_let_a_call_by_asks(world: World):
    world = gated(world)
    small = {**GATE, "name": "small", "unless": {"amount": {"maximum": 10}}}
    world = world.with_body(gates=[small, {**GATE, "name": "all", "tools": ["erp.*"]}])
    assert (await held(world, world.call(amount=5))).gate == "all"
    assert (await held(world, world.call(number=2, amount=50))).gate == "small"


async def test_a_gate_on_a_class_of_effect_meets_every_tool_of_it(world: World):
    world = gated(world, tools=[], effects=["send"])
    await held(world, world.call(amount=5))
    assert (await do(world, world.call("look_up", number=2))).kind == "value"


@pytest.mark.parametrize("blank", ["", "  ", "\n\t", "\u200b", "\u00a0", "\u3000"], ids=repr)
async def test_a_call_without_what_people_decide_by_is_refused_and_nobody_is_asked(world: World, blank: str):
    world = gated(world, required=["note", "amount"])
    outcome = await do(world, world.call(amount=5, note=blank))
    assert (outcome.kind, outcome.code) == ("failed", "approval_incomplete")
    assert "note" in (outcome.reason or "")
    assert requests(world) == []


@pytest.mark.parametrize("kind", ["sandbox", "test"])
async def test_a_rehearsal_and_a_test_ask_nobody_and_do_nothing(world: World, kind: str):
    world = gated(world)
    if kind == "test":
        world.change(lambda session: session.execute(update(Run).values(origin="test")))
    else:
        world = world.with_mode("sandbox")
    outcome = await do(world, world.call(amount=900))
    assert outcome.kind == "value"
    assert outcome.value["is_simulated"] is True
    assert (requests(world), world.link.sent) == ([], [])
    assert world.step(world.call().key).state == "simulated"


async def test_secrets_stand_in_a_request_by_name_only(world: World):
    world = gated(world)
    world.secret("token", "s3cr3t-value-1")
    row = await held(world, world.call(amount=1, note="{{secret.token}} s3cr3t-value-1"))
    assert "s3cr3t-value-1" not in str((row.args, row.card, row.title, row.summary))
    assert "{{secret.token}}" in row.args["note"]


async def test_a_revision_without_gates_reads_nothing_more_for_them(world: World):
    counted: list[str] = []
    event.listen(world.store.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    await do(world, world.call(amount=1))
    assert not [statement for statement in counted if "approvals" in statement]


QUESTION: dict[str, Any] = {"questions": [{"question": "Which one?", "options": ["a", "b"]}]}


def own(world: World, tool: str, number: int = 1, **args: Any) -> ToolCall:
    call_id = f"own_{number}"
    return ToolCall(f"{world.run.run_id}:{call_id}", call_id, "", tool, args, turn=1)


async def test_the_agent_asks_by_itself_only_where_its_revision_lets_it(world: World):
    world = gated(world)
    outcome = await do(world, own(world, "ask_person", 1, **QUESTION))
    assert (outcome.kind, outcome.code) == ("failed", "not_granted")
    world = world.with_body(asking={"questions": True, "asks": ["owner"]})
    wrong = await do(world, own(world, "ask_person", 2, questions=[]))
    assert (wrong.kind, wrong.code) == ("failed", "bad_arguments")
    asked = await do(world, own(world, "ask_person", 3, **QUESTION))
    (row,) = requests(world)
    assert asked.hold == {"kind": "question", "approval": row.id}
    assert (row.kind, row.asked_by_policy, row.effect, row.title) == ("question", "agent", "read", "Which one?")
    assert row.card["questions"][0]["options"] == ["a", "b"]
    assert world.step(f"{world.run.run_id}:own_3").state == "waiting"


async def test_a_login_is_asked_for_by_the_name_of_a_connection_the_agent_has(world: World):
    world = gated(world).with_body(asking={"logins": True, "asks": ["owner"]})
    wrong = await do(world, own(world, "request_login", connection="other", reason="401"))
    assert wrong.code == "bad_arguments"
    asked = await do(world, own(world, "request_login", 2, connection="erp", reason="401"))
    (row,) = requests(world)
    assert (asked.hold or {})["kind"] == "login"
    assert (row.kind, row.card["connection"], row.summary) == ("login", "erp", "401")


async def test_a_test_run_gets_a_stand_in_for_an_answer(world: World):
    world = gated(world).with_body(asking={"questions": True}).with_mode("sandbox")
    outcome = await do(world, own(world, "ask_person", 1, **QUESTION))
    assert outcome.kind == "value"
    assert requests(world) == []


def irreversible(world: World, gates: list[dict[str, Any]]) -> World:
    tools = [{"slot": "erp", "allow": [{"tool": "post_bill", "effect": "irreversible"}]}]
    world.change(lambda session: session.execute(update(Environment).values(is_production=True)))
    return gated(world).with_body(gates=gates, tools=tools, rules={"flow": "off"})


@pytest.mark.parametrize(
    "gates", [[], [{"name": "never", "tools": ["erp.post_bill"], "unless": {"amount": {"type": "number"}}}]]
)
async def test_what_cannot_be_undone_is_asked_about_in_production_also_where_no_gate_stands(
    world: World, gates: list[dict[str, Any]]
) -> None:
    """A run may name a revision that never went live, and a tool may become irreversible after its agent did."""
    at = irreversible(world, gates)
    outcome = await do(at, at.call("post_bill", amount=1))
    assert (outcome.kind, outcome.code, at.link.sent) == ("held", "needs_approval", [])
    (request,) = requests(at)
    assert (request.gate, request.effect) == ("irreversible", "irreversible")
    agreed(at, request.id)
    assert (await do(later(at), at.call("post_bill", amount=1))).kind == "value"
    assert len(at.link.sent) == 1


async def test_outside_production_it_is_not(world: World) -> None:
    at = irreversible(world, [])
    at.change(lambda session: session.execute(update(Environment).values(is_production=False)))
    assert (await do(at, at.call("post_bill", amount=1))).kind == "value"
