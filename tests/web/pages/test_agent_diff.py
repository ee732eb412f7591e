"""What changed between two revisions."""

from __future__ import annotations

from tests.web.kit_pages import HTMX
from tests.web.pages.conftest import Site


def test_words_of_the_sop_and_fields(site: Site):
    html = site.browser("rosa").get(f"{site.base}/agents/supplier-mail/diff?from=1&to=3").text
    assert "<del>2</del> percent" in html
    assert "<ins>1</ins> percent" in html
    assert "limits.cost_usd" in html
    assert "0.35" in html
    assert "equal lines" in html
    assert "equal lines" not in site.browser().get(f"{site.base}/agents/supplier-mail/diff?from=1&to=3&whole=yes").text


def test_any_two_also_backwards_the_draft_and_the_beginning(site: Site):
    at = f"{site.base}/agents/supplier-mail/diff"
    assert "<ins>2</ins> percent" in site.browser().get(f"{at}?from=3&to=1").text
    assert "No differences" in site.browser().get(f"{at}?from=3&to=draft").text
    assert "before revision 1" in site.browser().get(f"{at}?from=0&to=1").text
    usual = site.browser().get(at).text
    assert "limits.cost_usd" in usual  # The newest against the one before.
    assert site.browser().get(f"{at}?from=1&to=77").status_code == 404
    assert site.browser().get(f"{at}?from=%27&to=1").status_code == 404


def test_htmx_gets_the_comparison_alone(site: Site):
    answer = site.browser().get(f"{site.base}/agents/supplier-mail/diff?from=1&to=2", headers=HTMX)
    assert "<html" not in answer.text
    assert "<del>2</del>" in answer.text


def test_without_a_revision_it_says_so(site: Site):
    assert "Nothing to compare yet" in site.browser().get(f"{site.base}/agents/refund-triage/diff").text
