"""The masks of an environment while values come by in other threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from signoff.connections.secrets import delete_secret
from signoff.gateways.masking import Masking
from tests.gateways.kit_world import World

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


async def test_a_value_that_came_by_while_masks_were_made_is_in_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.secret("token", "some-secret-value")
    masking, environment = world.services.masking, world.run.environment_id
    real: Callable[[Masking, Mapping[str, str]], list[tuple[str, str]]] = Masking._named

    def meanwhile(self: Masking, values: Mapping[str, str]) -> list[tuple[str, str]]:
        """As another thread does when it has fetched a value, between the reading of the values and the end."""
        monkeypatch.setattr(Masking, "_named", real)
        masking.remember(environment, {"fetched": "came-by-meanwhile"})
        return real(self, values)

    monkeypatch.setattr(Masking, "_named", meanwhile)
    with world.store.read() as session:
        masking.redactor(session, environment)
        redactor = masking.redactor(session, environment)
        assert redactor.text("came-by-meanwhile") == "{{secret.fetched}}"
        assert masking.redactor(session, environment) is redactor, "and nothing is made again for nothing"


async def test_the_masks_are_made_anew_once_when_a_secret_is_deleted(world: World) -> None:
    world.secret("token", "some-secret-value")
    masking, environment = world.services.masking, world.run.environment_id
    with world.store.read() as session:
        before = masking.redactor(session, environment)
    world.change(lambda session: delete_secret(session, world.principal, world.with_secret("token")))
    with world.store.read() as session:
        after = masking.redactor(session, environment)
        assert after is not before
        assert after.text("some-secret-value") == "{{secret.token}}", "a run may still carry it"
        assert masking.redactor(session, environment) is after
