"""Asking people: who is asked, what they are shown, by when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signoff.approvals.actions import decide
from signoff.people.access import Principal
from signoff.tables.ownership import AgentOwner
from signoff.tables.people import Member
from tests.rooms.approvals.kit_approvals import ARGS, Desk, seat


def test_the_approvers_of_the_agent_are_asked(desk: Desk):
    found = desk.ask(desk.run())
    assert desk.recipients(found) == {"Bob": "approvers", "Carol": "approvers"}
    assert desk.sent("approval.requested") == [{"approval": found}]
    (row,) = desk.audited("approval.requested")
    assert (row.object_id, row.detail["gate"], row.detail["binding"]) == (found, "payments", desk.row(found).binding)


def test_asked_again_by_the_same_leg_it_is_the_same_request(desk: Desk):
    run = desk.run()
    assert desk.ask(run) == desk.ask(run)
    assert len(desk.sent("approval.requested")) == 1


@pytest.mark.parametrize(
    ("asks", "found"),
    [
        (["owner"], {"Alice": "owner"}),
        (["role:administrator"], {"Dave": "administrator"}),
        (["approvers", "role:administrator"], {"Bob": "approvers", "Carol": "approvers", "Dave": "administrator"}),
        (["backup"], {"Alice": "fallback"}),
    ],
)
def test_seats_and_roles_are_resolved_to_members(desk: Desk, asks: list[str], found: dict[str, str]):
    assert desk.recipients(desk.ask(desk.run(desk.erin), asks=asks)) == found


def test_a_member_is_asked_by_address_and_a_stranger_never(desk: Desk):
    email = f"carol@{desk.at.workspace_id}.example"
    approval = desk.ask(desk.run(), asks=[email.upper(), "nobody@elsewhere.example"])
    assert desk.recipients(approval) == {"Carol": "address"}


def test_who_started_the_run_is_not_asked_while_somebody_else_can_be(desk: Desk):
    assert desk.recipients(desk.ask(desk.run(desk.bob))) == {"Carol": "approvers"}
    both = desk.ask(desk.run(desk.bob, "Another."), self_approval="allowed")
    assert desk.recipients(both) == {"Bob": "approvers", "Carol": "approvers"}


def test_who_started_it_is_asked_when_nobody_else_is_there_unless_the_gate_forbids_it(desk: Desk):
    assert desk.recipients(desk.ask(desk.run(desk.alice), asks=["owner"])) == {"Dave": "fallback"}
    with desk.store.write() as session:
        session.get_one(Member, desk.dave.id).state = "removed"
    alone = desk.ask(desk.run(desk.alice, "Second."), asks=["owner"])
    assert desk.recipients(alone) == {"Alice": "owner"}
    never = desk.ask(desk.run(desk.alice, "Third."), asks=["owner"], self_approval="never")
    assert desk.recipients(never) == {}
    assert desk.row(never).is_degraded


def test_four_eyes_leave_out_who_froze_the_revision(desk: Desk):
    approval = desk.ask(desk.run(desk.erin), asks=["owner"], not_author=True)
    assert desk.recipients(approval) == {"Dave": "fallback"}


def test_who_declined_the_seat_or_left_is_not_asked(desk: Desk):
    with desk.store.write() as session:
        session.get_one(AgentOwner, (desk.agent_id, "approver", desk.bob.id)).state = "declined"
        seat(session, desk.agent_id, desk.at.workspace_id, "operations", desk.erin)
    assert desk.recipients(desk.ask(desk.run())) == {"Carol": "approvers"}


def test_where_too_few_can_be_asked_it_is_degraded_and_somebody_is_alerted(desk: Desk):
    approval = desk.ask(desk.run(), quorum=3)
    assert desk.row(approval).is_degraded
    (alert,) = desk.sent("alert.raise")
    assert alert["kind"] == "approval_nobody_to_ask"
    assert alert["detail"]["approval"] == approval


def test_the_deadline_is_the_gates_and_it_is_looked_at_first_for_a_reminder(desk: Desk):
    row = desk.row(desk.ask(desk.run(), deadline_minutes=90, reminders=[30]))
    assert row.deadline_at == row.created_at + timedelta(minutes=90)
    assert row.next_at == row.created_at + timedelta(minutes=30)


def _badges(card: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {badge["kind"]: badge["word"] for badge in card["badges"]}


def test_the_card_says_how_grave_it_is_and_shows_each_argument_as_it_is(desk: Desk):
    args = {**ARGS, "currency": "EUR", "to": "ap@supp\u200blier.example", "amount": 900.5}
    card = desk.row(desk.ask(desk.run(), args=args)).card
    assert _badges(card) == {
        "effect": "irreversible", "reversibility": "cannot be undone", "outside": "visible outside",
        "value": "900.5 EUR",
    }  # fmt: skip
    to = next(one for one in card["arguments"] if one["name"] == "to")
    assert to["text"] == "ap@supp⟨U+200B zero width space⟩lier.example"
    assert (to["is_plain"], to["label"], to["origin"]) == (False, "untrusted", "unknown")


def test_the_card_shows_what_became_of_such_requests_and_what_differs_from_the_last(desk: Desk):
    first = desk.asked()
    with desk.store.write() as session:
        decide(session, desk.bob, first, verdict="approve")
    denied = desk.asked(desk.run(desk.alice, "Second."))
    with desk.store.write() as session:
        decide(session, desk.bob, denied, verdict="deny", reason="twice")
    card = desk.row(desk.ask(desk.run(desk.alice, "Third."), args={**ARGS, "amount": 4000})).card
    assert card["similar"] == {"approved": 1, "denied": 1}
    assert card["last_approved"]["id"] == first
    assert card["changes"] == [{"name": "amount", "before": "900", "after": "4000"}]


def test_a_foreign_member_is_never_asked(desk: Desk):
    other = Principal("member", "mem_other", "Other", "ws_other", "owner")
    approval = desk.ask(desk.run())
    assert other.id not in {one.member_id for one in desk.seen(desk.bob, approval).recipients}
