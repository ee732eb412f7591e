"""Whom a key belongs to: it narrows and ends with its member, and goes on with its service account."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow, NotSignedIn
from signoff.people import account_queries, actions, key_queries
from signoff.people.access import Principal, can, reach, system
from signoff.people.actions import add_member, create_key, create_service_account, remove_member, rotate_key, set_role
from signoff.people.actions.keys import KEYS_PER_OWNER_MAX
from signoff.people.facts import Founded, NewKey, ServiceAccountFacts
from signoff.people.key_queries import RevokedKey
from signoff.tables.people import ApiKey, Member, ServiceAccount
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.people.test_workspaces_and_members import as_owner, found


def member(store: Store, founded: Founded, role: str, email: str = "bob@example.com") -> Principal:
    with store.write() as session:
        member_id = add_member(session, as_owner(founded), email=email, name="Bob", role=role)
        person_id = session.get_one(Member, member_id).person_id
    return Principal("member", member_id, "Bob", founded.workspace_id, role, person_id=person_id)


def make(store: Store, who: Principal, **more: object) -> NewKey:
    with store.write() as session:
        return create_key(session, who, **{"name": "Robot", **more})


def account(store: Store, who: Principal, **more: object) -> str:
    fields = {"slug": "nightly", "name": "Nightly import", "role": "manager", **more}
    with store.write() as session:
        return create_service_account(session, who, **fields)


def caller(store: Store, made: NewKey) -> Principal:
    with store.read() as session:
        return key_queries.principal_of_key(session, made.key).principal


def facts(store: Store, who: Principal, name: str = "nightly") -> ServiceAccountFacts:
    with store.read() as session:
        return account_queries.service_account(session, who, name)


def audited(store: Store, action: str) -> list[AuditRow]:
    with store.read() as session:
        return list(session.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.seq)))


def test_a_personal_key_is_its_member_with_no_more_than_their_present_role(store: Store) -> None:
    founded = found(store)
    bob = member(store, founded, "manager")
    made = make(store, bob, preset="builder")
    assert (caller(store, made).kind, caller(store, made).member_id) == ("key", bob.id)
    assert reach(caller(store, made), "agent.edit") == "all"
    with store.write() as session:
        set_role(session, as_owner(founded), bob.id, role="builder")
    assert reach(caller(store, made), "agent.edit") == "own"
    with store.write() as session:
        set_role(session, as_owner(founded), bob.id, role="viewer")
    assert reach(caller(store, made), "agent.edit") is None
    assert not can(caller(store, made), "run.start")
    assert can(caller(store, made), "run.read")
    with store.write() as session:
        set_role(session, as_owner(founded), bob.id, role="manager")
    assert reach(caller(store, made), "agent.edit") == "all"
    assert not can(caller(store, made), "agent.deploy"), "a key gains nothing when its member does"


def test_a_removed_members_keys_end_at_once_and_stay_ended_when_they_come_back(store: Store) -> None:
    founded = found(store)
    bob = member(store, founded, "administrator")
    made, other = make(store, bob), make(store, as_owner(founded))
    nightly = account(store, bob)
    automation = make(store, bob, service_account="nightly")
    with store.write() as session:
        remove_member(session, as_owner(founded), bob.id)
    with pytest.raises(RevokedKey):
        caller(store, made)
    assert caller(store, automation).id == nightly
    assert caller(store, other).id == founded.member_id
    member(store, founded, "administrator")
    with pytest.raises(RevokedKey):
        caller(store, made)
    (row,) = audited(store, "key.revoked")
    assert (row.object_id, row.detail["because"]) == (made.id, "member.removed")


def test_a_member_whose_row_alone_was_ended_has_no_key_either(store: Store) -> None:
    founded = found(store)
    made = make(store, bob := member(store, founded, "builder"))
    with store.write() as session:
        session.get_one(Member, bob.id).state = "removed"
    with pytest.raises(RevokedKey) as refused:
        caller(store, made)
    assert refused.value.reason == "owner_removed"
    with store.read() as session:
        (listed,) = key_queries.keys(session, as_owner(founded)).rows
    assert (listed.state, listed.owner_name) == ("suspended", "Bob")


def test_members_make_and_see_their_own_keys_only(store: Store) -> None:
    founded = found(store)
    alice, bob = as_owner(founded), member(store, founded, "member")
    hers, his = make(store, alice), make(store, bob)
    account(store, alice)
    with store.read() as session:
        assert [key.id for key in key_queries.keys(session, bob).rows] == [his.id]
        assert {key.id for key in key_queries.keys(session, alice).rows} == {hers.id, his.id}
    for refused in ({"service_account": "nightly"}, {"service_account": "none-such"}, {"preset": "deployer"}):
        with pytest.raises(NotAllowed):
            make(store, bob, **refused)
    for verb in (rotate_key, actions.revoke_key, actions.end_overlap):
        with pytest.raises(NotFound), store.write() as session:
            verb(session, bob, hers.id)
    with store.write() as session:
        rotate_key(session, bob, his.id)
        actions.revoke_key(session, bob, his.id)
    with pytest.raises(NotAllowed):
        make(store, member(store, founded, "viewer", "vi@example.com"))


def test_nobody_gets_the_new_secret_of_another_persons_key(store: Store) -> None:
    founded = found(store)
    bob = member(store, founded, "administrator")
    made = make(store, as_owner(founded), preset="read-only")
    with pytest.raises(NotAllowed, match="in their name"), store.write() as session:
        rotate_key(session, bob, made.id)
    with store.write() as session:
        actions.revoke_key(session, bob, made.id)
    with pytest.raises(RevokedKey):
        caller(store, made)


def test_automation_acts_as_its_account_and_the_audit_names_account_and_key(store: Store) -> None:
    founded = found(store)
    svc = account(store, as_owner(founded), role="administrator")
    made = make(store, as_owner(founded), service_account="nightly", preset="admin")
    acting = caller(store, made)
    assert (acting.kind, acting.id, acting.name, acting.key_id) == (
        "service_account", svc, "Nightly import", made.id,
    )  # fmt: skip
    with store.write() as session:
        add_member(session, acting, email="new@example.com", name="New", role="viewer")
    (row,) = audited(store, "member.added")
    assert (row.actor_kind, row.actor_id, row.actor_name) == ("service_account", svc, "Nightly import")
    assert row.detail["by_key"] == made.id
    own = make(store, acting, preset="read-only")
    assert caller(store, own).id == svc, "what an account makes belongs to the account"


def test_an_accounts_role_bounds_its_keys_at_once(store: Store) -> None:
    founded = found(store)
    svc = account(store, as_owner(founded))
    made = make(store, as_owner(founded), service_account="nightly", preset="deployer")
    assert can(caller(store, made), "agent.deploy")
    with store.write() as session:
        actions.change_service_account(session, as_owner(founded), svc, role="viewer")
    assert not can(caller(store, made), "agent.deploy")
    with pytest.raises(NotAllowed, match="whose role viewer does not include"):
        make(store, as_owner(founded), service_account="nightly", preset="runner")
    (row,) = audited(store, "service_account.changed")
    assert (row.detail["role_before"], row.detail["role"], row.detail["fields"]) == ("manager", "viewer", ["role"])


def test_a_disabled_account_lets_nobody_in_until_it_is_enabled(store: Store) -> None:
    founded = found(store)
    alice = as_owner(founded)
    svc = account(store, alice)
    made = make(store, alice, service_account="nightly")
    for _ in range(2):
        with store.write() as session:
            actions.disable_service_account(session, alice, svc)
    with pytest.raises(RevokedKey) as refused:
        caller(store, made)
    assert refused.value.reason == "owner_disabled"
    with pytest.raises(NotNow):
        make(store, alice, service_account="nightly")
    with store.write() as session:
        actions.enable_service_account(session, alice, svc)
    assert caller(store, made).id == svc
    assert len(audited(store, "service_account.disabled")) == 1


def test_an_account_with_living_keys_is_not_deleted_and_its_slug_is_free_afterwards(store: Store) -> None:
    founded = found(store)
    alice = as_owner(founded)
    svc = account(store, alice)
    made = make(store, alice, service_account="nightly")
    with pytest.raises(NotNow, match="1 key in use"), store.write() as session:
        actions.delete_service_account(session, alice, svc)
    with store.write() as session:
        actions.revoke_key(session, alice, made.id)
        actions.delete_service_account(session, alice, svc)
    with pytest.raises(NotFound):
        facts(store, alice)
    with store.read() as session:
        assert account_queries.service_accounts(session, alice).rows == []
    with pytest.raises(RevokedKey):
        caller(store, made)
    assert account(store, alice) != svc


def test_an_account_bound_to_an_environment_binds_its_keys(store: Store) -> None:
    founded = found(store)
    alice = as_owner(founded)
    account(store, alice, environment="staging")
    made = make(store, alice, service_account="nightly")
    assert caller(store, made).environment_id == founded.environments["staging"]
    with pytest.raises(Malformed):
        make(store, alice, service_account="nightly", environment="production")
    with store.write() as session:  # As a row of another release might be.
        session.get_one(ApiKey, made.id).environment_id = None
    assert caller(store, made).environment_id == founded.environments["staging"]


def test_nobody_makes_an_account_that_may_do_more_than_they(store: Store) -> None:
    founded = found(store)
    alice = as_owner(founded)
    for wrong, kind in (
        ({"role": "owner"}, Malformed),
        ({"role": "root"}, Malformed),
        ({"slug": "New"}, Malformed),
        ({"slug": "new"}, Malformed),
        ({"name": "  "}, Malformed),
        ({"description": "x" * 2_001}, Malformed),
        ({"environment": "moon"}, Malformed),
        ({"contact_id": "mem_none"}, Malformed),
    ):
        with pytest.raises(kind):
            account(store, alice, **wrong)
    with pytest.raises(NotAllowed):
        account(store, member(store, founded, "manager"))
    account(store, alice, role="manager")
    with pytest.raises(NotNow):
        account(store, alice)
    narrow = replace(
        alice, kind="service_account", id="svc_x", scopes=frozenset(("service_account.manage", "agent.read"))
    )
    with pytest.raises(NotAllowed, match="cannot do more than who makes it"):
        account(store, narrow, slug="wide", role="manager")
    with pytest.raises(NotAllowed), store.write() as session:
        actions.change_service_account(session, narrow, facts(store, alice).id, role="viewer")


def test_strangers_find_no_account(store: Store) -> None:
    svc = account(store, as_owner(found(store)))
    charlie = as_owner(found(store, "other", "charlie@example.com"))
    for verb in (
        actions.disable_service_account, actions.enable_service_account, actions.delete_service_account,
        actions.change_service_account,
    ):  # fmt: skip
        with pytest.raises(NotFound), store.write() as session:
            verb(session, charlie, svc)
    with pytest.raises(NotFound):
        facts(store, charlie, svc)
    with pytest.raises(Malformed):
        make(store, charlie, service_account="nightly")


def test_the_contact_may_leave_and_the_account_says_so(store: Store) -> None:
    founded = found(store)
    alice, bob = as_owner(founded), member(store, founded, "builder")
    svc = account(store, alice, contact_id=bob.id)
    made = make(store, alice, service_account="nightly")
    assert (facts(store, alice).contact_name, facts(store, alice).is_contact_gone) == ("Bob", False)
    with store.write() as session:
        remove_member(session, alice, bob.id)
    assert facts(store, alice).is_contact_gone
    assert caller(store, made).id == svc
    with store.write() as session:
        actions.change_service_account(session, alice, svc, contact_id="", name="Renamed")
    now = facts(store, alice)
    assert (now.contact_id, now.name, now.is_contact_gone, now.keys) == (None, "Renamed", False, 1)


def test_the_command_line_makes_keys_of_the_operators_account(store: Store) -> None:
    founded = found(store)
    operator = system(founded.workspace_id)
    first, second = make(store, operator), make(store, operator, preset="admin")
    assert caller(store, first).id == caller(store, second).id == facts(store, as_owner(founded), "operator").id
    assert len(audited(store, "service_account.created")) == 1


def test_a_key_that_the_release_before_wrote_works_as_it_did(store: Store) -> None:
    founded = found(store)
    made = make(store, as_owner(founded))
    with store.write() as session:
        row = session.get_one(ApiKey, made.id)
        row.owner_kind = row.owner_id = None
    acting = caller(store, made)
    assert (acting.kind, acting.id, acting.member_id, acting.role) == ("key", made.id, None, "administrator")
    assert caller(store, make(store, replace(acting, scopes=None, role="administrator"))).kind == "service_account"


def test_an_old_secret_lives_as_long_as_asked_and_its_use_is_noticed_later(store: Store) -> None:
    owner = as_owner(found(store))
    old = make(store, owner)
    for wrong in (-1, 86_401):
        with pytest.raises(Malformed), store.write() as session:
            rotate_key(session, owner, old.id, overlap_seconds=wrong)
    with store.write() as session:
        new = rotate_key(session, owner, old.id, overlap_seconds=3600)
    assert caller(store, old).key_id == caller(store, new).key_id == old.id
    with store.read() as session:
        (listed,) = key_queries.keys(session, owner).rows
    assert listed.old_secret_until is not None
    with store.write() as session:
        session.get_one(ApiKey, old.id).old_until = clock.now() - timedelta(seconds=1)
    with pytest.raises(RevokedKey) as refused:
        caller(store, old)
    assert refused.value.reason == "rotated"
    with store.write() as session:
        actions.note_key_used(session, old.id, "192.0.2.1")
        actions.note_revoked_key_used(session, old.id, "rotated", "192.0.2.7")
    (row,) = audited(store, "key.used_while_revoked")
    assert (row.detail["reason"], row.detail["address"]) == ("rotated", "192.0.2.7")
    with store.read() as session:
        (listed,) = key_queries.keys(session, owner).rows
    assert (listed.last_used_address, listed.refused_address) == ("192.0.2.1", "192.0.2.7")
    assert listed.old_secret_until is None


def test_an_overlap_ends_early_and_only_one_old_secret_lives(store: Store) -> None:
    owner = as_owner(found(store))
    first = make(store, owner)
    with store.write() as session:
        second = rotate_key(session, owner, first.id, overlap_seconds=3600)
    with store.write() as session:
        third = rotate_key(session, owner, first.id, overlap_seconds=3600)
    with pytest.raises(NotSignedIn):
        caller(store, first)
    assert caller(store, second).key_id == caller(store, third).key_id
    with store.write() as session:
        actions.end_overlap(session, owner, first.id)
    with pytest.raises(RevokedKey):
        caller(store, second)
    assert caller(store, third)
    with store.write() as session:
        actions.end_overlap(session, owner, first.id)
        fourth = rotate_key(session, owner, first.id, overlap_seconds=60)
        actions.revoke_key(session, owner, first.id)
    for made in (third, fourth):
        with pytest.raises(RevokedKey):
            caller(store, made)


def test_almost_the_old_secret_is_no_key(store: Store) -> None:
    owner = as_owner(found(store))
    old = make(store, owner)
    with store.write() as session:
        new = rotate_key(session, owner, old.id, overlap_seconds=3600)
    mixed = f"so_{old.prefix}_{new.key.split('_', 2)[2]}"
    for wrong in (old.key[:-1], mixed, f"so_{new.prefix}_{old.key.split('_', 2)[2]}"):
        with pytest.raises(NotSignedIn), store.read() as session:
            key_queries.principal_of_key(session, wrong)


def test_a_rotation_can_move_the_end_and_an_expired_key_needs_one(store: Store) -> None:
    owner = as_owner(found(store))
    made = make(store, owner, expires_at=clock.now() + timedelta(days=10))
    with store.read() as session:
        assert key_queries.keys(session, owner).rows[0].is_expiring
    later = clock.now() + timedelta(days=90)
    with store.write() as session:
        rotate_key(session, owner, made.id, expires_at=later)
    with store.read() as session:
        (listed,) = key_queries.keys(session, owner).rows
    assert (listed.expires_at, listed.is_expiring) == (later, False)
    with store.write() as session:
        session.get_one(ApiKey, made.id).expires_at = clock.now() - timedelta(seconds=1)
    with pytest.raises(NotNow, match="expired"), store.write() as session:
        rotate_key(session, owner, made.id)
    with pytest.raises(Malformed), store.write() as session:
        rotate_key(session, owner, made.id, expires_at=clock.now() - timedelta(days=1))
    with store.write() as session:
        new = rotate_key(session, owner, made.id, expires_at=later)
    assert caller(store, new).key_id == made.id


def test_an_owner_has_a_limited_number_of_living_keys(store: Store) -> None:
    founded = found(store)
    owner = as_owner(founded)
    with store.write() as session:
        for number in range(KEYS_PER_OWNER_MAX):
            create_key(session, owner, name=f"Key {number}")
    with pytest.raises(NotNow, match="100 keys already"):
        make(store, owner)
    with store.write() as session:
        actions.revoke_key(session, owner, session.scalars(select(ApiKey.id).limit(1)).one())
    make(store, owner)
    account(store, owner)
    make(store, owner, service_account="nightly")
    with store.read() as session:
        assert session.scalars(select(ServiceAccount.state)).all() == ["active"]
