"""The list of revisions, and making one live."""

from __future__ import annotations

from signoff.agents.queries import agent_by_slug
from signoff.deployments.queries import live_revisions
from tests.web.pages.conftest import Site


def serving(site: Site) -> dict[str, int]:
    with site.store.read() as session:
        agent = agent_by_slug(session, site.seeded.owner, "supplier-mail")
        rows = live_revisions(session, site.seeded.owner, [agent.id])[agent.id]
    return {row.environment: row.revision_number for row in rows}


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


def test_a_revision_is_made_live_with_its_reason(site: Site):
    at = f"{site.base}/agents/supplier-mail/revisions"
    form = site.browser("ines").get(f"{at}?live=1").text
    assert "Make revision 1 live" in form
    assert f'action="{at}/1/live"' in form
    done = site.browser("ines").post(f"{at}/1/live", data={"environment": "production", "reason": "Back to the start"})
    assert (done.status_code, done.headers["location"]) == (303, at)
    assert serving(site) == {"production": 1, "staging": 3}
    html = site.browser().get(at).text
    assert "Back to the start" in html
    assert ">back<" in html.replace("\n", "")


def test_refusals_are_said_where_the_form_is(site: Site):
    at = f"{site.base}/agents/supplier-mail/revisions"
    without = site.browser().post(f"{at}/3/live", data={"environment": "production", "reason": " "})
    assert without.status_code == 422
    assert "between 1 and 500 characters" in without.text
    already = site.browser().post(f"{at}/2/live", data={"environment": "production", "reason": "Kept reason"})
    assert already.status_code == 409
    assert "serves production already" in already.text
    assert "Kept reason" in already.text
    assert serving(site) == {"production": 2, "staging": 3}
    assert site.browser().post(f"{at}/9/live", data={"environment": "production", "reason": "x"}).status_code == 404
    assert site.browser().post(f"{at}/1/live", data={"environment": "moon", "reason": "x"}).status_code == 404


def test_who_may(site: Site):
    at = f"{site.base}/agents/supplier-mail/revisions"
    for who in ("tomasz", "rosa"):
        assert "Make revision" not in site.browser(who).get(f"{at}?live=1").text
        assert site.browser(who).post(f"{at}/1/live", data={"environment": "staging", "reason": "x"}).status_code == 403
    other = f"{site.base}/agents/vendor-watch/revisions/1/live"
    assert site.browser("ines").post(other, data={"environment": "staging", "reason": "x"}).status_code == 403
