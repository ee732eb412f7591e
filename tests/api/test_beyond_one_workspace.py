"""What is a person's, done from within one of their workspaces: it reaches all of them, and no key reaches it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from signoff.kit import clock
from signoff.people.actions import add_member, open_session
from signoff.people.actions.pending import open_pending
from signoff.tables.people import Member, PendingSignIn, Person, SecondFactor, Workspace
from signoff.tables.record import AuditRow
from tests.api.world import World

on_both = pytest.mark.parametrize("backend", ["sqlite", "postgres"], indirect=True)


@pytest.fixture
def alice_in_both(world: World) -> World:
    """Alice owns Acme, and is a viewer of Other."""
    with world.store.write() as session:
        invited = add_member(session, world.charlie, email="alice@acme.example", name="Alice", role="viewer")
        session.get_one(Member, invited).accepted_at = clock.now()
    return world


@on_both
def test_a_new_name_is_told_in_every_workspace(alice_in_both: World) -> None:
    world = alice_in_both
    with world.store.write() as session:
        token = open_session(
            session, world.acme.person_id, lifetime_seconds=600, workspace_id=world.acme.workspace_id
        ).session_token
    with world.client(session=token) as alice:
        answer = alice.post("/w/acme/profile", data={"name": "Alicia"})
    assert answer.status_code == 303
    with world.store.read() as session:
        told = session.scalars(select(AuditRow.workspace_id).where(AuditRow.action == "person.renamed")).all()
    assert set(told) == {world.acme.workspace_id, world.other.workspace_id}


@on_both
def test_who_resets_a_second_factor_ends_what_waits_for_its_code(world: World) -> None:
    with world.store.write() as session:
        member = session.scalars(
            select(Member).join(Person, Person.id == Member.person_id).where(Person.email == "builder@acme.example")
        ).one()
        session.add(
            SecondFactor(
                person_id=member.person_id,
                ciphertext=b"x",
                nonce=b"y",
                key_id="k",
                last_step=0,
                created_at=clock.now(),
                confirmed_at=clock.now(),
            )
        )
        session.flush()
        open_pending(session, member.person_id, needs="code", method="password", how="password")
        member_id = member.id
    with world.client(session=world.tokens["owner"]) as alice:
        assert alice.delete(f"/v1/acme/members/{member_id}/second-factor").status_code == 200
    with world.store.read() as session:
        assert session.scalars(select(PendingSignIn)).one().used_at is not None


@on_both
def test_a_personal_key_tells_of_its_own_workspace_alone(alice_in_both: World) -> None:
    world = alice_in_both
    with world.store.write() as session:
        token = open_session(
            session,
            world.acme.person_id,
            lifetime_seconds=600,
            workspace_id=world.acme.workspace_id,
            method="sso",
            provider_id=world.ids["provider"],
        ).session_token
    with world.client(session=token) as bound:
        assert bound.get("/v1/me").json()["workspaces"] == ["acme"]
        made = bound.post("/v1/acme/keys", json={"name": "k", "preset": "read-only"}).json()["key"]
    with world.client(key=made) as key:
        assert key.get("/v1/me").json()["workspaces"] == ["acme"], "nor does the session reach further through a key"
        assert key.get("/v1/me/sessions").status_code == 403
        assert key.delete("/v1/me/sessions").status_code == 403
    with world.client(session=world.tokens["owner"]) as alice:
        assert set(alice.get("/v1/me").json()["workspaces"]) == {"acme", "other"}


@on_both
def test_a_browser_that_remembers_a_shut_workspace_is_led_to_an_open_one(alice_in_both: World) -> None:
    world = alice_in_both
    with world.store.write() as session:
        token = open_session(
            session, world.acme.person_id, lifetime_seconds=600, workspace_id=world.acme.workspace_id
        ).session_token
        session.get_one(Workspace, world.other.workspace_id).suspended_at = clock.now()
    with world.client(session=token) as alice:
        alice.cookies.set("workspace", "other")
        assert alice.get("/").headers["location"] == "/w/acme"
        assert alice.get("/switch/workspace/acme").headers["location"] == "/"
        assert alice.get("/w/other").status_code == 403


@on_both
def test_whose_own_workspace_is_shut_is_led_to_another_that_is_open(alice_in_both: World) -> None:
    world = alice_in_both
    with world.store.write() as session:
        token = open_session(
            session, world.acme.person_id, lifetime_seconds=600, workspace_id=world.acme.workspace_id
        ).session_token
        session.get_one(Workspace, world.acme.workspace_id).suspended_at = clock.now()
    with world.client(session=token) as alice:
        assert alice.get("/").headers["location"] == "/w/other"
        assert alice.get("/w/other").status_code == 200
        assert alice.get("/w/acme").status_code == 403
        # Where no other is open, the reason is said instead of a door that leads nowhere.
        with world.store.write() as session:
            session.get_one(Workspace, world.other.workspace_id).suspended_at = clock.now()
        shut = alice.get("/")
        assert shut.status_code == 403
        assert "is suspended" in shut.text
