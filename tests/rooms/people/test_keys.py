"""API keys: what they reach, how they end, what is kept of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow, NotSignedIn
from signoff.people import key_queries
from signoff.people.access import Place, Principal, authorize, can
from signoff.people.actions import (
    add_member,
    create_key,
    note_key_used,
    note_revoked_key_used,
    revoke_key,
    rotate_key,
)
from signoff.people.facts import NewKey
from signoff.people.key_queries import RevokedKey
from signoff.people.roles import KEY_PRESETS, PERMISSIONS
from signoff.tables.people import ApiKey
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.people.test_workspaces_and_members import as_owner, found


def make(store: Store, owner: Principal, **more: object) -> NewKey:
    with store.write() as session:
        return create_key(session, owner, name="Robot", **more)  # pyright: ignore[reportArgumentType]


def principal_of(store: Store, key: str) -> Principal:
    with store.read() as session:
        return key_queries.principal_of_key(session, key).principal


def test_a_key_is_shown_once_and_stored_hashed(store: Store) -> None:
    owner = as_owner(found(store))
    made = make(store, owner)
    assert made.key.startswith(f"so_{made.prefix}_")
    with store.read() as session:
        kept = str([vars(row) for row in session.scalars(select(ApiKey))])
        audited = str([row.detail for row in session.scalars(select(AuditRow))])
        (listed,) = key_queries.keys(session, owner).rows
    secret = made.key.removeprefix(f"so_{made.prefix}_")
    assert secret not in kept + audited + str(listed)
    assert listed.prefix == f"so_{made.prefix}_…"


@pytest.mark.parametrize("preset", list(KEY_PRESETS))
def test_a_key_does_what_its_preset_names(store: Store, preset: str) -> None:
    owner = as_owner(found(store))
    made = make(store, owner, preset=preset)
    caller = principal_of(store, made.key)
    role, scopes = KEY_PRESETS[preset]
    assert (caller.kind, caller.role, caller.id, caller.key_id) == ("key", role, owner.id, made.id)
    for action in scopes:
        authorize(caller, action)
    assert can(caller, "member.manage") == (preset == "admin")


@pytest.mark.parametrize(
    "change",
    [lambda key: key[:-1], lambda key: key + "x", lambda key: key[:14] + "_" + "A" * 43, lambda key: key.upper(),
     lambda key: "", lambda key: "so_", lambda key: key.replace("so_", "sk_"), lambda key: key + "\x00",
     lambda key: "so_%%%%%%%%%%_x", lambda key: "é" * 30],
)  # fmt: skip
def test_almost_a_key_is_no_key(store: Store, change: object) -> None:
    key = make(store, as_owner(found(store))).key
    with pytest.raises(NotSignedIn):
        principal_of(store, change(key))  # pyright: ignore[reportCallIssue]


def test_rotation_kills_the_old_key_at_once_and_keeps_the_rights(store: Store) -> None:
    owner = as_owner(found(store))
    old = make(store, owner, preset="read-only", environment="staging")
    with store.write() as session:
        new = rotate_key(session, owner, old.id)
    with pytest.raises(NotSignedIn):
        principal_of(store, old.key)
    caller = principal_of(store, new.key)
    assert (caller.key_id, caller.role) == (old.id, "viewer")
    assert caller.environment_id is not None


def test_a_revoked_or_expired_key_is_refused_and_its_use_is_audited_once_a_minute(store: Store) -> None:
    owner = as_owner(found(store))
    revoked, expiring = make(store, owner), make(store, owner, expires_at=clock.now() + timedelta(hours=1))
    with store.write() as session:
        revoke_key(session, owner, revoked.id)
        session.get_one(ApiKey, expiring.id).expires_at = clock.now() - timedelta(seconds=1)
    for made in (revoked, expiring):
        for _ in range(3):
            with pytest.raises(RevokedKey) as refused:
                principal_of(store, made.key)
            with store.write() as session:
                note_revoked_key_used(session, refused.value.key_id, refused.value.reason)
    with store.read() as session:
        rows = session.execute(
            select(AuditRow.object_id, AuditRow.detail).where(AuditRow.action == "key.used_while_revoked")
        ).all()
    assert [(row[0], row[1]["reason"]) for row in rows] == [(revoked.id, "revoked"), (expiring.id, "expired")]
    with pytest.raises(NotNow), store.write() as session:
        rotate_key(session, owner, revoked.id)


def test_last_use_is_noted_at_most_once_a_minute(store: Store) -> None:
    made = make(store, as_owner(found(store)))
    with store.write() as session:
        assert note_key_used(session, made.id)
        assert not note_key_used(session, made.id)
        session.get_one(ApiKey, made.id).last_used_at = clock.now() - timedelta(seconds=61)
        session.flush()
        assert note_key_used(session, made.id)


def test_an_administrators_deployer_key_deploys_where_only_administrators_may(store: Store) -> None:
    founded = found(store)
    owner = as_owner(founded)
    place = Place(founded.environments["production"], "Production", is_deploy_restricted=True)
    key = principal_of(store, make(store, owner, preset="deployer").key)
    assert can(key, "agent.deploy", owners=(owner.id,), place=place)
    # Narrowed by role it may not; and the scopes still say what else it may.
    assert not can(key.under("builder", PERMISSIONS["builder"]), "agent.deploy", owners=(owner.id,), place=place)
    assert not can(key, "environment.manage")
    assert not can(key, "member.manage")
    assert not can(principal_of(store, make(store, owner).key), "agent.deploy", owners=(owner.id,), place=place)


def test_a_colleagues_key_is_told_like_none(store: Store) -> None:
    founded = found(store)
    theirs = make(store, as_owner(founded)).id
    with store.write() as session:
        member_id = add_member(session, as_owner(founded), email="bob@example.com", name="Bob", role="member")
    bob = Principal("member", member_id, "Bob", founded.workspace_id, "member")
    told: list[str] = []
    for key_id in (theirs, "key_none"):
        with pytest.raises(NotFound) as refused, store.write() as session:
            revoke_key(session, bob, key_id)
        told.append(refused.value.detail)
    assert told[0] == told[1]
    mine = make(store, bob).id
    with store.write() as session:
        revoke_key(session, bob, mine)


def test_a_key_never_reaches_further_than_its_maker(store: Store) -> None:
    founded = found(store)
    owner = as_owner(founded)
    narrow = replace(owner, kind="key", scopes=frozenset(("key.manage", "agent.read", "run.read", "workspace.read")))
    with pytest.raises(NotAllowed) as refused:
        make(store, narrow, preset="admin")
    assert "member.manage" in refused.value.extra["required"]
    with pytest.raises(NotAllowed):
        make(store, narrow, preset="runner")
    admin_key = make(store, owner, preset="admin")
    with pytest.raises(NotAllowed), store.write() as session:
        rotate_key(session, narrow, admin_key.id)
    bound = replace(owner, environment_id=founded.environments["staging"])
    with pytest.raises(NotAllowed):
        make(store, bound, preset="runner", environment="production")
    assert principal_of(store, make(store, bound).key).environment_id == founded.environments["staging"]


def test_scopes_narrow_and_unknown_words_are_refused(store: Store) -> None:
    owner = as_owner(found(store))
    caller = principal_of(store, make(store, owner, preset="runner", scopes=["run.read", "agent.read"]).key)
    assert can(caller, "run.read")
    assert not can(caller, "run.start")
    for wrong in (
        {"preset": "root"},
        {"scopes": ["*"]},
        {"preset": "runner", "scopes": ["key.manage"]},
        {"environment": "moon"},
        {"expires_at": clock.now() - timedelta(days=1)},
    ):
        with pytest.raises(Malformed):
            make(store, owner, **wrong)


def test_keys_of_others_are_not_there(store: Store) -> None:
    made = make(store, as_owner(found(store)))
    charlie = as_owner(found(store, "other", "charlie@example.com"))
    for attempt in (revoke_key, rotate_key):
        with pytest.raises(NotFound), store.write() as session:
            attempt(session, charlie, made.id)
    with store.read() as session:
        assert key_queries.keys(session, charlie).rows == []
    assert principal_of(store, made.key).name == "Alice, key Robot"
