"""The list of revisions, and what served."""

from __future__ import annotations

from signoff.releases.actions import make_live
from tests.web.pages.conftest import Site


def test_none_one_and_many(site: Site):
    assert "No revision yet" in site.browser().get(f"{site.base}/agents/refund-triage/revisions").text
    one = site.browser().get(f"{site.base}/agents/vendor-watch/revisions").text
    assert "Revision 1 has served every environment" in one
    many = site.browser().get(f"{site.base}/agents/supplier-mail/revisions").text
    for word in (
        "Finance wants 1 percent",
        "Runs cost less than we thought",
        "Checked 40 runs in staging",
        "Ines Okafor",
    ):
        assert word in many


def test_what_served_is_told_with_its_reason_and_that_it_went_back(site: Site):
    at = f"{site.base}/agents/supplier-mail/revisions"
    with site.store.write() as session:
        make_live(
            session, site.seeded.owner, "supplier-mail", environment="production", revision=1, reason="Back again"
        )
    html = site.browser().get(at).text
    assert "Back again" in html
    assert ">back<" in html.replace("\n", "")
    assert f'href="{at}/1/release"' in html
    assert "/1/release" not in site.browser("rosa").get(at).text
