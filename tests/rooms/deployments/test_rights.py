"""Who may make a revision live where: the level, the environment's rule, and four eyes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from signoff.agents.actions import give_grant, save_draft
from signoff.agents.queries import draft_of
from signoff.deployments.actions import freeze_and_serve_first
from signoff.deployments.queries import live_revisions
from signoff.kit.errors import NotAllowed, NotFound
from signoff.people.access import Principal
from signoff.people.actions import create_key, set_deploy_rules
from signoff.people.key_queries import principal_of_key
from signoff.people.membership import principal_of_member
from signoff.releases.actions import make_live
from signoff.tables.people import Member, Person
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import Place, agent, body, person, place


@pytest.fixture
def at(store: Store) -> Place:
    return place(store)


@pytest.fixture
def ann(store: Store, at: Place) -> Principal:
    return person(store, at, "Ann", "administrator")


def freeze(store: Store, who: Principal, agent_id: str, sop: str = "") -> int:
    with store.write() as session:
        if sop:
            version = draft_of(session, who, agent_id).version
            save_draft(session, who, agent_id, body=body(sop=sop), version=version)
        return freeze_and_serve_first(session, who, agent_id, reason="because").number


def live(store: Store, who: Principal, agent_id: str, number: int, environment: str = "production") -> str:
    with store.write() as session:
        return make_live(session, who, agent_id, environment=environment, revision=number, reason="because")


def rules(store: Store, ann: Principal, environment: str = "production", **switches: bool) -> None:
    with store.write() as session:
        set_deploy_rules(session, ann, environment, **switches)


def given(store: Store, ann: Principal, agent_id: str, who: Principal, *levels: str) -> Principal:
    with store.write() as session:
        for level in levels:
            give_grant(session, ann, agent_id, member_id=who.id, level=level)
        row = session.execute(
            select(Member, Person).join(Person, Person.id == Member.person_id).where(Member.id == who.id)
        ).one()
        return replace(who, grants=principal_of_member(session, *row).grants)


def test_a_deployer_deploys_and_an_editor_does_not(store: Store, at: Place, ann: Principal) -> None:
    here = agent(store, ann)
    freeze(store, ann, here)
    freeze(store, ann, here, "Second.")
    dora = given(store, ann, here, person(store, at, "Dora", "member"), "deployer")
    ed = given(store, ann, here, person(store, at, "Ed", "member"), "editor")
    both = given(store, ann, here, person(store, at, "Bo", "member"), "editor", "deployer")
    with pytest.raises(NotAllowed):
        live(store, ed, here, 2)
    live(store, dora, here, 2)
    with pytest.raises(NotAllowed), store.write() as session:
        save_draft(session, dora, here, body=body(sop="Dora's."), version=2)
    live(store, both, here, freeze(store, both, here, "Bo's."))


def test_where_it_is_restricted_the_owner_of_an_agent_needs_the_level(store: Store, at: Place, ann: Principal) -> None:
    bea = person(store, at, "Bea", "builder")
    here = agent(store, bea)
    freeze(store, bea, here)
    freeze(store, bea, here, "Second.")
    rules(store, ann, is_restricted=True)
    with pytest.raises(NotAllowed, match="only from administrators") as refused:
        live(store, bea, here, 2)
    assert refused.value.extra["required"] == "agent.deploy"
    live(store, bea, here, 2, "staging")
    live(store, given(store, ann, here, bea, "deployer"), here, 2)
    live(store, ann, here, 1)
    manager = person(store, at, "Max", "manager")
    with pytest.raises(NotAllowed):
        live(store, manager, here, 2)


def test_a_first_revision_serves_only_where_its_author_may_deploy(store: Store, at: Place, ann: Principal) -> None:
    rules(store, ann, is_restricted=True)
    bea = person(store, at, "Bea", "builder")
    here = agent(store, bea)
    freeze(store, bea, here)
    ed = person(store, at, "Ed", "member")
    there = agent(store, ann, "there")
    freeze(store, given(store, ann, there, ed, "editor"), there)
    with store.read() as session:
        served = live_revisions(session, ann, [here, there])
    assert [one.environment for one in served[here]] == ["staging"]
    assert served[there] == []


def test_a_deployers_key_deploys_where_it_is_restricted(store: Store, at: Place, ann: Principal) -> None:
    here = agent(store, ann)
    freeze(store, ann, here)
    freeze(store, ann, here, "Second.")
    rules(store, ann, is_restricted=True)
    with store.write() as session:
        made = create_key(session, ann, name="CI", preset="deployer", environment="production")
        key = principal_of_key(session, made.key).principal
    live(store, key, here, 2)
    with store.read() as session:
        served = {one.environment: one.revision_number for one in live_revisions(session, ann, [here])[here]}
    assert served["production"] == 2


def test_four_eyes_somebody_else_makes_it_live(store: Store, at: Place, ann: Principal) -> None:
    bea, max_ = person(store, at, "Bea", "builder"), person(store, at, "Max", "manager")
    here = agent(store, bea)
    freeze(store, bea, here)
    second = freeze(store, bea, here, "Second.")
    rules(store, ann, is_four_eyes=True)
    with pytest.raises(NotAllowed) as refused:
        live(store, bea, here, second)
    assert refused.value.code == "four_eyes"
    assert refused.value.extra["who_can"] == ["Ann", "Max"]
    assert "Ask Ann or Max" in refused.value.detail
    live(store, bea, here, second, "staging")
    live(store, max_, here, second)


def test_four_eyes_count_who_saved_the_draft_last_and_whose_key_it_is(store: Store, at: Place, ann: Principal) -> None:
    here = agent(store, ann)
    freeze(store, ann, here)
    max_ = person(store, at, "Max", "manager")
    with store.write() as session:
        save_draft(session, max_, here, body=body(sop="Max's words."), version=1)
        key = principal_of_key(session, create_key(session, ann, name="Ann's", preset="admin").key).principal
    number = freeze(store, ann, here)  # Ann freezes what Max wrote: both have written it.
    rules(store, ann, is_four_eyes=True)
    for who in (ann, max_, key):
        with pytest.raises(NotAllowed) as refused:
            live(store, who, here, number)
        assert refused.value.code == "four_eyes", who.name
    assert "share it first" in refused.value.detail
    other = person(store, at, "Bob", "manager")
    live(store, other, here, number)


def test_four_eyes_do_not_hold_up_going_back_to_what_they_saw(store: Store, at: Place, ann: Principal) -> None:
    max_ = person(store, at, "Max", "manager")
    here = agent(store, ann)
    freeze(store, ann, here)
    second, third = freeze(store, ann, here, "Second."), freeze(store, ann, here, "Third.")
    rules(store, ann, is_four_eyes=True)
    live(store, max_, here, second)
    live(store, max_, here, third)
    live(store, ann, here, second)  # Max has seen it serve here.
    with pytest.raises(NotAllowed):
        live(store, ann, here, 1)  # The first served without anybody's looking.


def test_a_first_revision_serves_nothing_that_wants_four_eyes(store: Store, at: Place, ann: Principal) -> None:
    rules(store, ann, is_four_eyes=True)
    here = agent(store, ann)
    freeze(store, ann, here)
    with store.read() as session:
        assert [one.environment for one in live_revisions(session, ann, [here])[here]] == ["staging"]
    live(store, person(store, at, "Max", "manager"), here, 1)


def test_the_switches_are_off_until_an_administrator_turns_them(store: Store, at: Place, ann: Principal) -> None:
    with store.write() as session:
        assert not set_deploy_rules(session, ann, "production", is_restricted=False, is_four_eyes=False)
        assert set_deploy_rules(session, ann, at.environments["production"], is_four_eyes=True)
        assert not set_deploy_rules(session, ann, "production", is_four_eyes=True)
        row = session.scalars(select(AuditRow).where(AuditRow.object_kind == "environment")).one()
        assert row.detail == {"environment": "production", "is_four_eyes": True}
    max_ = person(store, at, "Max", "manager")
    with pytest.raises(NotAllowed), store.write() as session:
        set_deploy_rules(session, max_, "production", is_four_eyes=False)
    zoe = person(store, place(store, "elsewhere"), "Zoe")
    with pytest.raises(NotFound), store.write() as session:
        set_deploy_rules(session, zoe, at.environments["production"], is_four_eyes=False)
