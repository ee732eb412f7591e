"""Roles a workspace makes for itself: rows, carried by members and keys, never further than who made or gave them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people import key_queries
from signoff.people.access import Principal, can, reach
from signoff.people.actions import (
    add_member,
    change_service_account,
    create_key,
    create_role,
    create_service_account,
    create_setup_link,
    delete_role,
    disable_service_account,
    edit_role,
    enable_service_account,
    found_workspace,
    remove_member,
    revoke_key,
    rotate_key,
    set_role,
)
from signoff.people.custom_roles import role, roles
from signoff.people.membership import principal_of_member
from signoff.people.roles import PERMISSIONS
from signoff.tables.people import CustomRole, Member, Person
from signoff.tables.record import AuditRow
from signoff.tables.session import Store

REVIEWER = {"agent.read": "all", "run.read": "all", "agent.edit": "own"}


@pytest.fixture
def alice(store: Store) -> Principal:
    with store.write() as session:
        founded = found_workspace(
            session, slug="acme", name="Acme", owner_email="alice@example.com", owner_name="Alice"
        )
    return Principal("member", founded.member_id, "Alice", founded.workspace_id, "owner", person_id=founded.person_id)


def make(session: Session, by: Principal, slug: str, permissions: Mapping[str, str]) -> str:
    return create_role(session, by, slug=slug, name=slug.title(), permissions=permissions)


def member(session: Session, by: Principal, name: str, role_word: str) -> Principal:
    member_id = add_member(session, by, email=f"{name}@example.com", name=name, role=role_word)
    return as_they_are(session, member_id)


def as_they_are(session: Session, member_id: str) -> Principal:
    found = session.execute(
        select(Member, Person).join(Person, Person.id == Member.person_id).where(Member.id == member_id)
    ).one()
    return principal_of_member(session, *found)


def test_a_member_and_a_key_carry_it_and_may_what_it_says(store: Store, alice: Principal) -> None:
    with store.write() as session:
        make(session, alice, "reviewer", REVIEWER)
        bob = member(session, alice, "bob", "reviewer")
        key = create_key(session, alice, name="CI", role="reviewer")
    with store.read() as session:
        by_key = key_queries.principal_of_key(session, key.key).principal
    for who in (bob, by_key):
        assert (who.role, reach(who, "run.read"), reach(who, "agent.edit")) == ("reviewer", "all", "own")
        assert reach(who, "workspace.read") == "all"  # Without it there is no page to stand on.
        assert [action for action in ("member.manage", "agent.deploy", "run.start") if can(who, action)] == []


def test_a_change_holds_from_the_next_request_on(store: Store, alice: Principal) -> None:
    with store.write() as session:
        make(session, alice, "reviewer", REVIEWER)
        bob = member(session, alice, "bob", "reviewer")
    with store.write() as session:
        assert edit_role(session, alice, "reviewer", permissions={"agent.read": "all"})
        assert not edit_role(session, alice, "reviewer", permissions={"agent.read": "all"})
    with store.read() as session:
        assert reach(as_they_are(session, bob.id), "run.read") == "own"
        told = session.scalars(select(AuditRow).where(AuditRow.action == "role.edited")).one()
    assert told.detail["before"]["run.read"] == "all"


def test_no_role_reaches_further_than_who_makes_or_changes_it(store: Store, alice: Principal) -> None:
    with store.write() as session:
        make(session, alice, "keeper", {"role.read": "all", "role.manage": "all", "agent.read": "all"})
        make(session, alice, "strong", {"member.manage": "all"})
        keeper = member(session, alice, "kim", "keeper")
    attempts = (
        lambda session: make(session, keeper, "mine", {"member.manage": "all"}),
        lambda session: edit_role(session, keeper, "keeper", permissions={"member.manage": "all"}),
        # Taking away from a role that reaches further than theirs is not theirs either.
        lambda session: edit_role(session, keeper, "strong", permissions={}),
        lambda session: delete_role(session, keeper, "strong"),
        lambda session: edit_role(session, alice, "viewer", name="Onlooker"),
        lambda session: make(session, alice, "second-owner", {"owner.manage": "all"}),
    )
    for attempt in attempts:
        with pytest.raises(NotAllowed), store.write() as session:
            attempt(session)
    with store.write() as session:
        assert make(session, keeper, "smaller", {"agent.read": "own"}) == "smaller"


def test_nobody_hands_out_or_takes_over_more_than_they_have(store: Store, alice: Principal) -> None:
    with store.write() as session:
        make(session, alice, "host", {"member.read": "all", "member.manage": "all", "agent.read": "all"})
        host = member(session, alice, "hedi", "host")
        guest = add_member(session, alice, email="guest@example.com", name="Guest", role="administrator")
    attempts = (
        lambda session: add_member(session, host, email="x@example.com", name="X", role="builder"),
        lambda session: set_role(session, host, host.id, role="administrator"),
        lambda session: set_role(session, host, guest, role="host"),
        lambda session: remove_member(session, host, guest),
        lambda session: create_setup_link(session, host, member_id=guest, lifetime_seconds=60),
    )
    for attempt in attempts:
        with pytest.raises(NotAllowed), store.write() as session:
            attempt(session)
    with store.write() as session:
        assert add_member(session, host, email="y@example.com", name="Y", role="host")


def test_a_role_somebody_carries_stays_and_says_who(store: Store, alice: Principal) -> None:
    with store.write() as session:
        make(session, alice, "reviewer", REVIEWER)
        bob = member(session, alice, "bob", "reviewer")
        key = create_key(session, alice, name="Nightly", role="reviewer")
    with pytest.raises(NotNow) as refused, store.write() as session:
        delete_role(session, alice, "reviewer")
    assert refused.value.code == "role_in_use"
    assert refused.value.extra["held_by"] == ["bob", "the key Nightly"]
    with store.write() as session:
        set_role(session, alice, bob.id, role="viewer")
        revoke_key(session, alice, key.id)
        delete_role(session, alice, "reviewer")
    with store.read() as session, pytest.raises(NotFound):
        role(session, alice, "reviewer")


@pytest.mark.parametrize(
    ("slug", "permissions"),
    [
        ("Reviewer", {}),
        ("owner", {}),
        ("admin", {}),
        ("a" * 33, {}),
        ("fine", {"agent.fly": "all"}),
        ("fine", {"agent.read": "most"}),
        ("fine", {"member.manage": "own"}),
    ],
)
def test_what_is_no_role_is_refused(store: Store, alice: Principal, slug: str, permissions: dict[str, str]) -> None:
    with pytest.raises(Malformed) as refused, store.write() as session:
        create_role(session, alice, slug=slug, name="Name", permissions=permissions)
    assert set(refused.value.errors) <= {"slug", "permissions"}


def test_words_this_release_does_not_know_grant_nothing(store: Store, alice: Principal) -> None:
    """A row written by a later release, or by hand: what is not understood is left out, and never widened."""
    with store.write() as session:
        make(session, alice, "reviewer", REVIEWER)
        row = session.scalars(select(CustomRole)).one()
        row.permissions = {"run.read": "all", "owner.manage": "all", "member.manage": "own", "agent.fly": "all"}
    with store.write() as session:
        bob = member(session, alice, "bob", "reviewer")
    assert dict(bob.permissions) == {"run.read": "all"}
    with store.write() as session:
        session.delete(session.scalars(select(CustomRole)).one())
    with store.read() as session:
        assert dict(as_they_are(session, bob.id).permissions) == {}


def test_roles_of_another_workspace_are_not_there(store: Store, alice: Principal) -> None:
    with store.write() as session:
        make(session, alice, "reviewer", REVIEWER)
        other = found_workspace(session, slug="other", name="O", owner_email="c@example.com", owner_name="Charlie")
    charlie = Principal("member", other.member_id, "Charlie", other.workspace_id, "owner")
    with store.read() as session:
        assert [one.slug for one in roles(session, charlie) if not one.is_built_in] == []
        assert [(one.slug, one.members) for one in roles(session, alice) if not one.is_built_in] == [("reviewer", 0)]
    with pytest.raises(NotFound), store.write() as session:
        edit_role(session, charlie, "reviewer", name="X")
    with pytest.raises(Malformed), store.write() as session:
        add_member(session, charlie, email="d@example.com", name="D", role="reviewer")


def test_a_key_with_an_administrators_reach_takes_one_who_has_it(store: Store, alice: Principal) -> None:
    """A deployer's key deploys where only administrators may, so only they make it, or give it a new secret."""
    with store.write() as session:
        make(
            session, alice, "keys",
            {"key.read": "all", "key.manage": "all", "agent.read": "all", "agent.deploy": "all", "run.read": "all",
             "run.start": "all"},
        )  # fmt: skip
        kay = member(session, alice, "kay", "keys")
        create_service_account(session, alice, slug="ci", name="CI", role="administrator")
        old = create_key(session, alice, name="CI", preset="deployer", service_account="ci")
    with pytest.raises(NotAllowed), store.write() as session:
        create_key(session, kay, name="Second", preset="deployer", service_account="ci")
    with pytest.raises(NotAllowed), store.write() as session:
        rotate_key(session, kay, old.id)
    with store.write() as session:
        assert create_key(session, kay, name="Third", role="keys", scopes=["agent.deploy"], service_account="ci").id


def test_own_things_of_somebody_else_take_the_right_to_all(store: Store, alice: Principal) -> None:
    mine = {"agent.edit": "own", "run.read": "own"}
    with store.write() as session:
        make(session, alice, "desk", {"member.read": "all", "member.manage": "all", "role.read": "all", **mine})
        make(
            session,
            alice,
            "lead",
            {"member.manage": "all", "agent.edit": "all", "run.read": "all", "agent.read": "all"},
        )
        make(session, alice, "author", mine)
        desk = member(session, alice, "desk", "desk")
        lead = member(session, alice, "lead", "lead")
        bob = member(session, alice, "bob", "author")
    # What is Bob's own is none of theirs: with a link for Bob they would have it.
    for act in (
        lambda session: create_setup_link(session, desk, member_id=bob.id, purpose="reset", lifetime_seconds=600),
        lambda session: set_role(session, desk, bob.id, role="desk"),
        lambda session: remove_member(session, desk, bob.id),
    ):
        with pytest.raises(NotAllowed, match="reaches further"), store.write() as session:
            act(session)
    with store.write() as session:
        # What somebody will own is theirs to be; and who may do it to all may do it in their place.
        add_member(session, desk, email="new@example.com", name="New", role="author")
        create_setup_link(session, lead, member_id=bob.id, purpose="reset", lifetime_seconds=600)


def test_a_key_of_an_account_takes_the_right_to_all_as_well(store: Store, alice: Principal) -> None:
    with store.write() as session:
        create_service_account(session, alice, slug="bots", name="Bots", role="builder")
        make(session, alice, "keys", {"key.manage": "all", "run.read": "own", "run.cancel": "own"})
        make(session, alice, "accounts", {"service_account.manage": "all", **PERMISSIONS["builder"]})
        keeper = member(session, alice, "keeper", "keys")
        other = member(session, alice, "other", "accounts")
    with pytest.raises(NotAllowed, match="run.cancel, run.read"), store.write() as session:
        create_key(session, keeper, name="x", role="keys", service_account="bots")
    with store.write() as session:
        create_key(session, keeper, name="x", role="keys")  # Their own key: their own runs.
        fresh = create_service_account(session, other, slug="fresh", name="Fresh", role="member")
        disable_service_account(session, other, fresh)
    # An account that has run something owns it.
    with pytest.raises(NotAllowed, match="run.read"), store.write() as session:
        enable_service_account(session, other, fresh)
    with pytest.raises(NotAllowed, match="run.read"), store.write() as session:
        change_service_account(session, other, fresh, role="builder")
    with store.write() as session:
        enable_service_account(session, alice, fresh)
