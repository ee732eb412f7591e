"""The rows of the inbox, as a person sees them: in a browser, on the served product."""

from __future__ import annotations

import re
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import APIResponse, Page, expect

from tests.acceptance.product import Product, until
from tests.acceptance.scripts import acts
from tests.fake_provider import FakeProvider

pytestmark = pytest.mark.browser
SPIKE = 20


@pytest.fixture
def signed_in(product: Product, page: Page) -> Page:
    """A browser of the person whose key the checks use."""
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(product.cli_json("setup-link", *product.here)["link"])
    page.get_by_role("button", name="Sign in without").click()
    expect(page).to_have_url(f"{product.address}/w/{product.workspace}")
    return page


def gated(product: Product, provider: FakeProvider, name: str) -> str:
    """An agent whose payments ask a person; its gate is called like it."""
    slug = product.agent(name, tools=("pay",), gates=[{"name": f"gate of {name}", "tools": ["erp.pay"]}])
    provider.will(slug, acts("pay"))
    return slug


def waiting(product: Product, slug: str, given: str) -> str:
    """A run that waits for a person; returns the id of its request."""
    run = product.run(slug, given)["run"]
    assert (run["state"], run["waiting_for"]) == ("waiting", "approval"), run
    (found,) = product.get("approvals", run=run["id"])["items"]
    return found["id"]


def request(product: Product, approval: str) -> dict[str, Any]:
    return product.get(f"approvals/{approval}")["row"]


def sent(product: Product, page: Page, where: str, form: dict[str, Any]) -> APIResponse:
    """What a form of the inbox answers, sent by the same person in another window."""
    address = f"{product.address}/w/{product.workspace}/inbox/{where}"
    return page.context.request.post(address, form=form, headers={"Origin": product.address}, max_redirects=0)


def approved_elsewhere(product: Product, page: Page, approval: str) -> None:
    done = sent(product, page, approval, {"verdict": "approve"})
    assert done.status == 303, done.text()


def inbox(product: Product, page: Page, query: str = "") -> None:
    page.goto(f"{product.address}/w/{product.workspace}/inbox{query}")
    page.wait_for_selector("html[data-ready]")


def test_d81_the_inbox_lists_filters_and_follows_by_itself(product: Product, provider: FakeProvider, signed_in: Page):
    slug, other = gated(product, provider, "d81"), gated(product, provider, "d81-other")
    first, second = waiting(product, slug, "d81-first"), waiting(product, slug, "d81-second")
    third = waiting(product, other, "d81-third")
    inbox(product, signed_in)
    rows = signed_in.locator(".ask-item")
    expect(signed_in.locator(f"#row-{third}")).to_be_visible()
    signed_in.get_by_role("button", name="Agent", exact=True).click()
    signed_in.locator("#chip-agent").get_by_text("d81", exact=True).click()
    signed_in.wait_for_url(f"**/inbox?agent={slug}")
    expect(rows).to_have_count(2)
    signed_in.keyboard.press("Escape")
    badge = signed_in.locator("#badge-inbox .count")
    number = int(badge.inner_text().split()[0])
    approved_elsewhere(product, signed_in, first)
    expect(badge).to_have_text(re.compile(rf"^{number - 1}\b"))
    expect(signed_in.locator(f"#row-{first}")).to_have_count(0)
    signed_in.locator(f"#open-{second}").click()
    # A button of the request that was shown before would go with it.
    expect(signed_in.locator("#detail > [data-one]")).to_have_attribute("data-one", second)
    signed_in.locator("#detail").get_by_role("button", name="Approve").click()
    signed_in.locator("dialog[open]").get_by_role("button", name="Approve").click()
    expect(rows).to_have_count(0)
    expect(badge).to_have_text(re.compile(rf"^{number - 2}\b"))
    until(lambda: product.done("pay", "d81-second") == 1, "the approved payment")
    assert (product.done("pay", "d81-first"), product.done("pay", "d81-third")) == (1, 0)


def test_d82_several_are_decided_within_one_gate_only(product: Product, provider: FakeProvider, signed_in: Page):
    slug, other = gated(product, provider, "d82"), gated(product, provider, "d82-other")
    mine = [waiting(product, slug, f"d82-{number}") for number in range(3)]
    another = waiting(product, other, "d82-another")
    inbox(product, signed_in)
    for one in (mine[0], another):
        signed_in.get_by_role("checkbox", name="Choose").and_(signed_in.locator(f"[value={one}]")).check()
    signed_in.get_by_role("button", name="Decide together").click()
    expect(signed_in.get_by_text("These are of several gates")).to_be_visible()
    expect(signed_in.get_by_role("button", name="Approve the ticked ones")).to_have_count(0)
    inbox(product, signed_in, f"?agent={slug}")
    for one in mine:
        signed_in.locator(f".ask-check[value={one}]").check()
    signed_in.get_by_role("button", name="Decide together").click()
    for number in range(3):
        expect(signed_in.locator(".many > li").filter(has_text=f"d82-{number}")).to_have_count(1)
    without = {
        "pick": mine[0],
        "agent": request(product, mine[0])["agent_id"],
        "gate": "gate of d82",
        "verdict": "deny",
    }
    refused = sent(product, signed_in, "many", without)
    assert (refused.status, "Nothing was decided yet" in refused.text()) == (422, True)
    assert {request(product, one)["state"] for one in mine} == {"pending"}
    approved_elsewhere(product, signed_in, mine[1])
    signed_in.locator(f"#pick-{mine[2]}").uncheck()
    signed_in.get_by_label("One reason for all").fill("Not this month")
    signed_in.get_by_role("button", name="Deny the ticked ones").click()
    expect(signed_in.get_by_text("is denied")).to_be_visible()
    assert [request(product, one)["state"] for one in mine] == ["denied", "approved", "pending"]
    audit = product.get("audit", object_id=mine[0])["items"]
    assert [entry["action"] for entry in audit if entry["action"] == "approval.denied"] == ["approval.denied"]
    for method, path in (("DELETE", f"approvals/{mine[2]}"), ("DELETE", "approvals"), ("POST", "approvals:answered")):
        assert product.call(method, path, json={}).status_code in (404, 405)
    assert request(product, mine[2])["state"] == request(product, another)["state"] == "pending"
    assert product.done("pay", "d82-2") == product.done("pay", "d82-another") == 0


def test_d83_what_waits_long_is_flagged_and_a_spike_is_told(product: Product, provider: FakeProvider, signed_in: Page):
    slug = gated(product, provider, "d83")
    old, fresh = waiting(product, slug, "d83-old"), waiting(product, slug, "d83-fresh")
    with sqlite3.connect(product.data / "signoff.sqlite", timeout=30) as database:
        # The day that nobody waits for in a check.
        moment = (datetime.now(UTC) - timedelta(hours=25)).replace(tzinfo=None).isoformat(sep=" ")
        database.execute("update approvals set created_at = ? where id = ?", (moment, old))
    inbox(product, signed_in, f"?agent={slug}")
    expect(signed_in.locator(f"#row-{old}.is-aged")).to_contain_text("1 d ago")
    expect(signed_in.locator(f"#row-{fresh}")).to_be_visible()
    expect(signed_in.locator(f"#row-{fresh}.is-aged")).to_have_count(0)
    quiet = [alert for alert in product.get("alerts")["items"] if alert["kind"] == "inbox_spike"]
    assert not [alert for alert in quiet if alert["detail"]["gate"] == "gate of d83"]
    for number in range(SPIKE):
        product.execute(slug, f"d83-{number}")

    def told() -> list[dict[str, Any]]:
        found = [alert for alert in product.get("alerts")["items"] if alert["kind"] == "inbox_spike"]
        return [alert for alert in found if alert["detail"]["gate"] == "gate of d83"]

    (alert,) = until(told, "the alert that the gate asks too often")
    assert alert["detail"]["number"] >= SPIKE
    signed_in.goto(f"{product.address}/w/{product.workspace}")
    expect(signed_in.get_by_label("Open alerts")).to_contain_text("gate of d83")
