"""Signatures: by somebody else, of the diff as it is now."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from signoff.kit.errors import Malformed, NotAllowed, Refusal
from signoff.people.access import Principal
from signoff.releases.actions import promote_now, sign_release
from signoff.releases.refusals import DiffChanged, NothingToSign, ReleaseOver
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import person
from tests.rooms.releases.kit_releases import BLOCKER, Says, World, world


def sign(at: World, who: Principal, release: str, *, verdict: str = "approve", digest: str | None = None) -> None:
    words = digest or at.detail(release).diff_digest
    with at.store.write() as session:
        sign_release(session, who, release, verdict, words, "read it")  # pyright: ignore[reportArgumentType]


def test_two_others_sign_what_cannot_be_undone(store: Store, monkeypatch: pytest.MonkeyPatch):
    at = world(store)
    says = Says(monkeypatch, "critical")
    made = at.ask(2)
    assert (at.state(made), at.live(), at.detail(made).reviewers_wanted) == ("requested", 1, 2)
    with pytest.raises(ReleaseOver, match="signatures"), store.write() as session:
        promote_now(session, at.bob, made, reason="hurry")
    sign(at, at.bob, made)
    assert at.state(made) == "requested"
    with pytest.raises(NothingToSign):
        sign(at, at.bob, made)
    asked = says.asked
    sign(at, at.cat, made)
    assert says.asked > asked  # The gate was asked anew.
    assert (at.state(made), at.live()) == ("watching", 2)
    assert [one.member_name for one in at.detail(made).signatures] == ["Bob", "Cat"]


def test_nobody_signs_their_own(store: Store, monkeypatch: pytest.MonkeyPatch):
    at = world(store)
    Says(monkeypatch, "high")
    vic = person(store, at.at, "Vic", "viewer")
    robot = Principal("service_account", "sva_1", "Robot", at.at.workspace_id, "owner")
    made = at.ask(2, who=at.bob)
    assert not any(one for one in (at.detail(made).can_sign,))  # Ann wrote it.
    for who in (at.ann, at.bob, vic, robot):
        with pytest.raises(NotAllowed):
            sign(at, who, made)
    sign(at, at.cat, made)
    assert at.live() == 2


def test_a_signature_of_another_diff_counts_for_nothing(store: Store, monkeypatch: pytest.MonkeyPatch):
    at = world(store)
    Says(monkeypatch, "high")
    made = at.ask(2)
    with pytest.raises(DiffChanged):
        sign(at, at.bob, made, digest="0" * 64)
    assert at.state(made) == "requested"


def test_a_no_refuses_it_and_says_why(store: Store, monkeypatch: pytest.MonkeyPatch):
    at = world(store)
    Says(monkeypatch, "high")
    made = at.ask(2)
    with pytest.raises(Malformed), store.write() as session:
        sign_release(session, at.bob, made, "refuse", at.detail(made).diff_digest, " ")
    sign(at, at.bob, made, verdict="refuse")
    assert (at.state(made), at.code(made), at.live()) == ("refused", "signature_refused", 1)
    with pytest.raises(NothingToSign):
        sign(at, at.cat, made)


def test_evidence_that_went_stale_meanwhile_counts_as_missing(store: Store, monkeypatch: pytest.MonkeyPatch):
    at = world(store)
    says = Says(monkeypatch, "high")
    made = at.ask(2)
    says.results = (BLOCKER,)
    sign(at, at.bob, made)
    assert (at.state(made), at.code(made), at.live()) == ("refused", "gate_not_met", 1)


def test_of_two_last_signatures_at_once_the_release_goes_on_once(store: Store, monkeypatch: pytest.MonkeyPatch):
    at = world(store)
    Says(monkeypatch, "critical")
    made = at.ask(2)
    digest = at.detail(made).diff_digest
    start = threading.Barrier(2)
    refusals: list[Refusal] = []

    def attempt(who: Principal) -> Callable[[], None]:
        def work() -> None:
            start.wait()
            try:
                sign(at, who, made, digest=digest)
            except Refusal as refusal:
                refusals.append(refusal)

        return work

    threads = [threading.Thread(target=attempt(who)) for who in (at.bob, at.cat)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # On Postgres the second may be told that the release moved; it looks again and signs.
    for who in (at.bob, at.cat):
        if refusals and at.state(made) == "requested" and len(at.detail(made).signatures) < 2:
            try:
                sign(at, who, made)
            except NothingToSign:
                continue
    assert (at.state(made), at.live()) == ("watching", 2)
    assert at.kinds(made).count("live") == 1
