"""The time after a release: the first week day by day, what people say of it, and reviews."""

from __future__ import annotations

from datetime import timedelta
from html import unescape

from sqlalchemy import select

from signoff.kit import clock, ids
from signoff.releases.follow_up.opening import begin_follow_up, look_at_follow_up, unfollowed
from signoff.tables.agents import Agent
from signoff.tables.follow_ups import FollowUp, FollowUpDay, Review
from tests.web.pages.conftest import Site

AT = "/w/northwind/agents/supplier-mail/follow-up"


def begun(site: Site) -> FollowUp:
    """Let the engine begin with what serves production, as if it served since today."""
    now = clock.now()
    with site.store.write() as session:
        for which in unfollowed(session):
            begin_follow_up(session, which, now)
        one = session.scalars(
            select(FollowUp).join(Agent, Agent.id == FollowUp.agent_id).where(Agent.slug == "supplier-mail")
        ).first()
        assert one is not None
        one.state, one.ended_how, one.live_at, one.due_at = "first_week", None, now, now + timedelta(days=1)
        one.counted_from, one.next_review_at = (now - timedelta(days=1)).date().isoformat(), None
        return one


def test_where_it_never_served_production_the_page_says_what_will_be_here(site: Site):
    html = site.browser().get(AT).text
    assert "It has not served production yet" in html
    assert "None is to be done." in html


def test_a_day_is_shown_with_its_checklist_and_the_runs_to_read(site: Site):
    one = begun(site)
    yesterday = (clock.now() - timedelta(days=1)).date().isoformat()
    with site.store.write() as session:
        session.add(
            FollowUpDay(
                follow_up_id=one.id, day=yesterday, workspace_id=one.workspace_id, verdict="bad", runs=4, good_days=0,
                items=[{"id": "failed", "title": "Few runs fail", "status": "false", "measured": "1 of 4 runs failed.",
                        "wanted": "Under 5 %."}],
                judged_at=clock.now(),
            )
        )  # fmt: skip
    html = unescape(site.browser().get(AT).text)
    for words in ("0 of 3 good days", "Few runs fail", "1 of 4 runs failed.", yesterday, "End it now"):
        assert words in html
    assert "End it now" not in site.browser("rosa").get(AT).text


def test_it_is_ended_by_hand_with_a_reason(site: Site):
    one = begun(site)
    mei = site.browser()
    sent = {"environment": "production", "reason": "It replaces a proven one."}
    assert site.browser("rosa").post(f"{AT}/end", data=sent).status_code == 403
    assert mei.post(f"{AT}/end", data={**sent, "reason": ""}).status_code == 422
    assert mei.post(f"{AT}/end", data=sent).status_code == 303
    html = unescape(mei.get(AT).text)
    assert "It replaces a proven one." in html
    assert "ended by hand" in html
    with site.store.read() as session:
        assert session.get_one(FollowUp, one.id).state == "routine"
    again = mei.post(f"{AT}/end", data=sent)
    assert again.status_code == 409
    assert "not in its first week" in again.text


def test_what_reading_found_is_refused_with_the_reason_on_the_page(site: Site):
    begun(site)
    sent = {"environment": "production", "day": "", "reading": "wrong", "note": "", "runs": []}
    told = site.browser().post(f"{AT}/read", data=sent)
    assert told.status_code == 422
    assert "That was not done" in told.text


def test_a_review_is_made_shown_at_home_and_done(site: Site):
    one = begun(site)
    now = clock.now()
    with site.store.write() as session:
        row = session.get_one(FollowUp, one.id)
        row.state, row.ended_how, row.ended_reason = "routine", "graduated", "3 good days in a row."
        row.next_review_at = row.due_at = now
        session.flush()
        look_at_follow_up(session, one.id, now)
        made = session.scalars(select(Review)).one()
        made.assigned_to, made.assigned_to_name = site.seeded.owner.id, "Mei"
        review = made.id
    mei = site.browser()
    assert "Reviews to do" in mei.get("/w/northwind").text
    html = unescape(mei.get(AT).text)
    for words in ("Weekly review", "Cost per run", "Requests denied", "the week before", "For Mei"):
        assert words in html
    assert mei.post(f"{AT}/reviews/{review}", data={"note": "All as it should be."}).status_code == 303
    html = unescape(mei.get(AT).text)
    assert "All as it should be." in html
    assert "Reviews to do" not in mei.get("/w/northwind").text
    told = mei.post(f"{AT}/reviews/{review}", data={"note": "Again."})
    assert told.status_code == 409


def test_a_stranger_finds_nothing(site: Site):
    assert site.browser().get("/w/northwind/agents/none-such/follow-up").status_code == 404
    assert ids.new_id("rvw") not in site.browser().get(AT).text
