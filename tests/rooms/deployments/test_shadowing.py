"""One release shadows at a time, and not beside a canary; beginning and ending change what they say and no more."""

from __future__ import annotations

from sqlalchemy import update

from signoff.deployments.shadowing import begin_shadow, end_shadow
from signoff.kit import clock, ids
from signoff.tables.deployments import LiveRevision
from signoff.tables.releases import Release
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import agent, person, place
from tests.rooms.deployments.test_live import frozen


def releases(store: Store) -> tuple[list[Release], tuple[str, str]]:
    """Two releases of one agent in production, and the key of its row."""
    at = place(store)
    ann = person(store, at, "Ann")
    agent_id = agent(store, ann)
    revision = frozen(store, ann, agent_id, 2)[1]
    key, moment = (agent_id, at.environments["production"]), clock.now()
    with store.write() as session:
        found = [
            Release(
                id=ids.new_id("rel"), workspace_id=at.workspace_id, agent_id=agent_id, environment_id=key[1],
                revision_id=revision, state="shadow", state_since=moment, strategy={}, tier="low", reason="",
                requested_by=ann.id, requested_by_name="Ann", requested_at=moment,
            )
            for _ in range(2)
        ]  # fmt: skip
        session.add_all(found)
    return found, key


def row(store: Store, key: tuple[str, str]) -> tuple[str | None, int]:
    with store.read() as session:
        live = session.get_one(LiveRevision, key)
        return live.shadow_release_id, live.shadow_share


def test_of_two_releases_the_first_shadows_until_it_ends(store: Store):
    (one, two), key = releases(store)
    with store.write() as session:
        served = session.get_one(LiveRevision, key).revision_id
        assert begin_shadow(session, one, 2_500)
        assert not begin_shadow(session, two, 2_500)
        assert not end_shadow(session, two)
    assert row(store, key) == (one.id, 2_500)
    with store.write() as session:
        assert begin_shadow(session, one, 20_000)
    assert row(store, key) == (one.id, 10_000)
    with store.write() as session:
        assert end_shadow(session, one)
        assert not end_shadow(session, one)
        assert begin_shadow(session, two, 1)
    assert row(store, key) == (two.id, 1)
    with store.read() as session:
        assert session.get_one(LiveRevision, key).revision_id == served


def test_beside_a_canary_and_where_nothing_serves_there_is_no_shadow(store: Store):
    (one, two), key = releases(store)
    with store.write() as session:
        session.execute(update(LiveRevision).values(candidate_revision_id=one.revision_id))
        assert not begin_shadow(session, one, 10_000)
        elsewhere = Release(agent_id=two.agent_id, environment_id="env_none", id="rel_x")
        assert not begin_shadow(session, elsewhere, 10_000)
    assert row(store, key) == (None, 0)
