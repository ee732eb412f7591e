"""The rows that a person sees: banners, filters, a failing call."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.acceptance.product import Product
from tests.acceptance.scripts import acts
from tests.fake_provider import FakeProvider, status

pytestmark = pytest.mark.browser


@pytest.fixture
def signed_in(product: Product, page: Page) -> Page:
    """A browser that came in by a one-time link."""
    page.goto(product.cli_json("setup-link", *product.here)["link"])
    page.get_by_role("button", name="Sign in without").click()
    expect(page).to_have_url(f"{product.address}/w/{product.workspace}")
    return page


def test_d9_a_run_by_hand_of_a_revision_that_is_not_live_says_so(
    product: Product, provider: FakeProvider, signed_in: Page
):
    slug = product.agent("d9", sop="old")
    product.revise(slug, sop="new")
    product.make_live(slug, 2)
    where = f"{product.address}/w/{product.workspace}/agents/{slug}/run"
    signed_in.goto(f"{where}?environment=production&revision=1")
    signed_in.get_by_role("textbox", name="Input").fill("d9 input")
    signed_in.get_by_role("button", name="Run in").click()
    signed_in.wait_for_url("**/runs/run_*")
    run = signed_in.url.rsplit("/", 1)[1]
    expect(signed_in.get_by_text("This ran on revision 1.")).to_contain_text("served by revision 2 now")
    found = product.ended(run)["run"]
    assert (found["revision_number"], found["source"], found["title"]) == (1, "manual", "d9 input")
    live = product.run(slug)["run"]["id"]
    signed_in.goto(f"{product.address}/w/{product.workspace}/runs/{live}")
    expect(signed_in.get_by_text("This ran on revision")).to_have_count(0)


def test_d55_the_list_is_filtered_and_cleared(product: Product, provider: FakeProvider, signed_in: Page):
    slug = product.agent("d55-page")
    product.run(slug, title="d55 page good")
    provider.will(slug, status(400, "no"))
    product.run(slug, title="d55 page bad")
    runs = signed_in.locator("[data-row]")
    where = f"{product.address}/w/{product.workspace}/runs"
    signed_in.goto(f"{where}?agent={slug}")
    expect(runs).to_have_count(2)
    signed_in.goto(f"{where}?agent={slug}&status=failed&q=page")
    expect(runs).to_have_count(1)
    expect(runs.first).to_contain_text("d55 page bad")
    for heading in ("Status", "Run", "Agent", "Source", "Started", "Duration", "Cost"):
        expect(signed_in.get_by_role("columnheader", name=heading, exact=True)).to_be_visible()
    signed_in.get_by_role("link", name="Clear all").click()
    expect(signed_in).to_have_url(where)
    expect(signed_in.get_by_text("d55 page good")).to_be_visible()


def test_d58_the_page_of_a_run_shows_the_call_that_failed(product: Product, provider: FakeProvider, signed_in: Page):
    slug = product.agent("d58-page", tools=("look", "fail"))
    provider.will(slug, acts("look", "fail"))
    run = product.run(slug, "order-d58-page")["run"]["id"]
    signed_in.goto(f"{product.address}/w/{product.workspace}/runs/{run}")
    signed_in.get_by_label("Timeline").get_by_role("link").filter(has_text="erp.fail").first.click()
    step = signed_in.get_by_label("Step", exact=True)
    expect(step).to_contain_text("no such order: order-d58-page")
    expect(step).to_contain_text("erp.fail")
