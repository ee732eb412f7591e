"""Shipping a revision: what changes, what is known, by which way, and why."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import delete, select

from signoff.agents.actions import freeze_revision, save_draft
from signoff.agents.queries import agent_by_slug, draft_of
from signoff.deployments.queries import live_revisions
from signoff.kit import clock
from signoff.kit.errors import Malformed
from signoff.releases.actions import promote_now, request_release
from signoff.releases.activations import ACTIVATE
from signoff.releases.queries import releases_page
from signoff.releases.strategy import read_strategy
from signoff.tables.probes import ProbePolicy
from signoff.tables.record import OutboxMessage
from signoff.web.forms import Form
from signoff.web.pages.release_new.form import fields_of, strategy_from
from tests.web.pages.conftest import Site


def fresh(site: Site) -> str:
    """Freeze a revision that serves nowhere; returns the address of its release page."""
    owner = site.seeded.owner
    with site.store.write() as session:
        now = draft_of(session, owner, "supplier-mail")
        save_draft(
            session, owner, "supplier-mail", body={**now.body, "sop": "# GOAL\nMore still."}, version=now.version
        )
        frozen = freeze_revision(session, owner, "supplier-mail", reason="more")
    return f"{site.base}/agents/supplier-mail/revisions/{frozen.number}/release"


def test_it_shows_the_diff_the_evidence_and_what_the_risk_proposes(site: Site):
    html = unescape(site.browser().get(fresh(site) + "?environment=production").text)
    for words in ("1. What changes", "2. What is known", "3. By which way", "4. Why", "# GOAL"):
        assert words in html
    assert 'data-probe="' in html


def test_what_serves_and_what_is_on_its_way_there_is_said_before_anybody_fills_it_in(site: Site):
    at = fresh(site)
    number = at.split("/")[-2]
    mei = site.browser()
    assert "serves Staging already" not in mei.get(f"{at}?environment=staging").text
    strategy = read_strategy({"shadow": {"days": 1}})
    with site.store.write() as session:
        made = request_release(
            session, site.seeded.owner, "supplier-mail", environment="staging", revision=number, reason="Try it.",
            strategy=strategy,
        )  # fmt: skip
    html = unescape(mei.get(f"{at}?environment=staging").text)
    assert f"Revision {number} is on its way here" in html
    assert f"/releases/{made}" in html
    with site.store.write() as session:
        promote_now(session, site.seeded.owner, made, reason="Seen enough.")
    html = unescape(mei.get(f"{at}?environment=staging").text)
    assert f"Revision {number} serves Staging already" in html


def test_asked_at_once_in_staging_it_serves_and_one_is_on_its_page(site: Site):
    at = fresh(site)
    mei = site.browser()
    answer = mei.post(
        at, data={"environment": "staging", "way": "plain", "reason": "Try it.", "before": before(site, at)}
    )
    assert answer.status_code == 303
    html = unescape(mei.get(answer.headers["location"]).text)
    assert "Try it." in html
    assert "Timeline" in html
    # Its connections are tried by now, and not when somebody who asked for it would have given up.
    with site.store.read() as session:
        sent = session.scalars(select(OutboxMessage.due_at).where(OutboxMessage.kind == ACTIVATE)).all()
    assert min(sent) <= clock.now()


def test_under_the_shipped_policy_what_keeps_it_back_stands_first_and_the_request_is_refused_and_kept(site: Site):
    at = fresh(site)
    with site.store.write() as session:
        session.execute(delete(ProbePolicy))
    mei = site.browser()
    html = unescape(mei.get(f"{at}?environment=production").text)
    assert re.search(r'<details class="evidence" open><summary><span class="strong">Keeps it back', html)
    assert 'data-probe="testing.end_to_end"' in html.split("Only told")[0]
    sent = {"environment": "production", "way": "plain", "reason": "Now.", "before": before(site, at, "production")}
    refused = mei.post(at, data=sent)
    assert refused.status_code == 409
    assert "The gate is not met" in unescape(refused.text)
    with site.store.read() as session:
        newest = releases_page(session, site.seeded.owner, agent="supplier-mail").rows[0]
    assert (newest.state, newest.code, newest.reason) == ("refused", "gate_not_met", "Now.")


def before(site: Site, at: str, environment: str = "staging") -> str:
    html = site.browser().get(f"{at}?environment={environment}").text
    return html.split('name="before" value="')[1].split('"')[0]


def test_what_is_wrong_with_the_way_is_said_where_it_stands_and_nothing_is_lost(site: Site):
    at = fresh(site)
    sent = {"way": "canary", "share.0": "50", "share.1": "5", "reason": "Why not.", "before": "x"}
    answer = site.browser().post(at, data={"environment": "staging", **sent})
    assert answer.status_code == 422
    assert "Each step takes a larger share" in unescape(answer.text)
    assert "Why not." in answer.text
    assert 'value="50"' in answer.text


def test_what_cannot_be_shipped_is_said_and_nothing_switches(site: Site):
    at, mei = f"{site.base}/agents/supplier-mail/revisions", site.browser()
    sent = {"environment": "production", "way": "plain", "before": before(site, f"{at}/3/release", "production")}
    without = mei.post(f"{at}/3/release", data={**sent, "reason": " "})
    assert without.status_code == 422
    assert "between 1 and 500 characters" in without.text
    already = mei.post(f"{at}/2/release", data={**sent, "reason": "Kept reason"})
    assert already.status_code == 409
    assert "serves production already" in already.text
    assert "Kept reason" in already.text
    assert mei.post(f"{at}/9/release", data={**sent, "reason": "x"}).status_code == 404
    assert mei.post(f"{at}/1/release", data={**sent, "environment": "moon", "reason": "x"}).status_code == 404
    assert live(site) == {"production": 2, "staging": 3}


def test_who_may_ship_and_who_only_reads(site: Site):
    at = f"{site.base}/agents/supplier-mail/revisions/1/release"
    sent = {"environment": "staging", "way": "plain", "reason": "x"}
    for who in ("tomasz", "rosa"):
        assert "You may not ship this agent" in site.browser(who).get(at).text
        assert site.browser(who).post(at, data=sent).status_code == 403
    other = f"{site.base}/agents/vendor-watch/revisions/1/release"
    assert site.browser("ines").post(other, data=sent).status_code == 403
    assert live(site) == {"production": 2, "staging": 3}


def live(site: Site) -> dict[str, int]:
    with site.store.read() as session:
        agent = agent_by_slug(session, site.seeded.owner, "supplier-mail").id
        return {
            row.environment: row.revision_number for row in live_revisions(session, site.seeded.owner, [agent])[agent]
        }


@pytest.mark.parametrize(
    "said",
    [
        {}, {"canary": {"steps": [{"share_percent": "5", "minutes": 60, "min_runs": 20}], "cohort": ["a", "b"]}},
        {"shadow": {"days": 5, "sample_percent": "10", "daily_usd": "2.50"}},
        {"shadow": {"days": 1}, "canary": {"steps": [{"share_percent": "0.5", "minutes": 1}]}},
    ],
)  # fmt: skip
def test_a_strategy_becomes_fields_and_back(said: dict[str, object]):
    wanted = read_strategy(said)
    assert read_strategy(strategy_from(fields_of(wanted))) == wanted


def test_what_is_no_number_is_told_and_not_guessed():
    with pytest.raises(Malformed) as caught:
        read_strategy(strategy_from(Form({"way": ("shadow",), "days": ("five",)})))
    assert "strategy.shadow.days" in caught.value.errors
