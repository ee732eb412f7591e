"""The list of incidents: what is under way first, what became of the others, what it says when there is nothing."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

from signoff.incidents.moving import resolve_incident
from signoff.incidents.opening import Declared, declare_incident
from tests.web.pages.conftest import Site


def declared(site: Site, title: str, **more: Any) -> str:
    with site.store.write() as session:
        return declare_incident(session, site.seeded.owner, Declared(title, **more))


def test_before_the_first_it_says_how_one_begins(empty_site: Site):
    html = unescape(empty_site.browser().get(f"{empty_site.base}/incidents").text)
    assert "Nothing has gone wrong so far" in html
    assert f"{empty_site.base}/incidents/new" in html


def test_what_is_under_way_stands_first_the_worst_on_top(site: Site):
    declared(site, "A small thing")
    declared(site, "A bad thing", symptom="errors", agent="supplier-mail")
    over = declared(site, "An old thing", symptom="unavailable")
    with site.store.write() as session:
        resolve_incident(session, site.seeded.owner, over)
    html = unescape(site.browser().get(f"{site.base}/incidents").text)
    places = [html.index(title) for title in ("A bad thing", "A small thing", "An old thing")]
    assert places == sorted(places)
    assert re.search(r"\b2\b[^0-9]{0,80}under way", html)


def test_it_is_filtered(site: Site):
    declared(site, "A small thing")
    declared(site, "A bad thing", symptom="errors", agent="supplier-mail")
    mei = site.browser()
    asked = {
        "severity=sev2": "A bad thing",
        "agent=supplier-mail": "A bad thing",
        "severity=sev3&state=open": "A small thing",
    }
    for query, there in asked.items():
        html = mei.get(f"{site.base}/incidents?{query}").text
        assert [title for title in ("A bad thing", "A small thing") if title in html] == [there]
    assert "No incident fits" in mei.get(f"{site.base}/incidents?state=reviewed").text


def test_whoever_only_looks_sees_them_and_declares_none(site: Site):
    declared(site, "A small thing")
    html = site.browser("rosa").get(f"{site.base}/incidents").text
    assert "A small thing" in html
    assert "/incidents/new" not in html
