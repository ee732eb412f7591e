"""The row that routes: a candidate begins once, its share only grows, and only its own release takes it away."""

from __future__ import annotations

import threading

from sqlalchemy.orm import Session

from signoff.deployments.canary import begin_candidate, clear_candidate, set_share
from signoff.tables.deployments import LiveRevision
from signoff.tables.releases import Release
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import agent, person, place
from tests.rooms.deployments.test_live import frozen


def release(release_id: str, agent_id: str, environment_id: str, revisions: list[str]) -> Release:
    """What the row is told of a release; it is not stored."""
    return Release(
        id=release_id, agent_id=agent_id, environment_id=environment_id, revision_id=revisions[1],
        previous_revision_id=revisions[0],
    )  # fmt: skip


def test_a_share_only_grows_and_another_release_changes_nothing(store: Store):
    at = place(store)
    ann = person(store, at, "Ann")
    agent_id = agent(store, ann)
    found, here = frozen(store, ann, agent_id, 2), at.environments["production"]
    mine, other = (release(name, agent_id, here, found) for name in ("rel_a", "rel_b"))

    def share(session: Session) -> int:
        return session.get_one(LiveRevision, (agent_id, here), populate_existing=True).share

    with store.write() as session:
        assert begin_candidate(session, mine, share=500, salt="a")
        assert not begin_candidate(session, other, share=500, salt="b")
        assert set_share(session, mine, 2_500)
        assert not set_share(session, mine, 500)
        assert not set_share(session, other, 9_000)
        assert not clear_candidate(session, other)
        assert share(session) == 2_500
        assert clear_candidate(session, mine)
        assert not clear_candidate(session, mine)
        assert share(session) == 0
        stale = release("rel_c", agent_id, here, [found[1], found[0]])
        assert not begin_candidate(session, stale, share=500, salt="c")


def test_of_two_that_begin_at_once_one_does(store: Store):
    at = place(store)
    ann = person(store, at, "Ann")
    agent_id = agent(store, ann)
    found, here = frozen(store, ann, agent_id, 2), at.environments["production"]
    won: list[bool] = []
    both = threading.Barrier(2)

    def begin(name: str) -> None:
        both.wait()
        with store.write() as session:
            won.append(begin_candidate(session, release(name, agent_id, here, found), share=500, salt=name))

    threads = [threading.Thread(target=begin, args=(name,)) for name in ("rel_a", "rel_b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, True]


def test_a_step_that_is_taken_twice_at_once_is_taken_once(store: Store):
    at = place(store)
    ann = person(store, at, "Ann")
    agent_id = agent(store, ann)
    found, here = frozen(store, ann, agent_id, 2), at.environments["production"]
    mine = release("rel_a", agent_id, here, found)
    with store.write() as session:
        begin_candidate(session, mine, share=500, salt="a")
        assert [set_share(session, mine, 2_500), set_share(session, mine, 2_500)] == [True, False]
