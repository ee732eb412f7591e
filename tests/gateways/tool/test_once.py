"""The ledger of effects: towards a system without idempotency keys, exactly one request, whatever dies when."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select, update

from signoff.connectors import faults
from signoff.connectors.protocol import ToolAnswer
from signoff.freezes.actions import order_freeze
from signoff.gateways.tool.gateway import act
from signoff.tables.connections import Tool
from signoff.tables.runs import Effect
from signoff.tables.watch import Alert
from tests.gateways.kit_world import World


class Died(BaseException):
    """Stands for the process being killed: no handler of ours runs any more."""


def _dies(*_: object, **__: object) -> Any:
    raise Died


async def _killed_at(world: World, monkeypatch: pytest.MonkeyPatch, point: str, tool: str) -> None:
    """Carry the call out and be killed at a named point, as the process would be."""

    def passing(name: str) -> None:
        if name == point:
            raise Died

    with monkeypatch.context() as patch:
        for module in ("acting", "policies.once", "policies.trace"):
            patch.setattr(f"signoff.gateways.tool.{module}.faultpoint", passing)
        # A killed process ends no step: what is written after the point is not written.
        patch.setattr("signoff.gateways.tool.policies.trace._end", _dies)
        with pytest.raises(Died):
            await act(world.services, world.run, world.call(tool, amount=1))


async def test_a_call_is_written_down_before_and_after(world: World) -> None:
    seen: list[str | None] = []
    world.link.behave = lambda tool, args: seen.append(_state(world)) or {"bill": 1}
    outcome = await act(world.services, world.run, world.call(amount=1))
    assert seen == ["intended"]
    assert outcome.value == {"bill": 1}
    effect = world.effect(world.call().key)
    assert effect is not None
    assert (effect.state, effect.result, effect.effect) == ("done", {"value": {"bill": 1}, "is_error": False}, "send")
    assert world.link.sent[0][2] == world.call().key


async def test_a_read_is_not_in_the_ledger(world: World) -> None:
    await act(world.services, world.run, world.call("look_up"))
    assert world.effect(world.call().key) is None
    assert world.link.sent[0][2] is None


@pytest.mark.parametrize(
    ("point", "sent_before", "kind"),
    [("intent-journaled", 0, "held"), ("tool-sent", 1, "held"), ("tool-answered-not-journaled", 1, "held")],
)
async def test_killed_at_any_point_at_most_one_request_is_ever_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, point: str, sent_before: int, kind: str
) -> None:
    await _killed_at(world, monkeypatch, point, "post_bill")
    assert len(world.link.sent) == sent_before
    outcomes = [await act(world.services, world.run, world.call(amount=1)) for _ in range(3)]
    assert [outcome.kind for outcome in outcomes] == [kind] * 3
    assert len(world.link.sent) == sent_before
    if kind == "held":
        assert outcomes[0].hold == {"kind": "reconciliation", "key": world.call().key}
        assert _state(world) == "unknown"
        assert world.step(world.call().key).state == "waiting"
        with world.store.read() as session:
            assert session.scalar(select(func.count()).select_from(Alert)) == 1


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize("point", ["intent-journaled", "tool-sent"])
async def test_a_tool_declared_safe_to_repeat_is_repeated_with_the_same_key(
    world: World, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    await _killed_at(world, monkeypatch, point, "set_status")
    outcome = await act(world.services, world.run, world.call("set_status", amount=1))
    assert outcome.kind == "value"
    assert {key for _, _, key in world.link.sent} == {world.call().key}


@pytest.mark.parametrize("tool", ["post_bill", "set_status"])
async def test_a_freeze_after_the_crash_does_not_make_a_refusal_of_what_may_have_happened(
    world: World, monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    await _killed_at(world, monkeypatch, "tool-sent", tool)
    world.change(lambda session: order_freeze(session, world.principal, scope="workspace", target_id=None, reason="x"))
    outcome = await act(world.services, world.run, world.call(tool, amount=1))
    assert (outcome.kind, outcome.code, _state(world)) == ("held", "outcome_unknown", "unknown")
    assert len(world.link.sent) == 1
    step = world.step(world.call().key)
    assert (step.state, step.verdicts[-1]["code"]) == ("waiting", "frozen")
    with world.store.read() as session:
        assert session.scalar(select(func.count()).select_from(Alert)) == 1


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("settlement", "code"),
    [("happened", None), ("did_not_happen", "did_not_happen"), ("did_not_happen_retry", "frozen")],
)
async def test_what_a_person_found_is_told_under_a_freeze_too(world: World, settlement: str, code: str | None) -> None:
    world.link.behave = lambda tool, args: faults.unknown_outcome("?")
    await act(world.services, world.run, world.call(amount=1))
    values = {"state": "settled", "settlement": settlement, "settled_by_name": "Bob", "result": {"bill": 7}}
    world.change(lambda session: session.execute(update(Effect).values(**values)))
    world.change(lambda session: order_freeze(session, world.principal, scope="workspace", target_id=None, reason="x"))
    outcome = await act(world.services, world.run, world.call(amount=1))
    assert (outcome.code, outcome.value) == (code, {"bill": 7} if code is None else None)
    assert len(world.link.sent) == 1


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("tool", "sent"), [("post_bill", 1), ("set_status", 2)])
async def test_a_tool_taken_for_a_read_after_the_crash_is_still_the_write_it_was(
    world: World, monkeypatch: pytest.MonkeyPatch, tool: str, sent: int
) -> None:
    await _killed_at(world, monkeypatch, "tool-sent", tool)
    world.change(lambda session: session.execute(update(Tool).values(effect="read")))
    outcome = await act(world.services, world.run, world.call(tool, amount=1))
    assert outcome.kind == ("held" if sent == 1 else "value")
    assert [key for _, _, key in world.link.sent] == [world.call().key] * sent


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_what_was_cut_off_is_not_refused_for_its_siblings(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = [{"slot": "erp", "allow": [{"tool": "set_status", "max_calls": 2}]}]
    two = world.with_body(tools=tools)
    calls = [two.call("set_status", number, amount=number) for number in (1, 2, 3)]

    async def dies(*_: object) -> Any:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr("signoff.gateways.tool.gateway._ACT", dies)
        for call in calls[:2]:
            with pytest.raises(Died):
                await act(two.services, two.run, call)
        assert (await act(two.services, two.run, calls[2])).code == "max_calls_reached"
    outcomes = [await act(two.services, two.run, call) for call in calls]
    assert [outcome.code for outcome in outcomes] == [None, None, "max_calls_reached"]
    assert [args for _, args, _ in world.link.sent] == [{"amount": 1}, {"amount": 2}]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_an_unknown_outcome_is_held_and_never_repeated(world: World) -> None:
    world.link.behave = lambda tool, args: faults.unknown_outcome("The answer never came.")
    outcome = await act(world.services, world.run, world.call(amount=1))
    assert (outcome.kind, outcome.code) == ("held", "outcome_unknown")
    assert "never came" in (outcome.reason or "")
    assert len(world.link.sent) == 1
    assert (await act(world.services, world.run, world.call(amount=1))).kind == "held"
    assert len(world.link.sent) == 1


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_connector_that_breaks_in_an_unforeseen_way_may_have_acted(world: World) -> None:
    world.link.behave = lambda tool, args: RuntimeError("bug")
    assert (await act(world.services, world.run, world.call(amount=1))).kind == "held"
    assert (await act(world.services, world.run, world.call("look_up", number=2))).kind == "failed"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("settlement", "kind", "sent"),
    [("happened", "value", 1), ("did_not_happen", "failed", 1), ("did_not_happen_retry", "value", 2)],
)
async def test_what_a_person_found_decides(world: World, settlement: str, kind: str, sent: int) -> None:
    world.link.behave = lambda tool, args: faults.unknown_outcome("?")
    await act(world.services, world.run, world.call(amount=1))
    values = {"state": "settled", "settlement": settlement, "settled_by_name": "Bob", "result": {"bill": 7}}
    world.change(lambda session: session.execute(update(Effect).values(**values)))
    world.link.behave = lambda tool, args: {"bill": 8}
    outcome = await act(world.services, world.run, world.call(amount=1))
    assert outcome.kind == kind
    assert len(world.link.sent) == sent
    if settlement == "happened":
        assert outcome.value == {"bill": 7}
    if settlement == "did_not_happen":
        assert "Bob" in (outcome.reason or "")


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_what_surely_was_not_carried_out_is_said_and_may_be_tried_by_a_later_call(world: World) -> None:
    world.link.behave = lambda tool, args: faults.fault(faults.REJECTED, "no such supplier")
    outcome = await act(world.services, world.run, world.call(amount=1))
    assert (outcome.kind, outcome.code) == ("failed", faults.REJECTED)
    assert _state(world) == "failed"
    assert len(world.link.sent) == 1


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_an_error_of_the_tool_itself_is_an_outcome_that_happened(world: World) -> None:
    world.link.behave = lambda tool, args: ToolAnswer("duplicate bill", is_error=True)
    outcome = await act(world.services, world.run, world.call(amount=1))
    assert (outcome.kind, outcome.code) == ("failed", "tool_error")
    assert "duplicate bill" in (outcome.reason or "")
    assert _state(world) == "done"


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
async def test_a_call_cancelled_while_it_hangs_stays_open_for_a_person(world: World) -> None:
    started = asyncio.Event()

    async def hangs() -> None:
        started.set()
        await asyncio.Event().wait()

    world.link.behave = lambda tool, args: hangs()
    call = asyncio.create_task(act(world.services, world.run, world.call(amount=1)))
    await started.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert _state(world) == "intended"


def _state(world: World) -> str | None:
    effect = world.effect(world.call().key)
    return effect.state if effect else None


GONE = faults.fault(faults.UNREACHABLE, "Nobody answers.")


async def test_a_second_attempt_that_reaches_nobody_says_nothing_about_the_first(world: World) -> None:
    answers: list[Any] = [faults.unknown_outcome("The connection ended."), GONE, GONE, GONE, GONE, GONE]
    world.link.behave = lambda tool, args: answers.pop(0)
    outcome = await act(world.services, world.run, world.call("set_status", amount=1))
    assert (outcome.kind, outcome.code) == ("held", "outcome_unknown")
    assert _state(world) == "unknown"


async def test_an_attempt_after_a_crash_that_reaches_nobody_says_nothing_about_the_one_before(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _killed_at(world, monkeypatch, "tool-sent", "set_status")
    world.link.behave = lambda tool, args: GONE
    outcome = await act(world.services, world.run, world.call("set_status", amount=1))
    assert (outcome.kind, outcome.code) == ("held", "outcome_unknown")
    assert _state(world) == "unknown"
