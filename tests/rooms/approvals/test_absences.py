"""Members who are away: who is asked in their place."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signoff.approvals.absences import absences_of
from signoff.approvals.actions import come_back, decide, go_away
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotFound, NotNow
from signoff.people.access import Principal
from signoff.tables.approvals import ApprovalRecipient
from tests.rooms.approvals.kit_approvals import Desk


def away(desk: Desk, who: Principal, to: Principal, *, since: float = -1, hours: float = 48) -> str:
    moment = clock.now() + timedelta(hours=since)
    with desk.store.write() as session:
        return go_away(
            session, who, starts_at=moment, ends_at=moment + timedelta(hours=hours), delegate_id=to.id
        )  # fmt: skip


def test_what_is_asked_of_who_is_away_goes_to_whom_they_named_and_their_answer_counts(desk: Desk):
    away(desk, desk.bob, desk.erin)
    approval = desk.asked()
    assert desk.recipients(approval) == {"Erin": "absence", "Carol": "approvers"}
    with desk.store.read() as session:
        row = session.get_one(ApprovalRecipient, (approval, desk.erin.id))
        assert row.asked_for == desk.bob.id
    with desk.store.write() as session:
        assert decide(session, desk.erin, approval, verdict="approve").state == "approved"


def test_before_and_after_the_time_they_are_asked_themselves(desk: Desk):
    away(desk, desk.bob, desk.erin, since=2)
    away(desk, desk.carol, desk.erin)
    with desk.store.write() as session:
        (mine,) = absences_of(session, desk.carol)
        come_back(session, desk.carol, mine.id)
    assert desk.recipients(desk.asked()) == {"Bob": "approvers", "Carol": "approvers"}


def test_a_place_goes_on_from_one_who_is_away_to_the_next(desk: Desk):
    away(desk, desk.bob, desk.dave)
    away(desk, desk.dave, desk.erin)
    assert desk.recipients(desk.asked()) == {"Carol": "approvers", "Erin": "absence"}


def test_in_a_ring_of_absences_they_are_asked_themselves(desk: Desk):
    away(desk, desk.bob, desk.carol)
    away(desk, desk.carol, desk.bob)
    assert desk.recipients(desk.asked()) == {"Bob": "approvers", "Carol": "approvers"}


def test_who_is_asked_anyhow_is_asked_once(desk: Desk):
    away(desk, desk.bob, desk.carol)
    assert desk.recipients(desk.asked()) == {"Carol": "approvers"}


def test_who_must_not_decide_stands_in_for_nobody(desk: Desk):
    away(desk, desk.bob, desk.alice)
    assert desk.recipients(desk.asked(desk.run(desk.alice))) == {"Bob": "approvers", "Carol": "approvers"}


def test_an_absence_says_whom_and_until_when_and_two_do_not_overlap(desk: Desk):
    first = away(desk, desk.bob, desk.erin)
    with pytest.raises(NotNow):
        away(desk, desk.bob, desk.carol)
    with pytest.raises(Malformed):
        away(desk, desk.carol, desk.carol)
    with pytest.raises(Malformed):
        away(desk, desk.carol, desk.bob, since=-100, hours=1)
    with pytest.raises(Malformed):
        away(desk, desk.carol, Principal("member", "mem_other", "O", desk.at.workspace_id, "member"))
    with desk.store.write() as session, pytest.raises(NotFound):
        come_back(session, desk.carol, first)
    assert [row.detail["to"] for row in desk.audited("absence.set")] == [desk.erin.id]
