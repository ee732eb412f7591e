"""What a watcher of the run sees while a model writes."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from signoff.gateways.model.gateway import think
from signoff.kit.redact import Redactor
from signoff.tables.runs import RunEvent
from tests import fake_provider as fake
from tests.fake_provider import FakeProvider
from tests.gateways.kit_world import World, ask

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def _told(world: World) -> list[str]:
    with world.store.read() as session:
        events = session.scalars(select(RunEvent).where(RunEvent.kind == "text").order_by(RunEvent.id))
        return [event.data["text"] for event in events]


async def test_text_is_told_in_batches_while_it_comes(world: World, provider: FakeProvider) -> None:
    words = " ".join(f"word{number}" for number in range(40))
    provider.will("gpt", fake.text(words, pause_seconds=0.02))
    await think(world.services, world.run, ask())
    told = _told(world)
    assert "".join(told).split() == words.split()
    assert 2 <= len(told) <= 12


async def test_an_answer_in_one_piece_is_told_in_one(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.not_streamed("all at once"))
    await think(world.services, world.run, ask())
    assert _told(world) == ["all at once"]
    # It is remembered that this provider does not stream.
    asked = provider.calls()
    await think(world.services, world.run, ask(number=2))
    assert provider.calls() == asked + 1


async def test_tool_calls_are_not_told_as_text(world: World, provider: FakeProvider) -> None:
    provider.will("gpt", fake.tool_calls(("look_up", {"amount": 1})))
    await think(world.services, world.run, ask())
    assert _told(world) == []


async def test_what_was_told_is_not_looked_at_again(
    world: World, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer of some megabytes in small pieces costs what it is long, and not the square of it."""
    looked: list[int] = []
    masking = Redactor.text

    def counted(self: Redactor, text: str) -> str:
        looked.append(len(text))
        return masking(self, text)

    monkeypatch.setattr(Redactor, "text", counted)
    monkeypatch.setattr("signoff.gateways.model.live_text.BATCH_SECONDS", 0.0)
    world.secret("token", "correct-horse-battery")
    words = "word " * 4_000
    provider.will("gpt", fake.text(words))
    await think(world.services, world.run, ask())
    assert "".join(_told(world)).split() == words.split()
    assert sum(looked) < 300 * len(words)


async def test_a_long_secret_is_not_told_in_two_pieces_either(
    world: World, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signoff.gateways.model.live_text.BATCH_SECONDS", 0.0)
    lines = [f"line{number:03} of a key" for number in range(100)]
    world.secret("pem", " ".join(lines))
    provider.will("gpt", fake.text("well " * 300 + " ".join(lines) + " end" * 300))
    await think(world.services, world.run, ask())
    told = "".join(_told(world))
    assert [line for line in lines if line in told] == []
    assert "{{secret.pem}}" in told
