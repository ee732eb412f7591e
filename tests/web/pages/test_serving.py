"""The board: which revision of which agent serves where."""

from __future__ import annotations

from html import unescape

from tests.web.pages.conftest import Site
from tests.web.pages.kit_switches import another_serves


def test_each_agent_has_a_line_with_what_serves_since_when_and_by_whom(site: Site):
    _, now = another_serves(site)
    html = unescape(site.browser("rosa").get(f"{site.base}/serving").text)
    assert 'data-label="Production"' in html
    assert f">r{now}</a>" in html
    assert "Mei Tanaka" in html


def test_without_agents_it_says_what_will_be_here(empty_site: Site):
    assert "No agent yet" in empty_site.browser().get(f"{empty_site.base}/serving").text
