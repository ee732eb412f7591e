"""Who stands in for the model, and what is left of it on the step."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from signoff.gateways.model.gateway import think
from signoff.tables.watch import Alert
from tests import fake_provider as fake
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def test_the_next_model_answers_and_every_attempt_is_recorded(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.status(503, "busy"))
    provider.will("second", fake.wrong_key())
    provider.will("third", fake.text("pong"))
    world = world.with_body(model={"fallbacks": ["fake:second", "other:third"]})
    assert (await think(world.services, world.run, ask())).kind == "answered"
    step = world.step("m:1:1")
    assert step.model == "other:third"
    assert [(attempt["model"], attempt.get("code")) for attempt in step.detail["attempts"]] == [
        *[("fake:gpt", "provider_unavailable")] * 3,
        ("fake:second", "provider_key_refused"),
        ("other:third", None),
    ]


async def test_when_nobody_answers_the_first_ones_reason_is_told(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.status(404, "gone", error_code="model_not_found"))
    provider.will("second", fake.status(503))
    world = world.with_body(model={"fallbacks": ["fake:second"]})
    outcome = await think(world.services, world.run, ask())
    assert outcome.code == "model_not_found"
    assert provider.calls("second") == 3


async def test_a_run_waits_out_an_outage_where_the_revision_says_so(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.status(503))
    waiting = world.with_body(model={"on_outage": "wait"})
    outcome = await think(waiting.services, waiting.run, ask())
    assert outcome.kind == "waits"
    assert outcome.resume_at is not None
    assert outcome.from_plain(outcome.as_plain()) == outcome
    assert world.step("m:1:1").state == "waiting"


async def test_a_wrong_key_is_not_waited_out(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.wrong_key())
    waiting = world.with_body(model={"on_outage": "wait"})
    assert (await think(waiting.services, waiting.run, ask())).kind == "stopped"


def _alerts(world: World) -> list[Alert]:
    with world.store.read() as session:
        return list(session.scalars(select(Alert)))


async def test_three_failing_runs_in_a_row_raise_one_alert_and_a_success_resolves_it(
    world: World, provider: FakeProvider
) -> None:
    provider.will("gpt", fake.status(400), fake.status(503))
    await think(world.services, world.run, ask())
    for number in range(4):
        run = world.another_run().run
        assert (await think(world.services, run, ask())).kind == "stopped"
        # A second failing call of the same run is not a second failing run.
        assert (await think(world.services, run, ask(number=2))).kind == "stopped"
        assert len(_alerts(world)) == (1 if number >= 2 else 0)
    (alert,) = _alerts(world)
    assert alert.resolved_at is None
    assert "fake" in alert.text
    provider.will("gpt", fake.text("pong"))
    assert (await think(world.services, world.another_run().run, ask())).kind == "answered"
    (alert,) = _alerts(world)
    assert alert.resolved_at is not None
