"""Who belongs to a workspace, and that it always keeps an owner."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people import queries
from signoff.people.access import Principal, system
from signoff.people.actions import add_member, found_workspace, name_last_resort, remove_member, set_role
from signoff.people.facts import Founded
from signoff.record import audit
from signoff.tables.record import AuditRow
from signoff.tables.session import Store


def found(store: Store, slug: str = "acme", email: str = "alice@example.com") -> Founded:
    with store.write() as session:
        return found_workspace(session, slug=slug, name=slug.title(), owner_email=email, owner_name="Alice")


def as_owner(founded: Founded) -> Principal:
    return Principal("member", founded.member_id, "Alice", founded.workspace_id, "owner", person_id=founded.person_id)


def test_a_new_workspace_has_two_environments_an_owner_and_an_audit_row(store: Store) -> None:
    founded = found(store)
    with store.read() as session:
        places = queries.environments(session, as_owner(founded))
        people = queries.members(session, as_owner(founded)).rows
        rows = session.scalars(select(AuditRow.action)).all()
        assert audit.verify(session, founded.workspace_id).first_broken_seq is None
    assert [(place.slug, place.is_production) for place in places] == [("staging", False), ("production", True)]
    assert [(person.email, person.role, person.has_password) for person in people] == [
        ("alice@example.com", "owner", False)
    ]
    assert rows == ["workspace.founded"]


@pytest.mark.parametrize("slug", ["", "Acme", "1up", "a b", "orchestrations", "a" * 64, "a\x00b"])
def test_a_slug_that_cannot_stand_in_an_address_is_refused(store: Store, slug: str) -> None:
    with pytest.raises(Malformed), store.write() as session:
        found_workspace(session, slug=slug, name="X", owner_email="a@example.com", owner_name="A")


def test_two_workspaces_of_one_slug_are_refused(store: Store) -> None:
    found(store)
    with pytest.raises(NotNow):
        found(store)


@pytest.mark.parametrize("email", ["", "alice", "a@b@c", "a b@c.de", "x\x00@c.de", "a" * 300 + "@x.de", "\ud800@x.de"])
def test_an_odd_address_is_refused_with_the_field(store: Store, email: str) -> None:
    founded = found(store)
    with pytest.raises(Malformed) as refused, store.write() as session:
        add_member(session, as_owner(founded), email=email, name="Bob", role="member")
    assert "email" in refused.value.errors


def test_the_last_owner_can_neither_be_demoted_nor_removed(store: Store) -> None:
    founded = found(store)
    owner = as_owner(founded)
    with pytest.raises(NotNow), store.write() as session:
        set_role(session, owner, founded.member_id, role="viewer")
    with pytest.raises(NotNow), store.write() as session:
        remove_member(session, owner, founded.member_id)
    with store.write() as session:
        bob = add_member(session, owner, email="bob@example.com", name="Bob", role="owner")
        # The first owner is the owner of last resort as well, until another is named.
        name_last_resort(session, owner, bob)
    with store.write() as session:
        set_role(session, owner, founded.member_id, role="viewer")
    with pytest.raises(NotNow), store.write() as session:
        remove_member(session, replace(owner, id=bob), bob)


def test_only_an_owner_makes_or_changes_owners(store: Store) -> None:
    founded = found(store)
    owner = as_owner(founded)
    with store.write() as session:
        helper = add_member(session, owner, email="bob@example.com", name="Bob", role="administrator")
    administrator = Principal("member", helper, "Bob", founded.workspace_id, "administrator")
    for attempt in (
        lambda session: set_role(session, administrator, founded.member_id, role="viewer"),
        lambda session: set_role(session, administrator, helper, role="owner"),
        lambda session: remove_member(session, administrator, founded.member_id),
        lambda session: add_member(session, administrator, email="c@example.com", name="C", role="owner"),
    ):
        with pytest.raises(NotAllowed), store.write() as session:
            attempt(session)


def test_a_removed_member_can_come_back_but_not_be_added_twice(store: Store) -> None:
    owner = as_owner(found(store))
    with store.write() as session:
        first = add_member(session, owner, email="Bob@Example.com ", name="Bob", role="member")
    with pytest.raises(NotNow), store.write() as session:
        add_member(session, owner, email="bob@example.com", name="Bob", role="member")
    with store.write() as session:
        remove_member(session, owner, first)
    with store.write() as session:
        assert add_member(session, owner, email="bob@example.com", name="Bob", role="viewer") == first
    with store.read() as session:
        assert queries.member(session, owner, first).role == "viewer"


def test_a_stranger_sees_and_changes_nothing_here(store: Store) -> None:
    here = found(store)
    charlie = as_owner(found(store, "other", "charlie@example.com"))
    with store.read() as session, pytest.raises(NotFound):
        queries.member(session, charlie, here.member_id)
    with pytest.raises(NotFound), store.write() as session:
        set_role(session, charlie, here.member_id, role="viewer")
    with store.read() as session:
        assert [row.email for row in queries.members(session, charlie).rows] == ["charlie@example.com"]


def test_members_come_in_pages(store: Store) -> None:
    owner = as_owner(found(store))
    with store.write() as session:
        for number in range(5):
            add_member(session, owner, email=f"m{number}@example.com", name="M", role="member")
    seen: list[str] = []
    cursor = None
    with store.read() as session:
        while True:
            page = queries.members(session, owner, cursor=cursor, size=2)
            seen += [row.email for row in page.rows]
            cursor = page.next_cursor
            if cursor is None:
                break
    assert len(seen) == len(set(seen)) == 6


def test_the_system_is_an_owner_of_its_one_workspace_only(store: Store) -> None:
    here, other = found(store), found(store, "other", "c@example.com")
    with pytest.raises(NotFound), store.write() as session:
        remove_member(session, system(here.workspace_id), other.member_id)
