"""What the engine does with a release that is due: canary, shadow, watch; and what people decide meanwhile."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from signoff.kit import clock
from signoff.kit.errors import NotAllowed
from signoff.people.access import Principal
from signoff.releases.actions import abort_release, promote_now
from signoff.releases.findings import Findings
from signoff.releases.refusals import ReleaseMoved, ReleaseOver
from signoff.tables.session import Store
from signoff.watch.queries import open_alerts
from tests.kit_locks import until_somebody_waits
from tests.rooms.agents.kit_agents import person
from tests.rooms.releases.kit_releases import BLOCKER, CANARY, SHADOW, Says, world

SAME, WORSE = Findings("same", "No difference.", runs=50), Findings("worse", "It fails twice as often.", runs=50)
UNSURE = Findings("inconclusive", "Too few runs.", runs=50)
TEN = timedelta(minutes=10, seconds=1)


def alerts(store: Store, at: object) -> list[str]:
    with store.read() as session:
        return [alert.kind for alert in open_alerts(session, at.ann)]  # pyright: ignore[reportAttributeAccessIssue]


def test_a_canary_rises_step_by_step_and_goes_live_when_it_does_as_well(store: Store):
    at, now = world(store), clock.now()
    made = at.ask(2, CANARY)
    row = at.row()
    assert (row.share, row.candidate_release_id, at.live()) == (500, made, 1)
    assert row.salt is not None
    assert made not in row.salt  # Whoever knows the release cannot work out which keys get the candidate.
    assert not at.advance(made, now + timedelta(seconds=30), SAME)
    assert at.advance(made, now + timedelta(minutes=5), SAME)
    assert at.row().share == 500  # Its time is not over.
    assert at.advance(made, now + TEN, Findings("same", runs=2))
    assert at.row().share == 500  # Too few runs.
    later = now + timedelta(minutes=12)
    assert at.advance(made, later, SAME)
    assert (at.row().share, at.detail(made).facts.step) == (2_500, 1)
    assert at.advance(made, later + TEN, SAME)
    row = at.row()
    assert (at.state(made), at.live(), row.candidate_release_id, row.share, row.salt) == ("watching", 2, None, 0, None)
    assert not at.advance(made, later + TEN, SAME)  # A second look at the same moment has nothing to do.
    assert at.kinds(made) == ["requested", "gated", "canary", "compared", "step", "live", "watching"]


def test_a_worse_candidate_is_taken_away_whatever_the_time(store: Store):
    at, now = world(store), clock.now()
    made = at.ask(2, CANARY)
    assert at.advance(made, now + timedelta(minutes=2), WORSE)
    row = at.row()
    assert (at.state(made), at.detail(made).facts.code, at.live()) == ("rolled_back", "worse", 1)
    assert (row.candidate_revision_id, row.share) == (None, 0)
    assert alerts(store, at) == ["release_rolled_back"]
    assert at.state(at.ask(3, CANARY)) == "canary"  # The next may begin.


def test_a_broken_invariant_takes_it_away_at_once(store: Store):
    at, now = world(store), clock.now()
    made = at.ask(2, CANARY)
    assert at.advance(made, now + timedelta(minutes=2), Findings("better", violation="A secret was in its output."))
    assert (at.state(made), at.detail(made).facts.code) == ("rolled_back", "invariant_broken")


def test_where_nothing_is_certain_at_the_end_a_person_decides(store: Store):
    at, now = world(store), clock.now()
    made = at.ask(2, {"canary": {"cohort": ["acme", "beta"], "minutes": 10}})
    assert (at.row().cohort, at.row().share) == (["acme", "beta"], 0)
    for minutes in (11, 13, 15):
        assert at.advance(made, now + timedelta(minutes=minutes), UNSURE)
    assert (at.state(made), at.live()) == ("canary", 1)
    assert at.kinds(made).count("undecided") == 1
    assert alerts(store, at) == ["release_undecided"]
    with store.write() as session:
        promote_now(session, at.bob, made, reason="looked at all of them")
    assert (at.state(made), at.live()) == ("watching", 2)
    # Nothing is left to be decided.
    assert alerts(store, at) == []


def test_what_turns_out_worse_after_nobody_was_certain_is_told_as_taken_back(store: Store):
    at, now = world(store), clock.now()
    made = at.ask(2, {"canary": {"cohort": ["acme"], "minutes": 10}})
    assert at.advance(made, now + timedelta(minutes=11), UNSURE)
    assert alerts(store, at) == ["release_undecided"]
    assert at.advance(made, now + timedelta(minutes=13), Findings("worse", "Too many errors."))
    assert at.state(made) == "rolled_back"
    assert alerts(store, at) == ["release_rolled_back"]


def test_a_shadow_takes_its_days_then_the_canary_begins(store: Store):
    at, now = world(store), clock.now()
    made = at.ask(2, {**SHADOW, **CANARY})
    row = at.row()
    assert (at.state(made), row.shadow_release_id, row.shadow_share, row.share) == ("shadow", made, 5_000, 0)
    assert at.advance(made, now + timedelta(days=4), SAME)
    assert at.state(made) == "shadow"
    at.advance(made, now + timedelta(days=5, minutes=1), SAME)
    row = at.row()
    assert (at.state(made), row.shadow_release_id, row.shadow_share, row.share) == ("canary", None, 0, 500)


def test_a_shadow_that_does_worse_reaches_nobody(store: Store):
    at, now = world(store), clock.now()
    made = at.ask(2, SHADOW)
    at.advance(made, now + timedelta(minutes=2), WORSE)
    assert (at.state(made), at.code(made), at.row().shadow_release_id) == ("refused", "worse", None)


def test_the_gate_is_asked_at_the_moment_of_the_switch(store: Store, monkeypatch: pytest.MonkeyPatch):
    at, now = world(store), clock.now()
    says = Says(monkeypatch, "low")
    made = at.ask(2, {"canary": {"steps": [{"share_percent": 50, "minutes": 10}]}})
    says.results = (BLOCKER,)
    at.advance(made, now + TEN, SAME)
    row = at.row()
    assert (at.state(made), at.code(made), at.live(), row.share) == ("refused", "gate_not_met", 1, 0)


def test_a_watch_ends_settled_or_back_where_it_was(store: Store):
    at, now = world(store), clock.now()
    good = at.ask(2)
    at.advance(good, now + timedelta(minutes=30), SAME)
    assert at.state(good) == "watching"
    at.advance(good, now + timedelta(minutes=61), SAME)
    assert (at.state(good), at.live()) == ("settled", 2)
    bad = at.ask(3)
    at.advance(bad, now + timedelta(minutes=10), WORSE)
    assert (at.state(bad), at.live()) == ("rolled_back", 2)
    assert alerts(store, at) == ["release_rolled_back"]
    assert at.state(good) == "settled"


def test_a_release_is_called_off_until_it_serves(store: Store):
    at = world(store)
    made = at.ask(2, CANARY)
    with store.write() as session:
        abort_release(session, at.bob, made, reason="not today")
    assert (at.state(made), at.row().candidate_release_id, at.live()) == ("aborted", None, 1)
    with pytest.raises(ReleaseOver), store.write() as session:
        abort_release(session, at.bob, made, reason="again")
    served = at.ask(2)
    with pytest.raises(ReleaseOver, match="roll it back"), store.write() as session:
        abort_release(session, at.bob, served, reason="too late")


def test_of_a_decision_and_the_engine_at_once_the_first_holds(store: Store):
    at, now = world(store), clock.now()
    made = at.ask(2, CANARY)
    seen = at.detail(made).facts.version
    at.advance(made, now + timedelta(minutes=12), SAME)
    for act in (promote_now, abort_release):
        with pytest.raises(ReleaseMoved, match="is canary now"), store.write() as session:
            act(session, at.bob, made, reason="as I saw it", version=seen)
    assert (at.state(made), at.row().share) == ("canary", 2_500)


def test_of_two_who_promote_at_once_one_does_and_the_other_is_told(store: Store):
    at = world(store)
    made = at.ask(2, CANARY)
    seen = at.detail(made).facts.version
    told: list[BaseException] = []

    def promote(who: Principal) -> None:
        with store.write() as session:
            promote_now(session, who, made, reason="go on", version=seen)

    def second() -> None:
        try:
            promote(at.bob)
        except ReleaseMoved as refusal:
            told.append(refusal)

    with store.write() as session:
        promote_now(session, at.ann, made, reason="go on", version=seen)
        # He has looked, and waits for what she has not committed yet.
        other = threading.Thread(target=second)
        other.start()
        until_somebody_waits(store)
    other.join()
    assert [type(one) for one in told] == [ReleaseMoved]
    assert (at.state(made), at.row().share) == ("canary", 2_500)
    assert at.kinds(made).count("promoted") == 1


def test_promoting_takes_one_step_at_a_time(store: Store):
    at = world(store)
    made = at.ask(2, {**SHADOW, **CANARY, "at": (clock.now() + timedelta(hours=2)).isoformat()})
    seen: list[str] = []
    for _ in range(5):
        with store.write() as session:
            promote_now(session, at.ann, made, reason="go on")
        seen.append(at.state(made))
    assert seen == ["shadow", "canary", "canary", "watching", "settled"]
    with pytest.raises(ReleaseOver), store.write() as session:
        promote_now(session, at.ann, made, reason="further")


def test_who_may_decide(store: Store):
    at = world(store)
    vic = person(store, at.at, "Vic", "viewer")
    made = at.ask(2, CANARY)
    for act in (promote_now, abort_release):
        with pytest.raises(NotAllowed), store.write() as session:
            act(session, vic, made, reason="because")
    assert at.state(made) == "canary"
