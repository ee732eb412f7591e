"""Whether there is room for one more run: told before anything is waited for."""

from __future__ import annotations

from math import ceil

from fastapi import Depends
from starlette.requests import Request

from signoff.api.house import House, house_of
from signoff.kit import chance
from signoff.kit.errors import Crowded

# Whoever asks for a run is told so rather than kept waiting longer than this; well below what clients wait for.
WAIT_SECONDS_MAX = 3.0
_AGAIN_SECONDS = 4.0


async def has_room(request: Request) -> None:
    """Let a request that starts a run in only while requests are carried out about as fast as they come.

    Without it they would queue without end: each answered later than the one before, until clients give up and ask
    again. All else is let in, so that a person who wants to stop something comes through.

    Raises:
        Crowded: what was asked for before waits for too long already.
    """
    house = house_of(request)
    if wait_seconds(house) > WAIT_SECONDS_MAX:
        again = ceil(chance.jittered(_AGAIN_SECONDS))
        raise Crowded(
            f"More runs are asked for than this installation can take. Try again in {again} seconds; with the same "
            "Idempotency-Key nothing is done twice.",
            retry_after_seconds=again,
        )


def wait_seconds(house: House) -> float:
    """Return how long what was asked for waits by now: first for who asks to be looked up, then to be done."""
    return house.door.wait_seconds + house.store.wait_seconds


Room = Depends(has_room)
