"""One incident: its moves, its tasks, its runs, its timeline, its postmortem; and who has which button."""

from __future__ import annotations

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import update

from signoff.incidents.opening import Declared, declare_incident
from signoff.incidents.queries import incident
from signoff.incidents.views import IncidentDetail
from signoff.tables.releases import Release
from tests.web.pages.conftest import Site
from tests.web.pages.kit_switches import another_serves
from tests.web.pages.test_incident_new import failed_run


@pytest.fixture
def made(site: Site) -> str:
    with site.store.write() as session:
        said = Declared("Bills are posted twice", agent="supplier-mail", symptom="errors")
        return declare_incident(session, site.seeded.owner, said)


def facts(site: Site, made: str) -> IncidentDetail:
    with site.store.read() as session:
        return incident(session, site.seeded.owner, made)


def post(site: Site, made: str, path: str, who: str = "mei", **fields: Any) -> int:
    answer = site.browser(who).post(f"{site.base}/incidents/{made}/{path}", data=fields, follow_redirects=False)
    return answer.status_code


def test_it_shows_where_it_stands_and_what_is_to_be_done(site: Site, made: str):
    html = unescape(site.browser().get(f"{site.base}/incidents/{made}").text)
    assert "0 of 8" in html
    assert "SEV-2" in html
    assert "Served then" in html
    assert "Write down its cause." in html
    assert f"{site.base}/agents/supplier-mail/emergency" in html
    assert f"{site.base}/agents/supplier-mail/runbook" in html


def test_it_is_moved_from_state_to_state_by_name(site: Site, made: str):
    assert post(site, made, "move/acknowledge") == 303
    assert post(site, made, "move/acknowledge") == 409
    assert post(site, made, "move/mitigate", words="We went back.") == 303
    assert post(site, made, "move/resolve") == 303
    found = facts(site, made)
    assert (found.facts.state, found.facts.acknowledged_by_name) == ("resolved", "Mei Tanaka")
    assert "We went back." in [one.text for one in found.timeline]
    assert post(site, made, "move/dance") == 404


@pytest.mark.parametrize(
    ("before", "on_the_page", "as_text"),
    [
        (timedelta(seconds=12), "live for 12.0 s when it began", "live for less than a minute by then"),
        (timedelta(hours=3, minutes=5), "live for 3h 05m when it began", "live for 3 h 5 min by then"),
        (timedelta(days=9, hours=4), "live for 9d 4h when it began", "live for 9 d 4 h by then"),
        # The release notes that it is live a moment after it has switched.
        (timedelta(milliseconds=-40), "live from that very moment", "live for less than a minute by then"),
    ],
)
def test_how_long_its_deploy_had_served_is_said_in_words(site: Site, before: timedelta, on_the_page: str, as_text: str):
    another_serves(site)
    with site.store.write() as session:
        made = declare_incident(session, site.seeded.owner, Declared("Bills are posted twice", agent="supplier-mail"))
        deploy = incident(session, site.seeded.owner, made)
        assert deploy.postmortem.deploy is not None
        session.execute(
            update(Release)
            .where(Release.id == deploy.postmortem.deploy.release_id)
            .values(live_at=deploy.facts.began_at - before)
        )
    assert on_the_page in unescape(site.browser().get(f"{site.base}/incidents/{made}").text)
    assert as_text in site.browser().get(f"{site.base}/incidents/{made}/postmortem.md").text


def test_its_severity_is_set_with_a_reason(site: Site, made: str):
    assert post(site, made, "severity", severity="sev3", reason=" ") == 422
    assert post(site, made, "severity", severity="sev3", reason="One supplier only.") == 303
    assert facts(site, made).facts.why_severity == "Set by Mei Tanaka: One supplier only."


def test_what_follows_is_added_given_done_and_undone(site: Site, made: str):
    ines = site.seeded.people["ines"].id
    assert post(site, made, "tasks", title="Key every write", owner=ines, due="2026-12-24") == 303
    assert post(site, made, "tasks", title="x", due="soon") == 422
    task = facts(site, made).tasks[-1]
    assert (task.title, task.owner_id) == ("Key every write", ines)
    assert post(site, made, f"tasks/{task.id}/give", owner="", due="") == 303
    assert facts(site, made).tasks[-1].owner_id is None
    assert post(site, made, f"tasks/{task.id}/done") == 303
    assert facts(site, made).tasks[-1].done_by_name == "Mei Tanaka"
    assert post(site, made, f"tasks/{task.id}/reopen") == 303
    assert post(site, made, f"tasks/{task.id}/eat") == 404
    assert facts(site, made).tasks[-1].done_at is None


def test_runs_are_attached_and_taken_away(site: Site, made: str):
    run = failed_run(site)
    assert post(site, made, "runs", run="run_none") == 404
    assert post(site, made, "runs", run=run) == 303
    assert f'href="{site.base}/runs/{run}"' in site.browser().get(f"{site.base}/incidents/{made}").text
    assert post(site, made, f"runs/{run}/drop") == 303
    assert post(site, made, "gather") == 303
    assert facts(site, made).runs >= 0


def test_a_line_is_written_into_the_timeline_as_text(site: Site, made: str):
    assert post(site, made, "say", words="<b>Suppliers</b> are told") == 303
    html = site.browser().get(f"{site.base}/incidents/{made}").text
    assert "&lt;b&gt;Suppliers&lt;/b&gt; are told" in html
    assert "<b>Suppliers" not in html


def test_the_postmortem_is_written_read_and_reviewed(site: Site, made: str):
    words = {
        "version": "1",
        "cause": "A retry without a key.",
        "lessons": "Key it.",
        "caught": "no",
        "caught_by": "None.",
    }
    assert post(site, made, "postmortem", **words) == 303
    assert post(site, made, "postmortem", **words) == 409
    post(site, made, "move/resolve")
    assert post(site, made, "move/review") == 409
    for one in facts(site, made).tasks:
        post(site, made, f"tasks/{one.id}/done")
    assert post(site, made, "move/review") == 303
    answer = site.browser("rosa").get(f"{site.base}/incidents/{made}/postmortem.md")
    assert answer.headers["content-disposition"] == f'attachment; filename="{made}.md"'
    assert "## Cause\n\nA retry without a key." in answer.text
    assert "Would a case have caught it? No. None." in answer.text
    assert "A retry without a key." in site.browser("rosa").get(f"{site.base}/incidents/{made}").text


def test_whoever_only_looks_has_no_button_and_may_do_nothing(site: Site, made: str):
    html = site.browser("rosa").get(f"{site.base}/incidents/{made}").text
    assert "<form" not in html.partition('class="page-lead"')[2]
    for path in ("move/acknowledge", "say", "tasks", "gather", "postmortem", "severity"):
        assert post(site, made, path, who="rosa", words="x", title="x", reason="x", severity="sev3") == 403
    assert site.browser().get(f"{site.base}/incidents/inc_none").status_code == 404
