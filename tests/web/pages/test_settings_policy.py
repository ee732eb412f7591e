"""What a workspace asks before something ships: the file, what a change would do, and its versions."""

from __future__ import annotations

from html import unescape

from tests.web.pages.conftest import Site

AT = "/w/bare/settings/policy"


def test_the_shipped_policy_holds_until_somebody_sets_another(empty_site: Site):
    html = unescape(empty_site.browser().get(AT).text)
    assert "The shipped policy" in html
    assert "What would it change?" in html


def test_what_is_wrong_is_said_and_nothing_is_lost(empty_site: Site):
    text = "version: 1\nprobes: [nonsense"
    answer = empty_site.browser().post(AT, data={"text": text, "reason": "More.", "version": "0", "do": "set"})
    assert answer.status_code == 422
    assert text in unescape(answer.text)
    assert "More." in answer.text


def test_one_that_only_looks_reads_it_and_may_not_set_it(site: Site):
    at = f"{site.base}/settings/policy"
    rosa = site.browser("rosa")
    assert "Let it hold" not in rosa.get(at).text
    assert rosa.post(at, data={"text": "{}", "reason": "x", "version": "1", "do": "set"}).status_code == 403


def test_another_is_tried_and_then_holds(empty_site: Site):
    mei = empty_site.browser()
    item = "{id: legal, title: Legal agrees, wanted: A word of theirs, reason: We were asked}"
    text = f"version: 1\nattestations:\n- {item}\n"
    sent = {"text": text, "reason": "As it was, and ours.", "version": "0"}
    tried = mei.post(AT, data={**sent, "do": "try"})
    assert tried.status_code == 200
    assert "What it would change" in tried.text
    assert mei.post(AT, data={**sent, "do": "set"}).status_code == 303
    assert "Version 1" in mei.get(AT).text
    late = mei.post(AT, data={**sent, "do": "set"})
    assert late.status_code == 409
