"""Declaring an incident by hand: what is known already stands in the form, and a refusal loses nothing."""

from __future__ import annotations

from html import unescape

from signoff.agents.pauses import pause_of
from signoff.incidents.queries import evidence_page, incident
from tests.web.pages.conftest import Site


def failed_run(site: Site) -> str:
    from sqlalchemy import select

    from signoff.tables.runs import Run

    with site.store.read() as session:
        found = session.scalars(select(Run.id).where(Run.state == "failed", Run.agent_slug == "supplier-mail")).first()
    assert found
    return found


def test_a_sev1_is_declared_and_its_agent_is_paused(site: Site):
    mei = site.browser()
    assert "pauses it at once" in mei.get(f"{site.base}/incidents/new").text
    fields = {"title": "Bills are posted twice", "words": "Two calls.", "agent": "supplier-mail", "severity": "sev1"}
    answer = mei.post(f"{site.base}/incidents", data=fields, follow_redirects=False)
    assert answer.status_code == 303
    made = answer.headers["location"].rpartition("/")[2]
    with site.store.read() as session:
        found = incident(session, site.seeded.owner, made)
        assert pause_of(session, site.seeded.agents["supplier-mail"]) is not None
    assert (found.facts.severity, found.timeline[0].text) == ("sev1", "Two calls.")


def test_a_run_that_brings_somebody_here_is_attached(site: Site):
    mei, run = site.browser(), failed_run(site)
    assert f"/incidents/new?run={run}" in mei.get(f"{site.base}/runs/{run}").text
    html = unescape(mei.get(f"{site.base}/incidents/new?run={run}").text)
    assert f'name="run" value="{run}"' in html
    assert 'value="supplier-mail" selected' in html
    fields = {"title": "It fails", "agent": "supplier-mail", "run": run}
    answer = mei.post(f"{site.base}/incidents", data=fields, follow_redirects=False)
    made = answer.headers["location"].rpartition("/")[2]
    with site.store.read() as session:
        assert [one.id for one in evidence_page(session, site.seeded.owner, made).rows] == [run]
    assert f"/incidents/{made}" in mei.get(f"{site.base}/runs/{run}").text
    assert mei.get(f"{site.base}/incidents/new?run=run_none").status_code == 404


def test_what_is_refused_keeps_what_was_typed(site: Site):
    answer = site.browser().post(f"{site.base}/incidents", data={"title": "", "words": "I know a lot."})
    assert answer.status_code == 422
    assert "I know a lot." in answer.text
    assert "between 1 and 200 characters" in answer.text


def test_who_may_not_pause_is_told_beside_the_form(site: Site):
    assert site.browser("rosa").get(f"{site.base}/incidents/new").status_code == 403
    assert site.browser("tomasz").post(f"{site.base}/incidents", data={"title": "x"}).status_code == 403
