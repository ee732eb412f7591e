"""Requests that nobody answers, who is told of them, and answers from a chat."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Generator
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from signoff.approvals.actions import acknowledge, decide
from signoff.approvals.deliveries import plan
from signoff.approvals.due import look_again
from signoff.kit import clock
from signoff.kit.errors import NotNow
from signoff.tables.session import Store
from tests.acceptance.product import Product, until
from tests.acceptance.scripts import acts
from tests.kit_hook import hook_server
from tests.rooms.approvals.kit_approvals import Desk, make_desk, seat

NORA = "nora-told@example.com"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


@pytest.fixture
def desk(store: Store) -> Desk:
    return make_desk(store)


def look_after(desk: Desk, approval: str, monkeypatch: pytest.MonkeyPatch, **since: float) -> bool:
    """What every worker does, so long after the request."""
    moment = desk.row(approval).created_at + timedelta(**since)
    monkeypatch.setattr(clock, "now", lambda: moment)
    with desk.store.write() as session:
        return look_again(session, approval)


def test_d77_after_a_day_the_backup_is_asked_and_then_the_manager(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    with desk.store.write() as session:
        seat(session, desk.agent_id, desk.at.workspace_id, "backup", desk.erin)
        seat(session, desk.agent_id, desk.at.workspace_id, "escalation", desk.dave)
    ladder = [{"after_minutes": 1440, "to": ["backup"]}, {"after_minutes": 2880, "to": ["escalation"]}]
    approval = desk.asked(escalation=ladder, deadline_minutes=4320)
    assert not look_after(desk, approval, monkeypatch, hours=23, minutes=59)
    assert look_after(desk, approval, monkeypatch, hours=24)
    assert "Erin" in desk.recipients(approval)
    assert "Dave" not in desk.recipients(approval)
    (told,) = desk.sent("approval.escalated")
    with desk.store.write() as session:
        assert plan(session, approval, f"escalated:{told['level']}", has_mail=True) == 1
    assert look_after(desk, approval, monkeypatch, hours=48)
    assert desk.recipients(approval)["Dave"] == "escalation"


def test_d80_everybody_in_the_pool_sees_it_and_the_first_answer_wins(desk: Desk):
    approval = desk.asked()
    for one in (desk.bob, desk.carol):
        assert desk.seen(one, approval).row.can_decide
    with desk.store.write() as session:
        decide(session, desk.carol, approval, verdict="approve")
    with desk.store.write() as session, pytest.raises(NotNow) as late:
        decide(session, desk.bob, approval, verdict="deny", reason="No.")
    assert late.value.status == 409
    assert "Carol approved it" in late.value.detail


@pytest.mark.parametrize(("on_deadline", "state"), [("deny", "waiting"), ("fail", "waiting")])
def test_f86_what_nobody_answers_expires_and_the_run_is_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, on_deadline: str, state: str
):
    approval = desk.asked(on_deadline=on_deadline, deadline_minutes=60)
    assert look_after(desk, approval, monkeypatch, minutes=60)
    assert desk.row(approval).state == "expired"
    answer = desk.answer(approval)
    assert answer is not None
    assert answer["outcome"] == ("expired" if on_deadline == "deny" else "expired_final")
    run = desk.run_row(approval)
    assert (run.state, run.leg) == (state, 2)
    assert len(desk.audited("approval.expired")) == 1


def test_f89_a_request_nobody_can_answer_is_degraded_until_somebody_sees_to_it(desk: Desk):
    approval = desk.asked(asks=["nobody@example.com"], quorum=4)
    assert desk.seen(desk.dave, approval).row.is_degraded
    assert [one["kind"] for one in desk.sent("alert.raise")] == ["approval_nobody_to_ask"]
    with desk.store.write() as session:
        acknowledge(session, desk.dave, approval)
    assert not desk.seen(desk.dave, approval).row.is_degraded
    assert desk.row(approval).state == "pending"
    assert desk.sent("alert.resolve") == [{"key": f"approval:{approval}"}]


def say_in_slack(product: Product, fields: dict[str, Any], secret: str = SECRET) -> httpx2.Response:
    body, stamp = urlencode(fields).encode(), str(int(time.time()))
    signed = hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={signed}"}
    return product.call("POST", f"/v1/chats/{product.workspace}/slack", key="", content=body, headers=headers)


@pytest.fixture
def client(product: Product) -> Generator[httpx2.Client]:
    """A browser of Nora, who came by an invitation's link and is asked."""
    made = product.post("members", {"email": NORA, "name": "Nora", "role": "manager"})["id"]
    path = product.post(f"members/{made}:link", {"purpose": "invitation"})["path"]
    with httpx2.Client(headers={"Sec-Fetch-Site": "same-origin", "Origin": product.address}) as client:
        words = "four plain words together"
        entered = client.post(f"{product.address}{path}", data={"password": words, "again": words})
        assert entered.status_code == 303, entered.text
        yield client


def test_d84_an_answer_in_slack_lets_the_run_go_on(product: Product, client: httpx2.Client):
    gate = {"name": "pay", "tools": ["erp.pay"], "asks": [NORA]}
    slug = product.agent("d84", tools=("pay",), gates=[gate])
    product.provider.will(slug, acts("pay"))
    assert product.call("PUT", "chats/slack", json={"secret": SECRET}).status_code == 200
    code = client.post(f"{product.address}/v1/{product.workspace}/chats/slack/code").json()["code"]
    with hook_server() as hook:
        product.post(f"agents/{slug}/channels", {"kind": "slack", "name": "desk", "target": hook.url()})
        run = product.execute(slug, "D84")["id"]
        assert product.ended(run)["run"]["waiting_for"] == "approval"
        until(lambda: hook.posts, "Slack to be told")
        buttons = next(block for block in hook.bodies()[0]["blocks"] if block["type"] == "actions")["elements"]
    approve = next(one for one in buttons if one["action_id"] == "approve")
    pressed = {"type": "block_actions", "team": {"id": "T1"}, "user": {"id": "U1"}, "actions": [approve]}
    fields = {"payload": json.dumps(pressed)}
    assert "not connected" in say_in_slack(product, fields).json()["text"]
    who = {"command": "/signoff", "team_id": "T1", "user_id": "U1", "text": f"link {code}"}
    assert "from now on" in say_in_slack(product, who).json()["text"]
    assert say_in_slack(product, fields, secret="x" * 32).status_code == 401
    assert product.done("pay", "D84") == 0
    assert "approved it" in say_in_slack(product, fields).json()["text"]
    assert product.ended(run, ("completed", "failed"))["run"]["state"] == "completed"
    assert product.done("pay", "D84") == 1
    told = product.get(f"approvals/{approve['value']}/deliveries")["items"]
    assert [(one["kind"], one["state"]) for one in told] == [("slack", "sent")]
