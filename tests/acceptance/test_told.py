"""Answers from a chat."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Generator
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from tests.acceptance.product import Product, until
from tests.acceptance.scripts import acts
from tests.kit_hook import hook_server

NORA = "nora-told@example.com"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"


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
    with httpx2.Client(headers={"Sec-Fetch-Site": "same-origin", "Origin": product.address}, timeout=60) as client:
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
