"""Reviews of an agent in production: made with their figures, done with a note, told when overdue."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import update

from signoff.kit.errors import NotAllowed, NotFound, NotNow
from signoff.kit.paging import Page
from signoff.releases.follow_up.opening import look_at_overdue, overdue_reviews
from signoff.releases.follow_up.queries import review, reviews_page
from signoff.releases.follow_up.reading import end_by_hand
from signoff.releases.follow_up.reviews import do_review
from signoff.releases.follow_up.views import ReviewFacts
from signoff.tables.agents import Agent
from signoff.tables.session import Store
from signoff.watch.queries import open_alerts
from tests.rooms.agents.kit_agents import person, place
from tests.rooms.releases.test_first_week import Week


def reviews(week: Week) -> Page[ReviewFacts]:
    with week.store.read() as session:
        return reviews_page(session, week.ann, agent=week.at.agent_id)


def over(week: Week) -> None:
    """End the first week, so that only reviews follow."""
    with week.store.write() as session:
        end_by_hand(session, week.ann, week.at.agent_id, environment="production", reason="Proven.")
        session.execute(update(Agent).values(owner_id=week.ann.id))


def test_each_week_a_review_is_made_with_its_figures_fixed(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch)
    week.ran(2, cost_usd=Decimal("0.02"))
    over(week)
    week.to(5)
    week.ran(3, cost_usd=Decimal("0.04"), needed_input=True, approvals_asked=1, approvals_denied=1)
    week.ran(1, is_error=True, cost_usd=Decimal("0.08"))
    week.to(7)
    (made,) = reviews(week).rows
    assert (made.kind, made.assigned_to_name, made.due_at - made.made_at) == ("weekly", "Ann", timedelta(days=7))
    assert {name: made.metrics[name] for name in ("runs", "failed", "denied_percent", "error_percent")} == {
        "runs": 6, "failed": 1, "denied_percent": 100.0, "error_percent": 16.67,
    }  # fmt: skip
    assert made.metrics["cost_per_run_usd"] == pytest.approx(0.04)
    assert made.metrics["runs_per_day"] == pytest.approx(6 / 7, abs=0.01)
    assert made.metrics["seconds_mean"] == 4.0
    week.ran(5)
    assert reviews(week).rows[0].metrics == made.metrics
    week.to(14)
    assert len(reviews(week).rows) == 1  # The one before it is not done yet.


def test_after_a_month_the_great_review_compares_with_the_first_week(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch)
    week.ran(2)
    over(week)
    week.to(20)
    week.ran(4)
    week.to(29)
    assert [one.kind for one in reviews(week).rows] == ["weekly"]
    week.to(30, 9, 1)
    found = {one.kind: one for one in reviews(week).rows}
    assert set(found) == {"weekly", "first"}
    metrics = found["first"].metrics
    assert (metrics["runs"], metrics["before"]["runs"], metrics["days"]) == (6, 2, 30.0)


def test_during_the_first_week_days_are_looked_at_and_the_month_counts_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    week = Week(store, monkeypatch)
    for day in range(1, 31):
        week.to(day)
    week.to(30, 12)
    assert week.facts().state == "first_week"
    assert [one.kind for one in reviews(week).rows] == ["first"]


def test_a_review_is_done_once_by_whoever_answers_for_the_agent(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch)
    over(week)
    week.to(7)
    (made,) = reviews(week).rows
    vic = person(store, week.at.at, "Vic", "viewer")
    with pytest.raises(NotAllowed), store.write() as session:
        do_review(session, vic, made.id, note="fine")
    with store.write() as session:
        do_review(session, week.ann, made.id, note="Two new kinds of mail; the SOP says what to do now.")
    with store.read() as session:
        done = review(session, vic, made.id)
    assert (done.done_by_name, done.note) == ("Ann", "Two new kinds of mail; the SOP says what to do now.")
    with pytest.raises(NotNow, match="done already, by Ann"), store.write() as session:
        do_review(session, week.ann, made.id, note="again")
    week.to(14)
    assert [one.done_at is None for one in reviews(week).rows] == [True, False]


def test_an_overdue_review_is_told_once_until_it_is_done(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch)
    over(week)
    week.to(7)
    week.to(13)
    with store.read() as session:
        assert list(overdue_reviews(session, week.now)) == []
    week.to(14, 10)
    with store.write() as session:
        told = [look_at_overdue(session, one, week.now) for one in overdue_reviews(session, week.now)]
    assert told == [True]
    with store.write() as session:
        assert list(overdue_reviews(session, week.now)) == []
        (alert,) = open_alerts(session, week.ann)
        assert (alert.kind, "assigned to Ann" in alert.text) == ("review_overdue", True)
        (made,) = reviews(week).rows
        assert made.is_overdue is True
    with store.write() as session:
        do_review(session, week.ann, made.id, note="Late, and well.")
        assert open_alerts(session, week.ann) == []


def test_a_stranger_finds_no_review(store: Store, monkeypatch: pytest.MonkeyPatch):
    week = Week(store, monkeypatch)
    over(week)
    week.to(7)
    (made,) = reviews(week).rows
    stranger = person(store, place(store, "other"), "Sam")
    with store.read() as session:
        assert list(reviews_page(session, stranger).rows) == []
        with pytest.raises(NotFound):
            review(session, stranger, made.id)
    with pytest.raises(NotFound), store.write() as session:
        do_review(session, stranger, made.id, note="mine now")
