"""The list of releases: what is under way, and what became of the others."""

from __future__ import annotations

from html import unescape

from tests.web.pages.conftest import Site
from tests.web.pages.kit_switches import another_serves


def test_before_the_first_it_says_what_a_release_is(empty_site: Site):
    html = unescape(empty_site.browser().get(f"{empty_site.base}/releases").text)
    assert "Nothing has been shipped yet" in html


def test_every_switch_is_there_and_is_filtered(site: Site):
    before, now = another_serves(site)
    mei = site.browser()
    html = unescape(mei.get(f"{site.base}/releases").text)
    assert f'supplier-mail <span class="num">r{now}</span>' in html
    assert f"after r{before}" in html
    asked = {
        "agent=supplier-mail&environment=production": True, "environment=staging&agent=vendor-watch": False,
        "state=refused": False,
    }  # fmt: skip
    for query, is_there in asked.items():
        assert (f"r{now}</span>" in mei.get(f"{site.base}/releases?{query}").text) == is_there
    assert "No release fits" in mei.get(f"{site.base}/releases?state=refused").text


def test_of_an_agent_of_somebody_else_nothing_is_told(site: Site):
    assert site.browser().get(f"{site.base}/releases?agent=none-such").status_code == 404
