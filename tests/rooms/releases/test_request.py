"""Asking for a release: the gate, what it keeps, and who was first."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest

from signoff.deployments.refusals import AlreadyLive, LiveChanged
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound, Refusal
from signoff.record import audit
from signoff.releases.actions import make_live, refusal_of, ship, switch_live
from signoff.releases.queries import releases_page
from signoff.releases.refusals import GateNotMet, ReleaseUnderWay, ReviewersNeeded
from signoff.tables.deployments import Deployment
from signoff.tables.session import Store
from signoff.watch.queries import open_alerts
from tests.rooms.agents.kit_agents import person, place
from tests.rooms.releases.kit_releases import BLOCKER, CANARY, Says, world


def test_a_plain_release_serves_at_once_and_is_watched(store: Store):
    at = world(store)
    made = at.ask(2)
    seen = at.detail(made)
    assert at.live() == 2
    assert seen.facts.state == "watching"
    assert [event.kind for event in seen.timeline] == ["requested", "gated", "live", "watching"]
    assert seen.facts.watch_until is not None
    assert seen.facts.due_at is not None
    assert at.row().release_id == made
    assert seen.evidence["human.irreversible_gated"]["status"] == "true"
    with store.read() as session:
        switched = session.query(Deployment).one()
        assert (switched.release_id, switched.actor_name) == (made, "Ann")
        assert audit.verify(session, at.at.workspace_id).first_broken_seq is None


def test_the_next_release_ends_the_watch_of_the_one_before(store: Store):
    at = world(store)
    first, second = at.ask(2), at.ask(3)
    assert at.state(second) == "watching"
    assert (at.detail(first).facts.state, at.detail(first).facts.code) == ("settled", "superseded")


def test_a_gate_that_is_not_met_keeps_a_refused_row(store: Store, monkeypatch: pytest.MonkeyPatch):
    at = world(store)
    Says(monkeypatch, "medium", replace(BLOCKER, measured="0 of 3 runs."))
    with pytest.raises(GateNotMet) as refused:
        ship(store, at.ann, at.agent_id, environment="production", revision=2, reason="x")
    assert "0 of 3 runs. Run it three times" in refused.value.detail
    assert (refused.value.status, refused.value.code) == (409, "gate_not_met")
    assert [one["probe"] for one in refused.value.extra["blockers"]] == ["tests"]
    assert refused.value.extra["blockers"][0]["fix"] == "Run it three times as a test."
    kept = at.detail(refused.value.extra["release"])
    assert kept.facts.state == "refused"
    assert kept.facts.ended_reason is not None
    assert "Testing is signed off: 0 of 3 runs" in kept.facts.ended_reason
    assert at.live() == 1
    says = Says(monkeypatch, "medium", BLOCKER)
    says.met()
    assert at.state(at.ask(2)) == "watching"


def test_a_waived_or_attested_item_holds_nothing_up(store: Store, monkeypatch: pytest.MonkeyPatch):
    from dataclasses import replace

    at = world(store)
    Says(monkeypatch, "low", replace(BLOCKER, status="waived"), replace(BLOCKER, severity="warn"))
    assert at.state(at.ask(2)) == "watching"


def test_while_one_is_under_way_another_is_told_by_whom(store: Store):
    at = world(store)
    first = at.ask(2, CANARY)
    with pytest.raises(ReleaseUnderWay, match=r"Ann is releasing revision 2 .* it is a canary") as refused:
        ship(store, at.bob, at.agent_id, environment="production", revision=3, reason="x")
    assert refused.value.extra["by"] == "Ann"
    assert at.state(refused.value.extra["release"]) == "refused"
    # Elsewhere it is nobody's business.
    assert at.state(at.ask(3, environment="staging")) == "settled"
    assert at.state(first) == "canary"


def test_the_later_of_two_from_the_same_look_is_told_who_and_when(store: Store):
    at = world(store)
    at.ask(2, expected=at.revisions[0])
    late = at.ask(3, who=at.bob, expected=at.revisions[0])
    with store.read() as session:
        refusal = refusal_of(session, late)
    assert isinstance(refusal, LiveChanged)
    assert refusal.extra["by"] == "Ann"
    assert at.live() == 2


def test_of_many_at_once_one_wins_and_every_attempt_is_kept(store: Store):
    at = world(store, 5)
    start = threading.Barrier(4)
    won: list[str] = []
    refusals: list[Refusal] = []

    def attempt(number: int) -> None:
        start.wait()
        try:
            won.append(ship(store, at.ann, at.agent_id, environment="production", revision=number, reason="race",
                            strategy=None))  # fmt: skip
        except Refusal as refusal:
            refusals.append(refusal)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in (2, 3, 4, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won
    assert {refusal.code for refusal in refusals} <= {"live_changed", "release_under_way"}
    with store.read() as session:
        rows = releases_page(session, at.ann, agent=at.agent_id).rows
        assert len(rows) == 4
        assert sorted(row.state for row in rows if row.state == "refused") == ["refused"] * len(refusals)
        served = session.query(Deployment).order_by(Deployment.id).all()
        # Each switch begins where the one before it ended.
        assert [one.previous_revision_id for one in served] == [at.revisions[0], *(s.revision_id for s in served[:-1])]


def test_who_may_ask(store: Store):
    at = world(store)
    vic, eve = person(store, at.at, "Vic", "viewer"), person(store, place(store, "other"), "Eve")
    with pytest.raises(NotAllowed):
        at.ask(2, who=vic)
    with pytest.raises(NotFound):
        at.ask(2, who=eve)
    with pytest.raises(Malformed):
        at.ask(2, reason="")
    with pytest.raises(AlreadyLive):
        at.ask(1)
    assert at.count() == 0


def test_steps_need_something_to_compare_with(store: Store):
    at = world(store)
    with store.write() as session:
        from signoff.tables.deployments import LiveRevision

        session.delete(session.get_one(LiveRevision, (at.agent_id, at.at.environments["staging"])))
    with pytest.raises(Malformed, match="nothing to compare with"):
        at.ask(2, CANARY, environment="staging")
    first = at.ask(2, environment="staging", expected=None)
    assert at.state(first) == "settled"
    assert at.live("staging") == 2


def test_no_strategy_is_what_the_tier_proposes(store: Store, monkeypatch: pytest.MonkeyPatch):
    at = world(store)
    Says(monkeypatch, "medium")
    made = ship(store, at.ann, at.agent_id, environment="production", revision=2, reason="x")
    assert at.detail(made).facts.strategy_kind == "canary"
    assert at.row().share == 2_500


def test_an_emergency_skips_steps_and_signatures_but_not_the_gate(store: Store, monkeypatch: pytest.MonkeyPatch):
    at = world(store)
    rival = at.ask(3, CANARY)
    says = Says(monkeypatch, "critical", BLOCKER)
    assert at.code(at.ask(2, CANARY, is_emergency=True)) == "gate_not_met"
    assert at.state(rival) == "canary"  # It gives way to what ships, not to what is refused.
    says.met()
    made = at.ask(2, CANARY, is_emergency=True)
    assert (at.state(made), at.state(rival), at.live()) == ("watching", "aborted", 2)
    assert at.row().candidate_release_id is None
    assert "emergency" in at.kinds(made)
    with store.read() as session:
        assert "emergency_release" in {alert.kind for alert in open_alerts(session, at.ann)}


def test_make_live_says_at_once_what_it_cannot_wait_for(store: Store, monkeypatch: pytest.MonkeyPatch):
    at = world(store)
    Says(monkeypatch, "high")
    with pytest.raises(ReviewersNeeded):
        switch_live(store, at.ann, at.agent_id, environment="production", revision=2, reason="x")
    assert at.count() == 1  # The attempt is kept.
    with pytest.raises(ReviewersNeeded), store.write() as session:
        make_live(session, at.ann, at.agent_id, environment="production", revision=2, reason="x")
    assert (at.live(), at.count()) == (1, 1)


def test_a_crash_before_the_commit_leaves_nothing(store: Store, monkeypatch: pytest.MonkeyPatch):
    at = world(store)
    from signoff.releases.actions import going

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    # After the switch, before the release says so: the last moment at which the two could differ.
    monkeypatch.setattr(going, "_watch", killed)
    with pytest.raises(KeyboardInterrupt):
        at.ask(2)
    assert (at.live(), at.count()) == (1, 0)
    monkeypatch.undo()
    assert at.state(at.ask(2)) == "watching"


def test_a_scheduled_release_waits_and_is_asked_anew(store: Store, monkeypatch: pytest.MonkeyPatch):
    at = world(store)
    says = Says(monkeypatch, "low", BLOCKER)
    says.met()
    when = clock.now() + timedelta(hours=1)
    made = at.ask(2, {"at": when.isoformat()})
    assert (at.state(made), at.live(), at.detail(made).facts.due_at) == ("scheduled", 1, when)
    assert not at.advance(made, when - timedelta(minutes=1))
    says.results = (BLOCKER,)
    assert at.advance(made, when)
    assert (at.state(made), at.code(made), at.live()) == ("refused", "gate_not_met", 1)
    assert not at.advance(made, when)
    says.met()
    again = at.ask(2, {"at": when.isoformat()})
    assert at.advance(again, when)
    assert (at.state(again), at.live()) == ("watching", 2)
    with store.read() as session:
        # The engine carried out what Ann decided; it is no second pair of eyes.
        assert session.query(Deployment).one().actor_name == "Ann"
