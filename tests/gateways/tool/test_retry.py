"""A call is repeated only when it surely was not carried out, or may be carried out twice."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.connectors import faults
from signoff.gateways.tool.gateway import act
from signoff.gateways.tool.policies import retry
from tests.gateways.kit_world import World

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_PAUSES_SECONDS", (0.001, 0.001))


@pytest.mark.parametrize(
    ("tool", "code", "sent"),
    [
        ("look_up", faults.UNREACHABLE, 3),
        ("look_up", faults.OUTCOME_UNKNOWN, 3),
        ("look_up", faults.REJECTED, 1),
        ("post_bill", faults.UNREACHABLE, 3),
        ("post_bill", faults.OUTCOME_UNKNOWN, 1),
        ("post_bill", faults.SIGN_IN, 1),
        ("set_status", faults.OUTCOME_UNKNOWN, 3),
    ],
)
async def test_what_is_repeated(world: World, tool: str, code: str, sent: int) -> None:
    world.link.behave = lambda name, args: faults.fault(code, "no")
    outcome = await act(world.services, world.run, world.call(tool))
    assert outcome.kind != "value"
    assert len(world.link.sent) == sent
    assert len(world.step(world.call().key).detail["attempts"]) == sent


async def test_a_repeat_that_works_is_a_value(world: World) -> None:
    answers: list[Any] = [faults.fault(faults.RATE_LIMITED, "slow"), {"ok": 1}]
    world.link.behave = lambda name, args: answers.pop(0)
    assert (await act(world.services, world.run, world.call())).value == {"ok": 1}
    assert [attempt.get("code") for attempt in world.step(world.call().key).detail["attempts"]] == [
        faults.RATE_LIMITED,
        None,
    ]
