"""Pairs over HTTP: listed, read, judged; a second judge is told who was first."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from signoff.settings import Settings
from tests.api.world import World, make_world

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.fixture
def world(settings: Settings) -> Generator[World]:
    made = make_world(settings)
    yield made
    made.close()


def test_a_pair_is_listed_read_and_judged_once(world: World):
    pairs = f"/v1/acme/releases/{world.ids['release']}/pairs"
    one = f"{pairs}/{world.ids['run']}"
    with world.client(session=world.tokens["owner"]) as alice:
        (row,) = alice.get(pairs, params={"equal": "true", "judged": "false"}).json()["items"]
        assert (row["run_id"], row["state"], row["judgement"]) == (world.ids["run"], "compared", None)
        assert alice.get(pairs, params={"equal": "false"}).json()["items"] == []
        whole = alice.get(one).json()
        assert (whole["input"], whole["may_judge"]) == ({"text": "hello"}, True)
        assert alice.post(f"{one}:judge", json={"judgement": "great"}).status_code in (400, 422)
        assert alice.post(f"{one}:judge", json={"judgement": "better"}).json() == {"ok": True}
        assert alice.get(f"{pairs}:agreement").json()["agrees"]["hits"] == 1
    with world.client(session=world.tokens["administrator"]) as bob:
        refused = bob.post(f"{one}:judge", json={"judgement": "worse"})
    assert (refused.status_code, refused.json()["code"], refused.json()["by"]) == (409, "judged_already", "Alice")
    with world.client(key=world.keys["charlie"]) as charlie:
        assert charlie.get(one).status_code == 404
