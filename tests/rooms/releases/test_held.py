"""A release goes on only while those it rests on may still deploy there; else it is held, and taken over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import update

from signoff.kit import clock
from signoff.kit.errors import NotAllowed
from signoff.people.access import Principal
from signoff.people.actions import create_key, remove_member, revoke_key
from signoff.releases.actions import abort_release, promote_now, sign_release, take_over_release
from signoff.releases.findings import Findings
from signoff.releases.refusals import ReleaseOver, ReviewersNeeded
from signoff.tables.people import Environment, Member, ServiceAccount, Workspace
from signoff.tables.session import Store
from signoff.watch.queries import open_alerts
from tests.rooms.agents.kit_agents import person
from tests.rooms.releases.kit_releases import CANARY, SHADOW, Says, World, world

SAME, WORSE = Findings("same", "No difference.", runs=50), Findings("worse", "It fails twice as often.", runs=50)
HOUR = timedelta(hours=1, minutes=1)


def later(hours: int = 1) -> dict[str, str]:
    return {"at": (clock.now() + timedelta(hours=hours)).isoformat()}


def demoted(at: World, who: Principal) -> None:
    with at.store.write() as session:
        session.execute(update(Member).where(Member.id == who.id).values(role="viewer"))


def alerts(at: World) -> list[str]:
    with at.store.read() as session:
        return [alert.kind for alert in open_alerts(session, at.cat)]


def held(at: World, release_id: str) -> str | None:
    return at.detail(release_id).facts.held_reason


def take(at: World, who: Principal, release_id: str) -> None:
    with at.store.write() as session:
        take_over_release(session, who, release_id, reason="Ann left")


def test_a_scheduled_release_of_somebody_whose_role_changed_is_held_and_says_who_can_take_it_over(store: Store):
    at, now = world(store), clock.now()
    made = at.ask(2, later(), who=at.bob)
    demoted(at, at.bob)
    assert at.advance(made, now + HOUR)
    facts = at.detail(made).facts
    assert (facts.state, at.live(), facts.due_at) == ("scheduled", 1, now + HOUR + timedelta(minutes=1))
    assert held(at, made) == (
        "Bob, who answers for it: may not release supplier-mail in production any more. Ann or Cat can take it over, "
        "or call it off."
    )
    assert alerts(at) == ["release_held"]
    at.advance(made, now + HOUR + timedelta(minutes=2))
    assert at.kinds(made) == ["requested", "gated", "scheduled", "held"]  # Told once.
    take(at, at.cat, made)
    at.advance(made, clock.now() + HOUR + timedelta(minutes=3))
    facts = at.detail(made).facts
    assert (at.live(), facts.held_since, facts.answered_by_name, alerts(at)) == (2, None, "Cat", [])


def removed(at: World, bob: Principal) -> None:
    with at.store.write() as session:
        remove_member(session, at.ann, bob.id)


def suspended(at: World, bob: Principal) -> None:
    with at.store.write() as session:
        session.execute(update(Workspace).values(suspended_at=clock.now(), suspended_reason="unpaid"))


def restricted(at: World, bob: Principal) -> None:
    demoted_to_builder(at, bob)


def demoted_to_builder(at: World, bob: Principal) -> None:
    with at.store.write() as session:
        session.execute(update(Environment).values(is_deploy_restricted=True))
        session.execute(update(Member).where(Member.id == bob.id).values(role="manager"))


@pytest.mark.parametrize(
    ("lose", "words"),
    [
        (removed, "was removed from the workspace"),
        (suspended, "the workspace acme is suspended"),
        (restricted, "may not release supplier-mail in production any more"),
    ],
    ids=["removed", "workspace-suspended", "deploy-restricted"],
)
def test_whatever_took_the_right_away_it_does_not_switch(
    store: Store, lose: Callable[[World, Principal], None], words: str
):
    at, now = world(store), clock.now()
    made = at.ask(2, later(), who=at.bob)
    lose(at, at.bob)
    at.advance(made, now + HOUR)
    assert (at.state(made), at.live()) == ("scheduled", 1)
    assert words in (held(at, made) or "")


def test_a_key_that_was_revoked_holds_what_it_asked_for(store: Store):
    at, now = world(store), clock.now()
    with store.write() as session:
        key = create_key(session, at.bob, name="ci", role="manager")
    caller = replace(at.bob, kind="key", key_id=key.id)
    made = at.ask(2, later(), who=caller)
    with store.write() as session:
        revoke_key(session, at.bob, key.id)
    at.advance(made, now + HOUR)
    assert (at.state(made), at.live()) == ("scheduled", 1)
    assert "the key it was asked for with was revoked" in (held(at, made) or "")
    take(at, at.bob, made)  # By hand, Bob may still.
    at.advance(made, clock.now() + HOUR)
    assert at.live() == 2


def test_a_service_account_that_is_disabled_holds_what_it_asked_for(store: Store):
    at, now = world(store), clock.now()
    with store.write() as session:
        session.add(
            ServiceAccount(
                id="svc_ci", workspace_id=at.at.workspace_id, slug="ci", name="CI", role="manager", state="active",
                created_by=at.ann.id, created_by_name="Ann", created_at=now,
            )
        )  # fmt: skip
    made = at.ask(2, later(), who=Principal("service_account", "svc_ci", "CI", at.at.workspace_id, "manager"))
    with store.write() as session:
        session.execute(update(ServiceAccount).values(state="disabled"))
    at.advance(made, now + HOUR)
    assert (at.state(made), at.live(), (held(at, made) or "")[:3]) == ("scheduled", 1, "CI,")
    with store.write() as session:
        session.execute(update(ServiceAccount).values(state="active"))
    at.advance(made, now + HOUR + timedelta(minutes=2))
    assert (at.live(), held(at, made)) == (2, None)  # It may again, and goes on by itself.


def test_a_canary_keeps_its_share_while_it_is_held_and_is_still_taken_away_when_it_does_badly(store: Store):
    at, now = world(store), clock.now()
    made = at.ask(2, CANARY, who=at.bob)
    demoted(at, at.bob)
    for minutes in (12, 14):
        at.advance(made, now + timedelta(minutes=minutes), SAME)
    assert (at.state(made), at.row().share, at.kinds(made).count("held")) == ("canary", 500, 1)
    at.advance(made, now + timedelta(minutes=16), WORSE)
    assert (at.state(made), at.row().candidate_release_id, alerts(at)) == ("rolled_back", None, ["release_rolled_back"])


def test_a_canary_that_is_taken_over_rises_on(store: Store):
    at, now = world(store), clock.now()
    made = at.ask(2, CANARY, who=at.bob)
    demoted(at, at.bob)
    at.advance(made, now + timedelta(minutes=12), SAME)
    take(at, at.cat, made)
    at.advance(made, now + timedelta(minutes=14), SAME)
    assert (at.row().share, held(at, made), alerts(at)) == (2_500, None, [])


def test_a_shadow_is_not_promoted_for_somebody_who_may_not(store: Store):
    at, now = world(store), clock.now()
    made = at.ask(2, {**SHADOW, **CANARY}, who=at.bob)
    demoted(at, at.bob)
    at.advance(made, now + timedelta(days=5, minutes=1), SAME)
    assert (at.state(made), at.row().candidate_release_id, at.row().shadow_release_id) == ("shadow", None, made)
    with store.write() as session:
        abort_release(session, at.cat, made, reason="nobody wants it")
    assert (at.state(made), alerts(at)) == ("aborted", [])


def sign(at: World, who: Principal, made: str) -> None:
    with at.store.write() as session:
        sign_release(session, who, made, "approve", at.detail(made).diff_digest, "read it")


def test_the_last_signature_lets_nothing_through_for_somebody_who_may_not(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    at = world(store)
    Says(monkeypatch, "high")
    made = at.ask(2, who=at.bob)
    demoted(at, at.bob)
    sign(at, at.cat, made)
    assert (at.state(made), at.live(), at.kinds(made)[-1]) == ("requested", 1, "held")
    take(at, at.ann, made)
    assert at.live() == 2


def test_a_signature_counts_no_more_once_its_signer_may_not_deploy_and_another_takes_its_place(
    store: Store, monkeypatch: pytest.MonkeyPatch
):
    at, now = world(store), clock.now()
    Says(monkeypatch, "high")
    dan = person(store, at.at, "Dan")
    made = at.ask(2, later(), who=at.bob)
    sign(at, at.cat, made)
    assert at.state(made) == "scheduled"
    demoted(at, at.cat)
    at.advance(made, now + HOUR)
    assert (at.state(made), at.live()) == ("scheduled", 1)
    assert (held(at, made) or "").startswith("It wants 1 signature and has 0 of people who may deploy")
    with pytest.raises(ReviewersNeeded), store.write() as session:
        promote_now(session, dan, made, reason="hurry")
    assert [one.counts for one in at.detail(made).signatures] == [False]
    sign(at, dan, made)
    at.advance(made, clock.now() + HOUR)
    assert (at.live(), held(at, made)) == (2, None)


def test_whoever_takes_a_release_over_is_no_second_pair_of_eyes_for_it(store: Store, monkeypatch: pytest.MonkeyPatch):
    at, now = world(store), clock.now()
    Says(monkeypatch, "high")
    made = at.ask(2, later(), who=at.bob)
    sign(at, at.cat, made)
    take(at, at.cat, made)
    at.advance(made, now + HOUR)
    assert (at.state(made), at.live()) == ("scheduled", 1)
    assert "has 0 of people" in (held(at, made) or "")


def test_who_may_take_a_release_over(store: Store):
    at = world(store)
    vic = person(store, at.at, "Vic", "viewer")
    made = at.ask(2, later(), who=at.bob)
    with pytest.raises(NotAllowed):
        take(at, vic, made)
    with store.write() as session:
        session.execute(update(Environment).values(is_four_eyes=True))
    with pytest.raises(NotAllowed, match="four eyes"):
        take(at, at.ann, made)  # She wrote it.
    assert not at.detail(made).can_take_over
    with store.write() as session:
        abort_release(session, at.bob, made, reason="no")
    with pytest.raises(ReleaseOver):
        take(at, at.cat, made)
