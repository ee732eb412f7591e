"""What serves: the first revision at once, later ones by a switch that one caller wins."""

from __future__ import annotations

import threading

import pytest

from signoff.agents.actions import freeze_revision, save_draft
from signoff.deployments.actions import freeze_and_serve_first
from signoff.deployments.queries import deployments_page, live_revision, live_revisions
from signoff.deployments.refusals import AlreadyLive, LiveChanged
from signoff.kit.errors import Malformed, NotAllowed, NotFound, Refusal
from signoff.people.access import Principal
from signoff.record import audit
from signoff.releases.actions import make_live, switch_live
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import agent, body, person, place


def frozen(store: Store, who: Principal, agent_id: str, count: int) -> list[str]:
    found: list[str] = []
    for number in range(1, count + 1):
        with store.write() as session:
            if number > 1:
                save_draft(session, who, agent_id, body=body(sop=f"Edit {number}."), version=number - 1)
            found.append(freeze_and_serve_first(session, who, agent_id, reason=f"number {number}").id)
    return found


def test_the_first_revision_serves_everywhere_without_a_deployment(store: Store):
    at = place(store)
    ann = person(store, at, "Ann")
    agent_id = agent(store, ann)
    first, _second = frozen(store, ann, agent_id, 2)
    with store.read() as session:
        for environment_id in at.environments.values():
            assert live_revision(session, agent_id, environment_id) == first
        assert deployments_page(session, ann, agent_id).rows == []
        shown = live_revisions(session, ann, [agent_id])[agent_id]
        assert [(one.environment, one.revision_number) for one in shown] == [("staging", 1), ("production", 1)]


def test_switching_forth_and_back(store: Store):
    at = place(store)
    ann = person(store, at, "Ann")
    agent_id = agent(store, ann)
    first, second = frozen(store, ann, agent_id, 2)
    switch_live(store, ann, agent_id, environment="production", revision=2, reason="better")
    with store.read() as session:
        assert live_revision(session, agent_id, at.environments["production"]) == second
        assert live_revision(session, agent_id, at.environments["staging"]) == first
    switch_live(store, ann, agent_id, environment="production", revision=first, reason="worse after all")
    with store.read() as session:
        rows = deployments_page(session, ann, agent_id, environment="production").rows
        shown = [(row.previous_number, row.revision_number, row.is_rollback, row.reason) for row in rows]
        assert shown == [(2, 1, True, "worse after all"), (1, 2, False, "better")]
        assert rows[0].actor_name == "Ann"
        assert deployments_page(session, ann, agent_id, environment="staging").rows == []
        assert audit.verify(session, at.workspace_id).first_broken_seq is None


def test_what_serves_already_is_refused(store: Store):
    ann = person(store, place(store), "Ann")
    agent_id = agent(store, ann)
    frozen(store, ann, agent_id, 1)
    with pytest.raises(AlreadyLive) as refused:
        switch_live(store, ann, agent_id, environment="production", revision=1, reason="again")
    assert refused.value.status == 409


def test_the_later_of_two_is_told_who_and_when(store: Store):
    at = place(store)
    ann, bob = person(store, at, "Ann"), person(store, at, "Bob")
    agent_id = agent(store, ann)
    first, *_rest = frozen(store, ann, agent_id, 3)
    with store.write() as session:
        make_live(session, ann, agent_id, environment="production", revision=2, reason="x", expected=first)
    with pytest.raises(LiveChanged, match=r"Ann made revision 2 .* UTC") as refused, store.write() as session:
        make_live(session, bob, agent_id, environment="production", revision=3, reason="y", expected=first)
    assert refused.value.extra["number"] == 2


def test_of_many_at_once_the_record_is_whole(store: Store):
    at = place(store)
    ann = person(store, at, "Ann")
    agent_id = agent(store, ann)
    frozen(store, ann, agent_id, 5)
    start = threading.Barrier(4)
    won: list[int] = []
    refusals: list[Refusal] = []

    def switch(number: int) -> None:
        start.wait()
        try:
            switch_live(store, ann, agent_id, environment="production", revision=number, reason="race")
            won.append(number)
        except Refusal as refusal:
            refusals.append(refusal)

    threads = [threading.Thread(target=switch, args=(number,)) for number in (2, 3, 4, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) + len(refusals) == 4
    assert {refusal.status for refusal in refusals} <= {409}
    with store.read() as session:
        rows = list(reversed(deployments_page(session, ann, agent_id).rows))
        # Each switch begins where the one before it ended, and the last one serves.
        assert [row.previous_number for row in rows] == [1, *(row.revision_number for row in rows[:-1])]
        assert live_revision(session, agent_id, at.environments["production"]) == rows[-1].revision_id


def test_a_new_environment_starts_with_a_switch(store: Store):
    at = place(store)
    ann = person(store, at, "Ann")
    agent_id = agent(store, ann)
    with store.write() as session:
        freeze_revision(session, ann, agent_id, reason="nothing serves by this alone")
    with pytest.raises(LiveChanged), store.write() as session:
        make_live(session, ann, agent_id, environment="staging", revision=1, reason="x", expected="rev_other")
    with store.write() as session:
        make_live(session, ann, agent_id, environment="staging", revision=1, reason="begin")
    with pytest.raises(LiveChanged), store.write() as session:
        make_live(session, ann, agent_id, environment="staging", revision=1, reason="begin", expected=None)


def test_who_may_switch(store: Store):
    at, elsewhere = place(store), place(store, "other")
    ann, vic, eve = person(store, at, "Ann"), person(store, at, "Vic", "viewer"), person(store, elsewhere, "Eve")
    agent_id = agent(store, ann)
    frozen(store, ann, agent_id, 2)
    key = Principal("key", "key_1", "CI", at.workspace_id, "manager", environment_id=at.environments["staging"])
    with pytest.raises(NotAllowed):
        switch_live(store, vic, agent_id, environment="production", revision=2, reason="x")
    for who in (eve, key):
        with pytest.raises(NotFound):
            switch_live(store, who, agent_id, environment="production", revision=2, reason="x")
    switch_live(store, key, agent_id, environment="staging", revision=2, reason="x")
    with pytest.raises(NotFound):
        switch_live(store, ann, agent_id, environment="nowhere", revision=2, reason="x")
    with pytest.raises(Malformed):
        switch_live(store, ann, agent_id, environment="production", revision=2, reason="")
