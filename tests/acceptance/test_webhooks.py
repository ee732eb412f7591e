"""Webhooks, as a program that is told sees them: signed, tried again, one id for one event."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from tests.acceptance.product import Product, until
from tests.acceptance.releasing import ask, tell_only
from tests.acceptance.scripts import acts
from tests.fake_provider import FakeProvider, status, text
from tests.kit_hook import Heard, Hook, hook_server


def webhook(product: Product, hook: Hook, *events: str, **more: Any) -> dict[str, str]:
    """A webhook, with its secret."""
    return product.post("webhooks", {"name": "check", "url": hook.url(), "events": list(events), **more})


def taken(hook: Hook) -> list[Heard]:
    return [one for one in hook.heard if one.status < 300]


def types(hook: Hook) -> list[str]:
    return [json.loads(one.body)["type"] for one in taken(hook)]


def test_d125_a_message_is_signed_sent_again_after_500_and_has_one_id(product: Product, provider: FakeProvider):
    slug = product.agent("d125")
    provider.will(slug, status(400, "PROVIDER-WORDS"))
    with hook_server() as hook:
        hook.statuses += [500, 500]
        made = webhook(product, hook, "run.failed", agents=[slug])
        run = product.run(slug, "INPUT-WORDS")["run"]
        until(lambda: taken(hook), "the message to be taken")
        assert [one.status for one in hook.heard] == [500, 500, 200]
        assert len({(one.headers["webhook-id"], one.body) for one in hook.heard}) == 1
        last = taken(hook)[0]
        assert last.is_signed_by(made["secret"])
        assert abs(int(last.headers["webhook-timestamp"]) - time.time()) < 300
        assert not Heard(last.headers, last.body.replace(b"failed", b"passed"), 200).is_signed_by(made["secret"])
        body = json.loads(last.body)
        assert (body["type"], body["id"]) == ("run.failed", last.headers["webhook-id"])
        assert (body["data"]["id"], body["data"]["code"]) == (run["id"], run["code"])
        assert b"WORDS" not in last.body

        def delivery() -> dict[str, Any]:
            (found,) = product.get(f"webhooks/{made['id']}/deliveries")["items"]
            return found

        assert until(lambda: delivery()["state"] == "delivered", "it to be noted")
        assert (delivery()["attempts"], delivery()["status"], delivery()["event_id"]) == (3, 200, body["id"])
        shown = product.get(f"webhooks/{made['id']}/deliveries/{delivery()['id']}")
        assert shown["body"] == body
        assert made["secret"] not in str(product.get("webhooks"))
        product.post(f"webhooks/{made['id']}/deliveries/{delivery()['id']}:again")
        until(lambda: len(taken(hook)) == 2, "it to be sent again")
        assert taken(hook)[1].headers["webhook-id"] == body["id"]
        assert product.call("DELETE", f"webhooks/{made['id']}").status_code == 200


def test_d125_while_a_secret_changes_both_sign_and_an_off_webhook_hears_only_a_test(
    product: Product, provider: FakeProvider
):
    slug = product.agent("d125-secret")
    provider.will(slug, text("done"))
    with hook_server() as hook:
        made = webhook(product, hook, "run.completed", agents=[slug])
        fresh = product.post(f"webhooks/{made['id']}:rotate", {"overlap_seconds": 600})
        product.run(slug)
        until(lambda: taken(hook), "the message")
        assert taken(hook)[0].is_signed_by(made["secret"])
        assert taken(hook)[0].is_signed_by(fresh["secret"])
        product.post(f"webhooks/{made['id']}:rotate", {"overlap_seconds": 0})
        product.post(f"webhooks/{made['id']}:disable")
        product.run(slug)
        product.post(f"webhooks/{made['id']}:test")
        until(lambda: len(taken(hook)) == 2, "the test")
        assert types(hook) == ["run.completed", "webhook.test"]
        assert not taken(hook)[1].is_signed_by(fresh["secret"])
        assert product.call("DELETE", f"webhooks/{made['id']}").status_code == 200


def test_d125_requests_releases_and_alerts_are_told_with_their_links(
    own_product: Callable[..., Product], provider: FakeProvider
):
    product = own_product().start()
    product.connect()
    tell_only(product)
    gate = {"name": "pay", "tools": ["erp.pay"], "asks": ["role:owner"], "self_approval": "allowed"}
    slug = product.agent("d125-all", tools=("pay",), gates=[gate])
    provider.will(slug, acts("pay"))
    with hook_server() as hook:
        webhook(product, hook, "run.waiting", "run.cancelled", "approval.requested", "approval.withdrawn",
                "release.requested", "release.live", "release.refused", "alert.raised")  # fmt: skip
        run = product.run(slug, "D125")["run"]
        assert run["waiting_for"] == "approval"
        product.post(f"runs/{run['id']}:cancel", status=204)
        product.revise(slug, tools=("look",))
        assert ask(product, slug, 2).status_code == 201
        wanted = {"run.waiting", "run.cancelled", "approval.requested", "approval.withdrawn", "release.requested",
                  "release.live"}  # fmt: skip
        until(lambda: wanted <= set(types(hook)), "all of them")
        for one in taken(hook):
            told = json.loads(one.body)
            page = told["data"]["link"].removeprefix(product.address)
            assert page.startswith(f"/w/{product.workspace}/"), told
            assert "D125" not in one.body.decode()


def test_d125_an_address_that_is_not_public_is_not_posted_to(
    own_product: Callable[..., Product], provider: FakeProvider
):
    product = own_product(allow_loopback=False).start()
    with hook_server() as hook:
        refused = product.call(
            "POST", "webhooks", json={"name": "check", "url": hook.url(), "events": ["run.completed"]}
        )
        assert (refused.status_code, list(refused.json()["errors"])) == (422, ["url"])
        body = {"name": "check", "url": hook.url().replace("http:", "https:"), "events": ["run.completed"]}
        made = product.post("webhooks", body)
        product.post(f"webhooks/{made['id']}:test")

        def ended() -> dict[str, Any]:
            (found,) = product.get(f"webhooks/{made['id']}/deliveries")["items"]
            return found if found["state"] == "failed" else {}

        assert "not public" in until(ended, "it to be refused")["last_error"]
        assert hook.heard == []
