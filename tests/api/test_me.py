"""What a signed-in person sees of themselves through the API, and what a key does not."""

from __future__ import annotations

import pytest
from pydantic import SecretStr
from pyotp.totp import TOTP
from sqlalchemy import select, update

from signoff.kit.sealing import Sealer
from signoff.people.access import Principal
from signoff.people.actions import add_member, open_session
from signoff.people.entrance import Entrance
from signoff.people.queries import member
from signoff.tables.people import SecondFactor, Workspace
from signoff.tables.record import OutboxMessage
from tests.api.world import World


def another(world: World) -> str:
    with world.store.write() as session:
        return open_session(session, world.acme.person_id, lifetime_seconds=60, user_agent="Firefox").session_token


def test_sessions_are_listed_and_ended(world: World) -> None:
    token = another(world)
    with world.client(session=world.tokens["owner"]) as alice, world.client(session=token) as elsewhere:
        items = alice.get("/v1/me/sessions").json()["items"]
        assert [item["user_agent"] for item in items] == ["Firefox", ""]
        assert token not in str(items)
        assert alice.delete(f"/v1/me/sessions/{items[0]['id']}").status_code == 200
        assert elsewhere.get("/v1/me").status_code == 401
        assert alice.delete(f"/v1/me/sessions/{items[0]['id']}").status_code == 404
        assert alice.delete("/v1/me/sessions").status_code == 200
        assert alice.get("/v1/me").status_code == 401


def test_nobody_ends_anothers_session(world: World) -> None:
    with world.client(session=world.tokens["owner"]) as alice, world.client(session=world.tokens["viewer"]) as viewer:
        theirs = alice.get("/v1/me/sessions").json()["items"][0]["id"]
        answers = [viewer.delete(f"/v1/me/sessions/{one}") for one in (theirs, "ses_made_up")]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].json()["detail"] == answers[1].json()["detail"]
        assert alice.get("/v1/me").status_code == 200


def test_a_key_is_no_person(world: World) -> None:
    with world.client(key=world.keys["admin"]) as key:
        for method, path in (
            ("GET", "/v1/me/sessions"),
            ("DELETE", "/v1/me/sessions"),
            ("DELETE", "/v1/me/sessions/ses_1"),
            ("GET", "/v1/me/second-factor"),
        ):
            assert key.request(method, path).status_code == 403, path


def test_a_second_factor_is_told_and_reset(world: World) -> None:
    with world.store.write() as session:
        bob = add_member(session, world.alice, email="bob2@acme.example", name="Bob", role="member")
        person = member(session, world.alice, bob).person_id
    own = Entrance(
        world.store, Sealer(world.house.services.vault.keys), attempts_per_minute=9, session_seconds=60
    ).own_factor
    who = Principal("member", bob, "Bob", world.acme.workspace_id, "member", person_id=person)
    own.confirm(who, TOTP(own.begin(who)).now(), session_id="")
    with world.store.write() as session:
        token = open_session(session, person, lifetime_seconds=600, is_two_factor=True).session_token
    with world.client(session=token) as bobs, world.client(session=world.tokens["owner"]) as alice:
        told = bobs.get("/v1/me/second-factor").json()
        assert (told["is_on"], told["codes_left"]) == (True, 10)
        assert alice.get(f"/v1/acme/members/{bob}").json()["has_second_factor"] is True
        assert alice.get("/v1/acme/sign-in-rules").json()["with_second_factor"] == 1
        assert bobs.delete(f"/v1/acme/members/{bob}/second-factor").status_code == 403
        assert alice.delete(f"/v1/acme/members/{bob}/second-factor").status_code == 200
        assert bobs.get("/v1/me").status_code == 401
        assert alice.delete(f"/v1/acme/members/{bob}/second-factor").status_code == 409
    with world.store.read() as session:
        assert session.scalars(select(SecondFactor)).all() == []


def test_a_workspace_that_asks_for_a_second_factor_asks_at_the_api_too(world: World) -> None:
    with world.store.write() as session:
        session.execute(
            update(Workspace).where(Workspace.id == world.acme.workspace_id).values(is_second_factor_required=True)
        )
    with world.client(session=world.tokens["owner"]) as alice, world.client(key=world.keys["admin"]) as key:
        refused = alice.get("/v1/acme/agents")
        assert (refused.status_code, refused.json()["code"]) == (401, "second_factor_needed")
        # Keys are for programs: they have their own limits.
        assert key.get("/v1/acme/agents").status_code == 200


@pytest.mark.parametrize("is_sent", [False, True])
def test_a_link_is_mailed_where_mail_is_sent_and_is_not_in_the_answer(world: World, is_sent: bool) -> None:
    world.house.settings.smtp_url = SecretStr("smtp://127.0.0.1:1") if is_sent else None
    with world.store.write() as session:
        bob = add_member(session, world.alice, email="bob3@acme.example", name="Bob", role="member")
    with world.client(session=world.tokens["owner"]) as alice:
        answer = alice.post(f"/v1/acme/members/{bob}:link", json={"by_mail": True})
        plain = alice.post(f"/v1/acme/members/{bob}:link", json={})
    assert plain.json()["path"].startswith("/setup/set_")
    with world.store.read() as session:
        mails = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "link.mail")).all()
    if is_sent:
        assert (answer.status_code, answer.json()["path"], len(mails)) == (201, None, 1)
    else:
        assert (answer.status_code, len(mails)) == (409, 0)
        assert "sends no mail" in answer.json()["detail"]
