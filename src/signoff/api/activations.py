"""What the answer to a switch tells of the connections that were tried with it."""

from __future__ import annotations

from signoff.api.answers import Made
from signoff.api.desk import Desk
from signoff.engine.activating import activate
from signoff.releases import queries
from signoff.releases.states import ReleaseState
from signoff.releases.views import ActivationFacts


class ReleaseMade(Made):
    """The release, how far it is, and the connections that were tried as it switched; none while it does not serve."""

    state: ReleaseState
    activations: list[ActivationFacts]
    activations_failed: int


async def tried(desk: Desk, release_id: str) -> ReleaseMade:
    """Try the connections of a release that has just switched, and tell."""
    await activate(desk.store, desk.house.services, release_id)
    found = await desk.read(queries.release, release_id)
    return ReleaseMade(
        id=release_id, state=found.facts.state, activations=list(found.activations),
        activations_failed=found.facts.activations_failed,
    )  # fmt: skip
