"""One release: where it is on its way, what one may do about it, and the way back."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

from sqlalchemy import update

from signoff.kit import clock
from signoff.releases.actions import advance
from signoff.releases.findings import Findings
from signoff.releases.queries import releases_page
from signoff.tables.releases import Release
from tests.web.pages.conftest import Site
from tests.web.pages.kit_switches import another_serves
from tests.web.pages.test_release_new import before, fresh


def newest(site: Site) -> str:
    with site.store.read() as session:
        return releases_page(session, site.seeded.owner, agent="supplier-mail").rows[0].id


def test_a_canary_is_called_off_with_a_reason(site: Site):
    at = fresh(site)
    mei = site.browser()
    sent = {
        "environment": "staging", "way": "canary", "share.0": "10", "minutes.0": "60", "reason": "Look first.",
        "before": before(site, at),
    }  # fmt: skip
    address = mei.post(at, data=sent).headers["location"]
    html = unescape(mei.get(address).text)
    assert 'aria-current="step"' in html
    assert "Next step now" in html
    assert mei.post(f"{address}/abort", data={"reason": "Not today."}).status_code == 303
    html = unescape(mei.get(address).text)
    assert "It was called off" in html
    assert "Not today." in html


def test_a_step_that_was_taken_meanwhile_is_not_taken_twice(site: Site):
    at = fresh(site)
    mei = site.browser()
    sent = {
        "environment": "staging", "way": "canary", "share.0": "10", "minutes.0": "60", "share.1": "50",
        "minutes.1": "60", "reason": "Look first.", "before": before(site, at),
    }  # fmt: skip
    address = mei.post(at, data=sent).headers["location"]
    seen = re.findall(r'name="seen" value="([^"]+)"', mei.get(address).text)
    assert seen == ["canary 0"]
    pressed = {"reason": "It does well.", "seen": seen[0]}
    assert mei.post(f"{address}/promote", data=pressed).status_code == 303
    second = mei.post(f"{address}/promote", data=pressed)
    assert second.status_code == 409
    assert "Look again, then decide" in unescape(second.text)
    with site.store.read() as session:
        made = session.get_one(Release, address.rsplit("/", 1)[1])
    assert (made.state, made.step) == ("canary", 1)


def test_it_goes_back_from_its_page(site: Site):
    old, now = another_serves(site)
    mei = site.browser()
    at = f"{site.base}/releases/{newest(site)}"
    html = unescape(mei.get(at).text)
    assert f"Roll back to r{old}" in html
    answer = mei.post(f"{at}/roll-back", data={"reason": "It posts twice.", "in_flight": "drain"})
    assert answer.status_code == 303
    assert f"r{old} to production" in unescape(mei.get(answer.headers["location"]).text)
    assert "It was rolled back" in mei.get(at).text
    assert now > old


def test_who_only_looks_has_nothing_to_press_and_a_stranger_finds_nothing(site: Site):
    another_serves(site)
    at = f"{site.base}/releases/{newest(site)}"
    assert "roll-back" not in site.browser("rosa").get(at).text
    assert site.browser().get(f"{site.base}/releases/rel_none").status_code == 404


def test_one_that_is_held_says_why_and_is_taken_over_from_its_page(site: Site):
    at = fresh(site)
    mei = site.browser()
    sent = {
        "environment": "staging", "way": "canary", "share.0": "10", "minutes.0": "60", "reason": "Look first.",
        "before": before(site, at),
    }  # fmt: skip
    address = mei.post(at, data=sent).headers["location"]
    release_id = address.rsplit("/", 1)[1]
    with site.store.write() as session:
        gone = {"requested_by": "mem_gone", "requested_by_name": "Kim"}
        session.execute(update(Release).where(Release.id == release_id).values(**gone))
    with site.store.write() as session:
        advance(session, release_id, now=clock.now() + timedelta(hours=2), findings=Findings("same", runs=500))
    html = unescape(mei.get(address).text)
    assert "It is held" in html
    assert "Kim, who answers for it: is nobody of this workspace any more." in html
    assert mei.post(f"{address}/take-over", data={"reason": "Kim left."}).status_code == 303
    assert "taken over by Mei" in unescape(mei.get(address).text)
    assert "Take it over" not in mei.get(address).text
