"""The database is away: whoever asks is told so within seconds, and that it is worth another try."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from signoff.tables import session as sessions
from tests.api.world import World


class Refused(Exception):
    """What the driver says of a server that is not there."""

    def __str__(self) -> str:
        return "connection to server at 10.1.2.3 failed: Connection refused"


@pytest.mark.parametrize("path", ["/v1/acme/runs", "/v1/me", "/w/acme/runs"])
@pytest.mark.parametrize("error", [OperationalError("select 1", {}, Refused()), PoolTimeout("no connection was free")])
def test_a_request_is_answered_503_and_says_when_to_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch, path: str, error: Exception
) -> None:
    tries: list[float] = []

    def away(*args: object, **named: object) -> None:
        tries.append(0)
        raise error

    monkeypatch.setattr(sessions, "_OUTAGE_ASKED_SECONDS", 0.3)
    token = world.tokens["owner"]
    with world.client(session=token) as client:
        assert client.get(path).status_code == 200
        for store in (world.house.store, world.house.services.store):
            monkeypatch.setattr(store.engine, "connect", away)
        answer = client.get(path)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert "database cannot be reached" in answer.text
        assert "10.1.2.3" not in answer.text
        assert 1 <= len(tries) < 20
        monkeypatch.undo()
        assert client.get(path).status_code == 200
