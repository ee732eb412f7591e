"""What people vouch for of an agent: listed, given with a reason, and taken back."""

from __future__ import annotations

from html import unescape

from sqlalchemy import select

from signoff.tables.probes import Vouching
from tests.web.pages.conftest import Site

AT = "/w/northwind/agents/supplier-mail/vouchings"
WORD = {
    "probe": "testing.edge_cases", "kind": "attest", "environment": "production", "days": "30",
    "reason": "Ines and Kim went through the odd bills.", "revision": "", "link": "https://wiki.example/bills",
}  # fmt: skip


def newest(site: Site) -> Vouching:
    with site.store.read() as session:
        return session.scalars(select(Vouching).order_by(Vouching.id.desc()).limit(1)).one()


def test_where_nobody_vouches_the_page_says_what_it_is_for(site: Site):
    html = site.browser().get(AT).text
    assert "Nobody vouches for anything" in html
    assert "Vouch for it" in html
    assert "Nobody vouches for anything" in site.browser("rosa").get(AT).text
    assert "Vouch for it" not in site.browser("rosa").get(AT).text


def test_a_word_is_given_shown_and_taken_back(site: Site):
    mei = site.browser()
    assert mei.post(AT, data=WORD).status_code == 303
    made = newest(site)
    assert (made.probe, made.kind, made.reason) == (WORD["probe"], "attest", WORD["reason"])
    html = unescape(mei.get(AT).text)
    for words in (WORD["reason"], "attested", "until", "Mei", "https://wiki.example/bills"):
        assert words in html
    assert site.browser("rosa").post(f"{AT}/{made.id}/take-back").status_code == 403
    assert mei.post(f"{AT}/{made.id}/take-back").status_code == 303
    html = unescape(mei.get(AT).text)
    assert "taken back by Mei" in html
    again = mei.post(f"{AT}/{made.id}/take-back")
    assert again.status_code == 409
    assert "does not stand any more" in again.text


def test_what_is_wrong_is_said_and_nothing_that_was_written_is_lost(site: Site):
    mei = site.browser()
    for changes, words in (
        ({"days": "soon"}, "A whole number of days."),
        ({"reason": " "}, "reason"),
        ({"probe": "cost.within_budget", "kind": "attest"}, "is measured"),
        ({"revision": "99"}, "no such revision"),
        ({"link": "javascript:alert(1)"}, "link"),
    ):
        answer = mei.post(AT, data={**WORD, **changes})
        html = unescape(answer.text)
        assert answer.status_code in (404, 409, 422)
        assert words in html
        assert "Ines and Kim" in html or changes.get("reason") == " "
    assert site.browser("rosa").post(AT, data=WORD).status_code == 403
    assert mei.get("/w/northwind/agents/nobody/vouchings").status_code == 404
