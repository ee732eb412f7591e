"""Answers from Slack and Microsoft Teams: only signed, only fresh, only from a member, and the run goes on."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from signoff.approvals.actions.chats import act_on, connect_chat, make_code
from signoff.approvals.chat_words import Spoken
from signoff.approvals.chats import ChatKind
from signoff.kit import clock
from signoff.people.access import Principal
from signoff.tables.notices import ChatAccount
from signoff.tables.people import Workspace
from tests.api.world import World
from tests.rooms.approvals.kit_approvals import Desk, make_desk

SLACK = "8f742231b10e8888abcd99yyyzzz85a5"
TEAMS = base64.b64encode(b"a key of thirty-two bytes, or so").decode()
BOB: dict[ChatKind, str] = {"slack": "T1:UBOB", "teams": "tenant-1:bob-1"}
SECRETS: dict[ChatKind, str] = {"slack": SLACK, "teams": TEAMS}


@pytest.fixture
def desk(world: World) -> Desk:
    """Bob has an account in both chats."""
    desk = make_desk(world.store, "desk")
    with desk.store.write() as session:
        owner = Principal("member", desk.dave.id, "Dave", desk.at.workspace_id, "owner")
        for kind, secret in SECRETS.items():
            connect_chat(session, owner, world.house.services.vault, kind, secret=secret)
            code = make_code(session, desk.bob, kind)
            act_on(session, desk.at.workspace_id, kind, Spoken(BOB[kind], "link", code))
    return desk


def slug(desk: Desk) -> str:
    with desk.store.read() as session:
        return session.get_one(Workspace, desk.at.workspace_id).slug


def pressed(approval: str, verb: str = "approve", user: str = "UBOB", **more: Any) -> bytes:
    payload = {
        "type": "block_actions", "team": {"id": "T1"}, "user": {"id": user, "name": "bob"},
        "actions": [{"action_id": verb, "value": approval}], **more,
    }  # fmt: skip
    return urlencode({"payload": json.dumps(payload)}).encode()


def from_slack(world: World, desk: Desk, body: bytes, *, secret: str = SLACK, age: float = 0, **headers: str) -> Any:
    stamp = str(int(clock.now().timestamp() - age))
    signed = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    given = {
        "content-type": "application/x-www-form-urlencoded", "x-slack-request-timestamp": stamp,
        "x-slack-signature": f"v0={signed}", **{name.replace("_", "-"): value for name, value in headers.items()},
    }  # fmt: skip
    with world.client() as client:
        return client.post(f"/v1/chats/{slug(desk)}/slack", content=body, headers=given)


def from_teams(world: World, desk: Desk, text: str, *, secret: str = TEAMS, age: float = 0, user: str = "bob-1") -> Any:
    sent_at = (clock.now() - timedelta(seconds=age)).isoformat()
    told = {
        "type": "message", "text": text, "timestamp": sent_at, "from": {"name": "Bob", "aadObjectId": user},
        "channelData": {"tenant": {"id": "tenant-1"}},
    }  # fmt: skip
    body = json.dumps(told).encode()
    signed = base64.b64encode(hmac.new(base64.b64decode(secret), body, hashlib.sha256).digest()).decode()
    headers = {"authorization": f"HMAC {signed}", "content-type": "application/json"}
    with world.client() as client:
        return client.post(f"/v1/chats/{slug(desk)}/teams", content=body, headers=headers)


def test_approved_in_slack_the_run_goes_on(world: World, desk: Desk):
    approval = desk.asked()
    answered = from_slack(world, desk, pressed(approval))
    assert answered.status_code == 200
    assert answered.json()["text"] == "You have approved it, as Bob."
    row, run = desk.row(approval), desk.run_row(approval)
    assert (row.state, row.decided_by, row.via) == ("approved", desk.bob.id, "slack")
    assert {"run_id": run.id, "leg": 2} in desk.sent("run.start")


def test_a_reply_goes_to_slack_alone_and_its_address_is_sealed(world: World, desk: Desk):
    first, second = desk.asked(), desk.asked(desk.run(desk.alice, "Second."))
    from_slack(world, desk, pressed(first, response_url="https://evil.example/steal"))
    assert desk.sent("chat.reply") == []
    from_slack(world, desk, pressed(second, response_url="https://hooks.slack.com/actions/T1/very-secret"))
    (reply,) = desk.sent("chat.reply")
    assert "very-secret" not in str(reply)
    assert reply["text"] == "You have approved it, as Bob."


def test_what_slack_did_not_sign_just_now_is_not_heard(world: World, desk: Desk):
    approval = desk.asked()
    for secret, age in (("another secret of the same length!", 0), (SLACK, 301), (SLACK, -302)):
        assert from_slack(world, desk, pressed(approval), secret=secret, age=age).status_code == 401
    assert desk.row(approval).state == "pending"


def test_a_signature_that_is_none_is_not_heard(world: World, desk: Desk):
    approval = desk.asked()
    heard: list[str] = []
    for value in ("", "v0=", "v1=abc", "nan", "1e9", "-1", "9" * 40):
        answered = (
            from_slack(world, desk, pressed(approval), x_slack_signature=value),
            from_slack(world, desk, pressed(approval), x_slack_request_timestamp=value),
        )
        heard += [value for one in answered if one.status_code != 401]
    assert heard == []
    assert desk.row(approval).state == "pending"


def test_a_body_that_was_changed_on_the_way_is_not_heard(world: World, desk: Desk):
    first, second = desk.asked(), desk.asked(desk.run(desk.alice, "Second."))
    body, stamp = pressed(first), str(int(clock.now().timestamp()))
    signed = hmac.new(SLACK.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    changed = body.replace(first.encode(), second.encode())
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={signed}"}
    with world.client() as client:
        answered = client.post(f"/v1/chats/{slug(desk)}/slack", content=changed, headers=headers)
    assert answered.status_code == 401
    assert (desk.row(first).state, desk.row(second).state) == ("pending", "pending")


def test_played_again_it_answers_nothing_twice_and_says_who_was_first(world: World, desk: Desk):
    approval = desk.asked()
    from_slack(world, desk, pressed(approval))
    again = from_slack(world, desk, pressed(approval))
    assert "Bob approved it at" in again.json()["text"]
    assert len(desk.audited("approval.approved")) == 1


def test_who_is_nobody_here_or_is_not_asked_decides_nothing(world: World, desk: Desk):
    approval = desk.asked()
    assert "not connected to a member" in from_slack(world, desk, pressed(approval, user="UEVE")).json()["text"]
    with desk.store.write() as session:
        code = make_code(session, desk.erin, "slack")
        act_on(session, desk.at.workspace_id, "slack", Spoken("T1:UERIN", "link", code))
    assert "no such request" in from_slack(world, desk, pressed(approval, user="UERIN")).json()["text"]
    assert desk.row(approval).state == "pending"


def test_another_workspaces_chat_reaches_nothing_here(world: World, desk: Desk):
    approval = desk.asked()
    with world.client() as client:
        body, stamp = pressed(approval), str(int(clock.now().timestamp()))
        signed = hmac.new(SLACK.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={signed}"}
        assert client.post("/v1/chats/acme/slack", content=body, headers=headers).status_code == 401
        assert client.post("/v1/chats/nowhere/slack", content=body, headers=headers).status_code == 401
    assert desk.row(approval).state == "pending"


def test_a_button_that_says_no_without_the_reason_that_is_needed_is_told_so(world: World, desk: Desk):
    approval = desk.asked()
    told = from_slack(world, desk, pressed(approval, "deny")).json()["text"]
    assert told.startswith("Say why")
    assert desk.row(approval).state == "pending"


def test_what_slack_signs_and_nobody_understands_changes_nothing(world: World, desk: Desk):
    bodies = (b"", b"payload=", b"payload=%5B%5D", b"payload=%7B%22type%22%3A1%7D", b"\xff\xfe", b"a=1&" * 100)
    assert [from_slack(world, desk, body).status_code for body in bodies] == [200] * len(bodies)


def test_in_teams_a_message_approves_or_denies_with_its_reason(world: World, desk: Desk):
    first, second = desk.asked(), desk.asked(desk.run(desk.alice, "Second."))
    told = from_teams(world, desk, f"<at>Signoff</at>&nbsp;approve {first}\n").json()
    assert (told["type"], told["text"]) == ("message", "You have approved it, as Bob.")
    from_teams(world, desk, f"<at>Signoff</at> deny {second} Paid on <b>Monday</b>.")
    assert (desk.row(first).via, desk.row(second).state) == ("teams", "denied")
    assert "Paid on" in (desk.row(second).reason or "")


def test_what_teams_did_not_sign_just_now_is_not_heard(world: World, desk: Desk):
    approval = desk.asked()
    for secret, age in ((base64.b64encode(b"x" * 32).decode(), 0), (TEAMS, 301), (TEAMS, -302)):
        assert from_teams(world, desk, f"approve {approval}", secret=secret, age=age).status_code == 401
    assert desk.row(approval).state == "pending"


def test_a_code_links_one_account_once_and_only_its_own_member(world: World, desk: Desk):
    with desk.store.write() as session:
        code = make_code(session, desk.carol, "teams")
    told = from_teams(world, desk, f"<at>Signoff</at> link {code.lower()}", user="carol-1").json()["text"]
    assert told == "You are Carol from now on. Requests can be answered here."
    assert "not good" in from_teams(world, desk, f"link {code}", user="eve-1").json()["text"]
    with desk.store.write() as session:
        code = make_code(session, desk.carol, "teams")
    assert "another member" in from_teams(world, desk, f"link {code}", user="bob-1").json()["text"]
    with desk.store.read() as session:
        found = select(ChatAccount.account, ChatAccount.member_id).where(ChatAccount.kind == "teams")
        assert {tuple(row) for row in session.execute(found)} == {
            ("tenant-1:bob-1", desk.bob.id), ("tenant-1:carol-1", desk.carol.id),
        }  # fmt: skip
    assert len(desk.audited("chat.account_linked")) == 3
