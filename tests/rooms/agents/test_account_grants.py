"""A service account holds a level on an agent as a member does, and its keys narrow it as they narrow its role."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from signoff.agents.actions import create_agent, give_grant, take_grant
from signoff.agents.grants import access_to, grants_on
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.access import Principal, can
from signoff.people.actions import create_key, create_service_account, delete_service_account
from signoff.people.key_queries import principal_of_key
from signoff.people.levels import LEVEL_ACTIONS, LEVELS
from signoff.tables.agents import AgentGrant
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import Place, agent, person, place


@pytest.fixture
def at(store: Store) -> Place:
    return place(store)


@pytest.fixture
def ann(store: Store, at: Place) -> Principal:
    return person(store, at, "Ann", "administrator")


def account(store: Store, ann: Principal, role: str = "viewer") -> str:
    with store.write() as session:
        return create_service_account(session, ann, slug="nightly", name="Nightly", role=role)


def give(store: Store, ann: Principal, agent_id: str, level: str) -> str:
    with store.write() as session:
        return give_grant(session, ann, agent_id, service_account="nightly", level=level)


def caller(store: Store, ann: Principal, preset: str) -> Principal:
    """The account as a request with a new key of this preset sees it."""
    with store.write() as session:
        key = create_key(session, ann, name="Nightly", preset=preset, service_account="nightly").key
    with store.read() as session:
        return principal_of_key(session, key).principal


def test_every_level_can_be_given_and_allows_what_it_says_there_alone(store: Store, at: Place, ann: Principal) -> None:
    here, there = agent(store, ann), agent(store, ann, "other")
    account(store, ann)
    for level in LEVELS:
        give(store, ann, here, level)
        who = caller(store, ann, "read-only")
        assert level in who.grants[here]
    who = caller(store, ann, "runner")
    assert (can(who, "run.start", owners=(ann.id,), agent_id=here), who.kind) == (True, "service_account")
    assert not can(who, "run.start", owners=(ann.id,), agent_id=there)
    # The key's own preset stays the bound: a runner's key edits nothing, whatever the account holds.
    assert "agent.edit" in LEVEL_ACTIONS["editor"]
    assert not can(who, "agent.edit", owners=(ann.id,), agent_id=here)


def test_without_the_level_a_key_for_it_is_refused_and_a_level_taken_back_ends_it(
    store: Store, at: Place, ann: Principal
) -> None:
    here = agent(store, ann)
    account(store, ann)
    with pytest.raises(NotAllowed, match=r"run\.start"):
        caller(store, ann, "runner")
    grant = give(store, ann, here, "operator")
    with store.write() as session:
        key = create_key(session, ann, name="Nightly", preset="runner", service_account="nightly").key
    with store.write() as session:
        take_grant(session, ann, here, grant)
    with store.read() as session:
        who = principal_of_key(session, key).principal
    assert not can(who, "run.start", owners=(ann.id,), agent_id=here)


def test_lists_and_audit_name_the_account(store: Store, at: Place, ann: Principal) -> None:
    here = agent(store, ann)
    account_id = account(store, ann)
    grant = give(store, ann, here, "operator")
    with store.read() as session:
        (facts,) = grants_on(session, ann, here)
        assert (facts.id, facts.holder_kind, facts.member_id, facts.service_account, facts.name) == (
            grant, "service_account", None, "nightly", "Nightly",
        )  # fmt: skip
        line = access_to(session, ann, here)[-1]
        assert (line.service_account, line.role, [one.level for one in line.grants]) == (
            "nightly", "viewer", ["operator"],
        )  # fmt: skip
        assert "run.start" in line.actions
        row = session.scalars(select(AuditRow).where(AuditRow.action == "grant.given")).one()
        assert row.detail == {"grant": grant, "service_account": account_id, "level": "operator"}


def test_nobody_gives_an_account_more_than_they_have_nor_to_one_of_elsewhere(
    store: Store, at: Place, ann: Principal
) -> None:
    here = agent(store, ann)
    account(store, ann)
    bob = person(store, at, "Bob", "viewer")
    stranger = person(store, place(store, "other"), "Sue", "administrator")
    with store.write() as session:
        with pytest.raises(NotAllowed):
            give_grant(session, bob, here, service_account="nightly", level="operator")
        with pytest.raises(NotFound):
            give_grant(session, stranger, here, service_account="nightly", level="operator")
        theirs = create_agent(session, stranger, slug="theirs", name="Theirs")
        with pytest.raises(Malformed, match="no service account"):
            give_grant(session, stranger, theirs, service_account="nightly", level="operator")
        for both in ({}, {"member_id": ann.id, "service_account": "nightly"}):
            with pytest.raises(Malformed, match="one of them"):
                give_grant(session, ann, here, level="operator", **both)
        give_grant(session, ann, here, service_account="nightly", level="operator")
        with pytest.raises(NotNow, match="service account"):
            give_grant(session, ann, here, service_account="nightly", level="operator")


def test_a_deleted_account_takes_its_levels_along(store: Store, at: Place, ann: Principal) -> None:
    here = agent(store, ann)
    account_id = account(store, ann)
    give(store, ann, here, "operator")
    with store.write() as session:
        delete_service_account(session, ann, account_id)
    with store.read() as session:
        assert session.scalars(select(AgentGrant)).all() == []
        assert [one.service_account for one in access_to(session, ann, here)] == [None]
