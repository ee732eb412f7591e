"""What time brings: reminders, rungs, the deadline; each once, however many look."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from signoff.approvals.actions import acknowledge, decide
from signoff.approvals.due import due, left_over, look_again, withdraw_left_over
from signoff.kit import clock
from signoff.kit.errors import NotAllowed, NotNow
from signoff.runs.actions import cancel_run
from signoff.tables.agents import Agent
from signoff.tables.ownership import AgentOwner
from signoff.tables.runs import Run
from tests.rooms.approvals.kit_approvals import Desk, seat


class Time:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.moment = clock.now()

    def now(self) -> datetime:
        return self.moment


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    kept = Time()
    monkeypatch.setattr(clock, "now", kept.now)
    return kept


def look(desk: Desk, approval: str) -> bool:
    with desk.store.write() as session:
        return look_again(session, approval)


def after(desk: Desk, time: Time, approval: str, **delta: float) -> bool:
    """Look so long after the request was made."""
    time.moment = desk.row(approval).created_at + timedelta(**delta)
    return look(desk, approval)


def seats(desk: Desk, **kinds: Any) -> None:
    with desk.store.write() as session:
        for kind, who in kinds.items():
            seat(session, desk.agent_id, desk.at.workspace_id, kind, who)


LADDER = [{"after_minutes": 1440, "to": ["backup"]}, {"after_minutes": 2880, "to": ["escalation"]}]


def test_after_a_day_the_backup_is_asked_too_and_after_two_the_manager(desk: Desk, time: Time):
    seats(desk, backup=desk.erin, escalation=desk.dave)
    approval = desk.asked(escalation=LADDER, deadline_minutes=4320)
    assert after(desk, time, approval, hours=23.9) is False
    assert desk.recipients(approval) == {"Bob": "approvers", "Carol": "approvers"}
    assert after(desk, time, approval, hours=24) is True
    assert desk.recipients(approval)["Erin"] == "backup"
    assert desk.row(approval).level == 1
    assert after(desk, time, approval, hours=24) is False
    assert after(desk, time, approval, hours=48) is True
    assert desk.recipients(approval)["Dave"] == "escalation"
    assert desk.sent("approval.escalated") == [{"approval": approval, "level": 1}, {"approval": approval, "level": 2}]
    assert desk.row(approval).next_at == desk.row(approval).deadline_at
    assert [row.detail["level"] for row in desk.audited("approval.escalated")] == [1, 2]
    with desk.store.write() as session:
        assert decide(session, desk.erin, approval, verdict="approve").state == "approved"


def test_a_gate_without_escalation_asks_backup_and_manager_before_its_time_is_over(desk: Desk, time: Time):
    seats(desk, escalation=desk.dave)
    with desk.store.write() as session:
        session.execute(update(Agent).where(Agent.id == desk.agent_id).values(backup_id=desk.erin.id))
    approval = desk.asked(deadline_minutes=1440)
    assert after(desk, time, approval, hours=12) is True
    assert desk.recipients(approval)["Erin"] == "backup"
    assert after(desk, time, approval, hours=18) is True
    assert desk.recipients(approval)["Dave"] == "escalation"


def test_an_empty_seat_is_passed_over_in_silence(desk: Desk, time: Time):
    approval = desk.asked(deadline_minutes=1440)
    assert after(desk, time, approval, hours=18) is True
    assert desk.recipients(approval) == {"Bob": "approvers", "Carol": "approvers"}
    assert desk.sent("approval.escalated") == []
    assert desk.row(approval).level == 2


def test_reminders_come_at_their_times_and_missed_ones_come_once(desk: Desk, time: Time):
    approval = desk.asked(reminders=[30, 60, 120], deadline_minutes=600, escalation=LADDER)
    assert after(desk, time, approval, minutes=29) is False
    assert after(desk, time, approval, minutes=30) is True
    assert after(desk, time, approval, minutes=31) is False
    assert after(desk, time, approval, minutes=130) is True
    told = desk.sent("approval.reminded")
    assert [one["number"] for one in told] == [1, 3]
    assert desk.row(approval).next_at == desk.row(approval).deadline_at


def test_a_rung_in_working_hours_waits_for_them_over_a_change_of_the_clock(desk: Desk, time: Time):
    hours = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    with desk.store.write() as session:
        session.execute(
            update(AgentOwner).where(AgentOwner.kind == "approver").values(hours=hours, time_zone="Europe/Berlin")
        )
    seats(desk, backup=desk.erin)
    # Friday 16:00 in Berlin; the clock goes forward on Sunday.
    time.moment = datetime.fromisoformat("2027-03-26T15:00:00+00:00")
    rung = {"after_minutes": 120, "to": ["backup"], "in_working_hours": True}
    approval = desk.asked(escalation=[rung], deadline_minutes=20_000)
    time.moment = datetime.fromisoformat("2027-03-29T07:59:00+00:00")
    assert look(desk, approval) is True
    assert desk.sent("approval.escalated") == []
    assert desk.row(approval).next_at == datetime.fromisoformat("2027-03-29T08:00:00+00:00")
    time.moment = datetime.fromisoformat("2027-03-29T08:00:00+00:00")
    assert look(desk, approval) is True
    assert desk.recipients(approval)["Erin"] == "backup"


def test_what_is_due_is_found_until_somebody_looked(desk: Desk, time: Time):
    approval = desk.asked(reminders=[30])
    with desk.store.read() as session:
        assert due(session) == []
    time.moment += timedelta(minutes=30)
    with desk.store.read() as session:
        assert due(session) == [approval]
    look(desk, approval)
    with desk.store.read() as session:
        assert due(session) == []


def test_many_workers_that_look_at_once_remind_and_escalate_once(desk: Desk, time: Time):
    seats(desk, backup=desk.erin)
    approval = desk.asked(reminders=[60], escalation=[{"after_minutes": 60, "to": ["backup"]}])
    time.moment += timedelta(hours=1)
    start, did = threading.Barrier(4), list[bool]()

    def sweep() -> None:
        start.wait()
        did.append(look(desk, approval))

    workers = [threading.Thread(target=sweep) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(did) == [False, False, False, True]
    assert len(desk.sent("approval.reminded")) == len(desk.sent("approval.escalated")) == 1


@pytest.mark.parametrize("answers_first", [True, False])
def test_at_the_second_of_the_deadline_exactly_one_ends_it(desk: Desk, time: Time, answers_first: bool):
    approval = desk.asked()
    deadline = desk.row(approval).deadline_at
    assert deadline is not None
    time.moment = deadline
    ended: list[str] = []

    def answer() -> None:
        try:
            with desk.store.write() as session:
                ended.append(decide(session, desk.bob, approval, verdict="approve").state)
        except NotNow:
            pass

    def end() -> None:
        if look(desk, approval):
            ended.append("expired")

    for act in (answer, end) if answers_first else (end, answer):
        act()
    assert ended == ["expired"]
    assert desk.row(approval).state == "expired"
    answered = desk.answer(approval)
    assert answered is not None
    assert answered["outcome"] == "expired"


def test_a_second_before_the_deadline_the_answer_counts_and_the_deadline_finds_nothing(desk: Desk, time: Time):
    approval = desk.asked()
    deadline = desk.row(approval).deadline_at
    assert deadline is not None
    time.moment = deadline - timedelta(seconds=1)
    with desk.store.write() as session:
        assert decide(session, desk.bob, approval, verdict="approve").state == "approved"
    time.moment = deadline
    assert look(desk, approval) is False
    assert desk.row(approval).state == "approved"


def test_what_goes_on_waiting_is_degraded_until_somebody_says_that_they_see_to_it(desk: Desk, time: Time):
    approval = desk.asked(on_deadline="wait", deadline_minutes=30)
    assert after(desk, time, approval, minutes=30) is True
    assert desk.row(approval).is_degraded
    assert [alert["kind"] for alert in desk.sent("alert.raise")] == ["approval_unanswered"]
    assert after(desk, time, approval, minutes=45) is False
    with desk.store.write() as session, pytest.raises(NotAllowed):
        acknowledge(session, desk.alice, approval)
    with desk.store.write() as session:
        acknowledge(session, desk.dave, approval)
    row = desk.row(approval)
    assert (row.state, row.is_degraded) == ("pending", False)
    assert desk.sent("alert.resolve") == [{"key": f"approval:{approval}"}]
    assert [one.actor_name for one in desk.audited("approval.acknowledged")] == ["Dave"]
    with desk.store.write() as session, pytest.raises(NotNow):
        acknowledge(session, desk.dave, approval)


def test_nobody_to_ask_is_degraded_until_a_rung_finds_somebody(desk: Desk, time: Time):
    seats(desk, backup=desk.erin)
    rung = [{"after_minutes": 10, "to": ["backup"]}]
    approval = desk.asked(quorum=3, escalation=rung)
    assert desk.row(approval).is_degraded
    assert after(desk, time, approval, minutes=10) is True
    assert not desk.row(approval).is_degraded
    assert desk.sent("alert.resolve") == [{"key": f"approval:{approval}"}]


def test_a_request_whose_run_is_over_is_withdrawn_instead(desk: Desk, time: Time):
    approval = desk.asked(reminders=[30])
    with desk.store.write() as session:
        run = desk.row(approval).run_id
        session.execute(update(Run).where(Run.id == run).values(state="cancelled"))
        assert session.scalars(select(Run.state).where(Run.id == run)).one() == "cancelled"
    assert after(desk, time, approval, minutes=30) is True
    assert desk.row(approval).state == "withdrawn"


def test_a_request_that_a_crash_left_waiting_is_withdrawn_once_its_run_is_over(desk: Desk, time: Time):
    approval, fine = desk.asked(), desk.asked()
    with desk.store.write() as session:
        cancel_run(session, desk.alice, desk.row(approval).run_id, reason="Wrong month.")
        # What withdraws it may still be on its way.
        assert left_over(session) == []
    time.moment += timedelta(minutes=2)
    with desk.store.write() as session:
        assert left_over(session) == [approval]
        assert withdraw_left_over(session, fine) is False
        assert withdraw_left_over(session, approval) is True
        assert withdraw_left_over(session, approval) is False
        assert left_over(session) == []
    row = desk.row(approval)
    assert (row.state, row.reason) == ("withdrawn", "its run was called off: Wrong month.")
    assert row.decided_by_name == desk.alice.name
    assert desk.row(fine).state == "pending"
