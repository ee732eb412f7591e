"""One revision, and starting the draft from it."""

from __future__ import annotations

from signoff.agents.queries import draft_of, revision
from tests.web.pages.conftest import Site


def test_it_shows_the_whole_content(site: Site):
    html = site.browser("rosa").get(f"{site.base}/agents/supplier-mail/revisions/1").text
    for word in ("more than 2 percent", "First version, agreed", "Spends at most $0.50", "post_bill", "needs_person"):
        assert word in html
    assert "Start the draft from it" not in html
    assert site.browser().get(f"{site.base}/agents/supplier-mail/revisions/99").status_code == 404
    assert site.browser().get(f"{site.base}/agents/supplier-mail/revisions/x").status_code == 404


def test_the_draft_starts_again_from_it_unless_somebody_saved(site: Site):
    at = f"{site.base}/agents/supplier-mail/revisions/1/draft"
    with site.store.read() as session:
        version = draft_of(session, site.seeded.owner, "supplier-mail").version
    stale = site.browser().post(at, data={"version": str(version - 1)})
    assert stale.status_code == 409
    assert "Look at the draft before you replace it." in stale.text
    done = site.browser().post(at, data={"version": str(version)})
    assert (done.status_code, done.headers["location"]) == (303, f"{site.base}/agents/supplier-mail/edit")
    with site.store.read() as session:
        first = revision(session, site.seeded.owner, "supplier-mail", 1).body
        assert draft_of(session, site.seeded.owner, "supplier-mail").body == first
    assert site.browser("tomasz").post(at, data={"version": "1"}).status_code == 403
