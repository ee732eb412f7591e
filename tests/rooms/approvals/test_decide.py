"""Answering a request: who may, what it must say, and that one answer wins."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from signoff.approvals.actions import decide, expire, withdraw_for_run
from signoff.approvals.actions.decide import Decided
from signoff.approvals.binding import binding_of
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow, Refusal
from signoff.people.access import Principal, system
from signoff.record.actor import SYSTEM
from signoff.runs.actions import cancel_run, end_cancelled, stop_agent
from signoff.tables.approvals import ApprovalVote, Endorsement
from signoff.tables.people import Member
from signoff.tables.runs import Step
from tests.rooms.approvals.kit_approvals import ARGS, TOOL, Desk


def say(desk: Desk, who: Principal, approval: str, verdict: Any = "approve", **more: Any) -> Decided:
    with desk.store.write() as session:
        return decide(session, who, approval, verdict=verdict, **more)


def refused(desk: Desk, who: Principal, approval: str, kind: type[Refusal], verdict: Any = "approve", **more: Any):
    """Answer, which must be refused and change nothing; return the refusal."""
    before = desk.row(approval)
    with pytest.raises(kind) as caught:
        say(desk, who, approval, verdict, **more)
    after = desk.row(approval)
    assert (after.state, after.decided_by, after.decided_at) == (before.state, before.decided_by, before.decided_at)
    return caught.value


def test_an_approval_lets_the_run_go_on_with_the_arguments_that_were_asked_about(desk: Desk):
    approval = desk.asked()
    decided = say(desk, desk.bob, approval, reason="fine")
    assert (decided.state, decided.votes, decided.is_resumed) == ("approved", 1, True)
    row, run = desk.row(approval), desk.run_row(approval)
    assert (row.state, row.decided_by, row.decided_by_name, row.via) == ("approved", desk.bob.id, "Bob", "api")
    answer = desk.answer(approval)
    assert answer is not None
    assert (answer["outcome"], answer["args"]) == ("approved", None)
    assert (run.state, run.leg, run.waiting_for) == ("waiting", 2, None)
    assert {"run_id": run.id, "leg": 2} in desk.sent("run.start")
    assert desk.sent("approval.answered") == [{"approval": approval}]


def test_the_audit_names_who_decided_what_and_to_what_it_is_bound(desk: Desk):
    approval = desk.asked()
    say(desk, desk.carol, approval, via="slack")
    (row,) = desk.audited("approval.approved")
    assert (row.actor_id, row.actor_name, row.run_id) == (desk.carol.id, "Carol", desk.row(approval).run_id)
    bound = binding_of(TOOL, ARGS, revision_id=desk.row(approval).revision_id, run_id=desk.row(approval).run_id)
    assert (row.detail["binding"], row.detail["via"]) == (bound, "slack")


def test_a_denial_reaches_the_model_with_its_reason_and_the_step_says_so(desk: Desk):
    approval = desk.asked(reason_codes=["duplicate", "price"])
    say(desk, desk.bob, approval, "deny", reason="Paid on Monday.", reason_code="duplicate")
    answer, row = desk.answer(approval), desk.row(approval)
    assert answer is not None
    assert answer["outcome"] == "denied"
    assert answer["reason"] == "Bob denied this: duplicate: Paid on Monday."
    with desk.store.read() as session:
        step = session.scalars(select(Step).where(Step.run_id == row.run_id, Step.kind == "tool")).one()
    assert (step.state, step.code, step.reason) == ("refused", "denied", answer["reason"])


def test_a_denial_wants_a_reason_where_the_gate_does_and_a_code_that_it_lists(desk: Desk):
    approval = desk.asked(reason_codes=["duplicate"])
    assert "reason" in refused(desk, desk.bob, approval, Malformed, "deny").errors
    assert "reason" in refused(desk, desk.bob, approval, Malformed, "deny", reason="  ").errors
    wrong = refused(desk, desk.bob, approval, Malformed, "deny", reason="x", reason_code="mood")
    assert "reason_code" in wrong.errors
    optional = desk.asked(desk.run(desk.alice, "Second."), denial_reason="optional")
    assert say(desk, desk.bob, optional, "deny").state == "denied"


def test_an_answer_of_another_kind_is_refused(desk: Desk):
    assert "verdict" in refused(desk, desk.bob, desk.asked(), Malformed, "answer").errors


def test_who_is_not_asked_may_not_answer_and_who_may_not_see_it_learns_nothing(desk: Desk):
    approval = desk.asked()
    assert refused(desk, desk.alice, approval, NotAllowed).code == "not_asked"
    assert refused(desk, desk.dave, approval, NotAllowed).code == "not_asked"
    refused(desk, desk.erin, approval, NotFound)
    stranger = Principal("member", "mem_s", "S", "ws_other", "owner")
    refused(desk, stranger, approval, NotFound)


def test_the_product_itself_and_a_service_account_are_nobody_who_can_answer(desk: Desk):
    approval = desk.asked()
    assert refused(desk, system(desk.at.workspace_id), approval, NotAllowed).code == "not_a_member"
    account = Principal("service_account", "sa_1", "Robot", desk.at.workspace_id, "administrator")
    assert refused(desk, account, approval, NotAllowed).code == "not_a_member"


def test_a_key_without_the_scope_may_not_answer_for_its_member(desk: Desk):
    approval = desk.asked()
    narrow = replace(desk.bob, kind="key", key_id="key_1", scopes=frozenset(("approval.read",)))
    refused(desk, narrow, approval, NotAllowed)
    wide = replace(desk.bob, kind="key", key_id="key_1", scopes=frozenset(("approval.read", "approval.decide")))
    assert say(desk, wide, approval).state == "approved"
    assert desk.audited("approval.approved")[0].detail["by_key"] == "key_1"


def test_who_was_removed_since_may_not_answer(desk: Desk):
    approval = desk.asked()
    with desk.store.write() as session:
        session.get_one(Member, desk.bob.id).state = "removed"
    refused(desk, desk.bob, approval, NotAllowed)
    assert (desk.row(approval).state, desk.answer(approval)) == ("pending", None)


def test_the_second_answer_changes_nothing_and_says_who_was_first_and_when(desk: Desk):
    approval = desk.asked()
    say(desk, desk.bob, approval)
    late = refused(desk, desk.carol, approval, NotNow, "deny", reason="no")
    moment = desk.row(approval).decided_at
    assert moment is not None
    assert late.code == "answered_already"
    assert f"Bob approved it at {moment:%Y-%m-%d %H:%M:%S} UTC" in late.detail
    assert (late.extra["by"], late.extra["at"]) == ("Bob", moment.isoformat())
    assert (desk.answer(approval) or {})["outcome"] == "approved"


def test_of_two_who_answer_at_once_exactly_one_wins(desk: Desk):
    approval = desk.asked()
    start, said = threading.Barrier(2), list[str]()

    def one(who: Principal, verdict: str) -> None:
        start.wait()
        try:
            say(desk, who, approval, verdict, reason="r")
            said.append(verdict)
        except NotNow as late:
            said.append(late.code)

    both = [threading.Thread(target=one, args=pair) for pair in ((desk.bob, "approve"), (desk.carol, "deny"))]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    (won,) = [word for word in said if word in ("approve", "deny")]
    assert sorted(said) == sorted([won, "answered_already"])
    assert desk.row(approval).state == {"approve": "approved", "deny": "denied"}[won]
    assert [payload["leg"] for payload in desk.sent("run.start") if payload["leg"] > 1] == [2]


def test_a_quorum_waits_for_enough_and_a_second_vote_of_one_person_is_refused(desk: Desk):
    approval = desk.asked(quorum=2)
    first = say(desk, desk.bob, approval)
    assert (first.state, first.votes, first.quorum, first.is_resumed) == ("pending", 1, 2, False)
    assert desk.run_row(approval).waiting_for == "approval"
    assert refused(desk, desk.bob, approval, NotNow).code == "answered_before"
    assert say(desk, desk.carol, approval).state == "approved"
    assert [row.actor_name for row in desk.audited("approval.voted") + desk.audited("approval.approved")] == [
        "Bob", "Carol",
    ]  # fmt: skip


def test_one_denial_denies_whatever_the_quorum(desk: Desk):
    approval = desk.asked(quorum=2)
    say(desk, desk.bob, approval)
    assert say(desk, desk.carol, approval, "deny", reason="no").state == "denied"


def test_where_several_must_agree_none_changes_the_arguments(desk: Desk):
    approval = desk.asked(quorum=2)
    assert "args" in refused(desk, desk.bob, approval, Malformed, args={**ARGS, "amount": 1}).errors


def test_edited_arguments_are_what_is_approved_and_kept_as_a_difference(desk: Desk):
    approval = desk.asked()
    asked_binding = desk.row(approval).binding
    edited = {**ARGS, "amount": 90}
    say(desk, desk.bob, approval, args=edited)
    row = desk.row(approval)
    assert row.decision["changes"] == [{"name": "amount", "before": 900, "after": 90}]
    assert row.decision["asked_binding"] == asked_binding
    assert row.binding == binding_of(TOOL, edited, revision_id=row.revision_id, run_id=row.run_id) != asked_binding
    assert (desk.answer(approval) or {})["args"] == edited


@pytest.mark.parametrize(
    "args",
    [
        {**ARGS, "amount": "much"},  # not what the tool takes
        {**ARGS, "amount": -1},
        {**ARGS, "amount": 5001},  # more than the revision allows
        {"to": "x", "note": "the amount is missing"},
    ],
)
def test_edited_arguments_must_fit_the_tool_and_the_revision(desk: Desk, args: dict[str, Any]):
    refusal = refused(desk, desk.bob, desk.asked(), Malformed, args=args)
    assert "amount" in str(refusal.errors["args"])


def test_a_gate_may_forbid_edits(desk: Desk):
    approval = desk.asked(may_edit=False)
    refused(desk, desk.bob, approval, Malformed, args={**ARGS, "amount": 1})
    assert say(desk, desk.bob, approval, args=dict(ARGS)).state == "approved"


def test_a_value_is_accepted_for_the_run_where_it_was_asked_about(desk: Desk):
    approval = desk.asked(may_endorse=["to"])
    # The gate would ask again for the same value: accepting it would promise what does not hold.
    assert "would change nothing" in refused(desk, desk.bob, approval, Malformed, endorse=["to"]).detail
    desk.change(approval, asked_by_policy="flow")
    refused(desk, desk.bob, approval, Malformed, endorse=["note"])
    say(desk, desk.bob, approval, endorse=["to"])
    with desk.store.read() as session:
        (kept,) = session.scalars(select(Endorsement)).all()
    row = desk.row(approval)
    assert (kept.run_id, kept.value, kept.by_name) == (row.run_id, "ap@supplier.example", "Bob")
    assert row.decision["endorsed"] == ["to"]


def test_who_started_the_run_may_not_approve_it_also_when_the_row_says_they_are_asked(desk: Desk):
    approval = desk.asked(desk.run(desk.bob), self_approval="allowed")
    desk.change(approval, rule={**desk.row(approval).rule, "self_approval": "never"})
    assert refused(desk, desk.bob, approval, NotAllowed).code == "not_by_you"
    desk.change(approval, rule={**desk.row(approval).rule, "self_approval": "alone"})
    assert refused(desk, desk.bob, approval, NotAllowed).code == "not_by_you"


def test_who_froze_the_revision_may_not_approve_it_under_four_eyes(desk: Desk):
    approval = desk.asked(desk.run(desk.erin), asks=["owner"])
    desk.change(approval, rule={**desk.row(approval).rule, "not_author": True})
    assert refused(desk, desk.alice, approval, NotAllowed).code == "not_by_you"


def test_the_second_denial_at_a_gate_ends_the_run_and_its_owner_is_told(desk: Desk):
    run = desk.run()
    first, second = desk.ask(run, "c1"), desk.ask(run, "c2")
    desk.wait(run, "c1", "c2")
    say(desk, desk.bob, first, "deny", reason="no")
    assert not desk.sent("alert.raise")
    say(desk, desk.bob, second, "deny", reason="no again")
    answer = desk.answer(second)
    assert answer is not None
    assert (answer["outcome"], answer["code"]) == ("denied_final", "denied")
    assert desk.sent("alert.raise")[0]["kind"] == "approval_denied_again"


def test_denials_at_another_gate_do_not_count(desk: Desk):
    run = desk.run()
    first, second = desk.ask(run, "c1"), desk.ask(run, "c2", name="other")
    desk.wait(run, "c1", "c2")
    for one in (first, second):
        say(desk, desk.bob, one, "deny", reason="no")
        assert (desk.answer(one) or {})["outcome"] == "denied"


def test_several_calls_of_one_turn_are_answered_in_any_order(desk: Desk):
    run = desk.run()
    first, second = desk.ask(run, "c1"), desk.ask(run, "c2")
    desk.wait(run, "c1", "c2")
    assert desk.run_row(first).reason == "r"
    assert say(desk, desk.bob, second, "deny", reason="no").is_resumed is False
    assert desk.run_row(first).reason == "Somebody has to approve one call before it goes on. Nothing runs meanwhile."
    assert say(desk, desk.carol, first).is_resumed is True


def test_an_answer_to_a_run_that_is_over_is_refused_and_the_request_is_withdrawn(desk: Desk):
    approval = desk.asked()
    run = desk.row(approval).run_id
    with desk.store.write() as session:
        cancel_run(session, desk.alice, run)
    assert refused(desk, desk.bob, approval, NotNow).code == "run_over"
    assert desk.sent("run.called_off") == [{"run_id": run}]
    with desk.store.write() as session:
        assert withdraw_for_run(session, run, reason="its run was called off") == 1
    row = desk.row(approval)
    assert (row.state, row.reason) == ("withdrawn", "its run was called off")
    assert refused(desk, desk.bob, approval, NotNow).code == "answered_already"


def test_a_late_answer_is_told_who_called_the_run_off_and_why(desk: Desk):
    approval = desk.asked()
    run = desk.row(approval).run_id
    with desk.store.write() as session:
        cancel_run(session, desk.alice, run, reason="It was sent twice.")
    before = refused(desk, desk.bob, approval, NotNow)
    assert f"{desk.alice.name} called it off: It was sent twice." in before.detail
    with desk.store.write() as session:
        withdraw_for_run(session, run, reason="its run is cancelled")
    after = refused(desk, desk.bob, approval, NotNow)
    assert after.detail.startswith(f"{desk.alice.name} withdrew it at ")
    assert after.detail.endswith(": its run was called off: It was sent twice. Nothing was changed.")
    assert (after.extra["by"], after.extra["reason"]) == (desk.alice.name, "its run was called off: It was sent twice.")


def test_a_late_answer_is_told_who_stopped_the_agent_and_why(desk: Desk):
    approval = desk.asked()
    with desk.store.write() as session:
        stop_agent(session, desk.alice, desk.agent_id, reason="It pays the wrong people.")
    late = refused(desk, desk.bob, approval, NotNow)
    assert late.detail.startswith(f"{desk.alice.name} withdrew it at ")
    assert "its run was called off: It pays the wrong people. Nothing was changed." in late.detail


def test_a_late_answer_is_told_of_a_stop_that_ended_a_run_at_work(desk: Desk):
    run = desk.run()
    approval = desk.ask(run)
    with desk.store.write() as session:
        stop_agent(session, desk.alice, desk.agent_id, reason="It pays the wrong people.")
        end_cancelled(session, run, 1, by=SYSTEM, code="cancelled", reason="It pays the wrong people.")
        withdraw_for_run(session, run, reason="its run is cancelled")
    late = refused(desk, desk.bob, approval, NotNow)
    assert late.detail.startswith(f"{desk.alice.name} withdrew it at ")
    assert "It pays the wrong people." in late.detail


def due(desk: Desk, approval: str) -> None:
    desk.change(approval, deadline_at=clock.now(), next_at=clock.now())


def test_after_its_deadline_nobody_answers_and_the_agent_is_told(desk: Desk):
    approval = desk.asked()
    with desk.store.write() as session:
        assert expire(session, approval) is False
    due(desk, approval)
    assert refused(desk, desk.bob, approval, NotNow).code == "deadline_passed"
    with desk.store.write() as session:
        assert expire(session, approval) is True
        assert expire(session, approval) is False
    answer = desk.answer(approval)
    assert answer is not None
    assert (desk.row(approval).state, answer["outcome"], desk.run_row(approval).leg) == ("expired", "expired", 2)
    assert desk.sent("approval.expired") == [{"approval": approval}]
    assert "expired" in refused(desk, desk.bob, approval, NotNow).detail


def test_a_deadline_may_end_the_run(desk: Desk):
    approval = desk.asked(on_deadline="fail")
    due(desk, approval)
    with desk.store.write() as session:
        expire(session, approval)
    answer = desk.answer(approval)
    assert answer is not None
    assert (answer["outcome"], answer["code"]) == ("expired_final", "approval_expired")


def test_a_deadline_may_only_alert_and_an_answer_still_counts(desk: Desk):
    approval = desk.asked(on_deadline="wait")
    due(desk, approval)
    with desk.store.write() as session:
        assert expire(session, approval) is True
        assert expire(session, approval) is False
    row = desk.row(approval)
    assert (row.state, row.is_degraded, row.next_at) == ("pending", True, None)
    assert [alert["kind"] for alert in desk.sent("alert.raise")] == ["approval_unanswered"]
    assert say(desk, desk.bob, approval).state == "approved"
    assert desk.sent("alert.resolve") == [{"key": f"approval:{approval}"}]


def test_at_the_very_moment_of_the_deadline_either_the_answer_or_the_deadline_counts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    approval = desk.asked()
    deadline = desk.row(approval).deadline_at
    assert deadline is not None
    monkeypatch.setattr(clock, "now", lambda: deadline - timedelta(microseconds=1))
    with desk.store.write() as session:
        assert expire(session, approval) is False
    monkeypatch.setattr(clock, "now", lambda: deadline)
    assert refused(desk, desk.bob, approval, NotNow).code == "deadline_passed"
    with desk.store.write() as session:
        assert expire(session, approval) is True


def test_an_answer_and_the_deadline_at_once_leave_one_ending(desk: Desk):
    approval = desk.asked(on_deadline="deny")
    start, ends = threading.Barrier(2), list[str]()
    due(desk, approval)

    def answer() -> None:
        start.wait()
        try:
            ends.append(say(desk, desk.bob, approval).state)
        except NotNow as late:
            ends.append(late.code)

    def end() -> None:
        start.wait()
        with desk.store.write() as session:
            ends.append(str(expire(session, approval)))

    both = [threading.Thread(target=answer), threading.Thread(target=end)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert "True" in ends
    assert desk.row(approval).state == "expired"
    assert len(desk.sent("approval.expired")) == 1


def test_an_amount_is_only_for_money(desk: Desk):
    assert "amount_usd" in refused(desk, desk.bob, desk.asked(), Malformed, amount_usd=Decimal(5)).errors


def test_every_vote_is_kept_with_who_cast_it(desk: Desk):
    approval = desk.asked(quorum=2)
    say(desk, desk.carol, approval, reason="ok")
    with desk.store.read() as session:
        (vote,) = session.scalars(select(ApprovalVote)).all()
    assert (vote.member_id, vote.member_name, vote.verdict, vote.reason) == (desk.carol.id, "Carol", "approve", "ok")
