"""Messages to webhooks: who gets which, what they hold, when they are tried again, and when an address is given up."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from signoff.approvals.actions import withdraw_for_run
from signoff.kit import clock
from signoff.kit.errors import NotNow
from signoff.people.access import system
from signoff.record.alarms import RAISE, RESOLVE
from signoff.record.happenings import EVENT_WORDS, EVENTS, FACTS, HAPPENED
from signoff.runs import actions as runs
from signoff.runs.actions.batch import call_off_batch
from signoff.settings import Settings
from signoff.tables.runs import Run
from signoff.tables.session import Store
from signoff.watch.actions import raise_alert, resolve_by_key
from signoff.webhooks import actions, deliveries, queries, states
from tests.kit_hook import Heard
from tests.rooms.approvals import kit_approvals
from tests.rooms.webhooks.kit_webhooks import ADDRESS, Desk, fail_a_run, make_desk


@pytest.fixture
def desk(store: Store, settings: Settings) -> Desk:
    return make_desk(store, settings)


def test_nothing_is_left_where_nobody_listens(desk: Desk) -> None:
    fail_a_run(desk)
    made = desk.webhook()
    desk.write(actions.disable_webhook, desk.owner, made.id)
    fail_a_run(desk)
    assert desk.sent(HAPPENED) == []


def test_a_failed_run_is_told_in_ids_and_codes_and_in_nobodys_words(desk: Desk) -> None:
    desk.webhook()
    run = fail_a_run(desk)
    assert desk.plan() == 1
    assert desk.plan() == 0  # Handled twice, it is told once.
    (row,) = desk.rows()
    body = json.loads(row.body)
    assert (body["type"], body["id"]) == ("run.failed", row.event_id)
    assert (body["data"]["id"], body["data"]["code"], body["data"]["state"]) == (run, "provider_error", "failed")
    assert body["data"]["agent"]["slug"] == "supplier-mail"
    assert body["data"]["environment"] == "production"
    assert body["data"]["link"] == f"{ADDRESS}/w/acme/runs/{run}"
    assert "TEXT" not in row.body


def test_a_webhook_hears_of_its_events_and_its_agents_only(desk: Desk) -> None:
    desk.webhook("run.completed", name="Wants another kind")
    desk.webhook("run.failed", name="Of another agent", agents=["other"])
    desk.webhook("run.failed", name="Of all")
    fail_a_run(desk)
    assert desk.plan() == 1
    fail_a_run(desk, "other")
    assert desk.plan() == 2


def test_one_workspace_hears_nothing_of_another(desk: Desk, settings: Settings) -> None:
    desk.webhook(*EVENTS)
    fail_a_run(make_desk(desk.store, settings, "beta"))
    assert desk.plan() == 0


def test_alerts_are_told_when_they_open_and_end_not_each_time_they_count(desk: Desk) -> None:
    desk.webhook("alert.raised", "alert.resolved")
    for _ in range(3):
        with desk.store.write() as session:
            raise_alert(session, desk.at.workspace_id, key="k", kind="provider_failing", text="Some WORDS of others")
    with desk.store.write() as session:
        assert resolve_by_key(session, desk.at.workspace_id, "k")
    assert desk.plan() == 2
    told = [(body["type"], body["data"]["kind"]) for body in desk.bodies()]
    assert told == [("alert.raised", "provider_failing"), ("alert.resolved", "provider_failing")]
    assert all("WORDS" not in row.body for row in desk.rows())


def test_runs_called_off_together_are_told_each(desk: Desk) -> None:
    desk.webhook("run.cancelled", "run.rejected")
    with desk.store.write() as session:
        asked = [runs.request_run(session, desk.owner, agent="supplier-mail", input="x").id for _ in range(3)]
    with desk.store.write() as session:
        bounds = [Run.id.in_(asked)]
        call_off_batch(session, bounds, reason="enough", size=10, by="mem_x", by_name="X")
    desk.plan()
    assert {body["data"]["id"] for body in desk.bodies() if body["type"] == "run.cancelled"} == set(asked)


def test_a_request_is_told_without_its_words(store: Store, settings: Settings) -> None:
    office = kit_approvals.make_desk(store)
    desk = Desk(store, make_desk(store, settings, "beta").vault, office.at, system(office.at.workspace_id))
    desk.webhook("approval.requested", "approval.withdrawn")
    approval = office.asked()
    with store.write() as session:
        withdraw_for_run(session, office.row(approval).run_id, reason="over")
    assert desk.plan() == 2
    first, second = desk.bodies()
    assert (first["type"], first["data"]["gate"]) == ("approval.requested", "payments")
    assert first["data"]["link"] == f"{ADDRESS}/w/acme/inbox/{approval}"
    assert (second["type"], second["data"]["state"]) == ("approval.withdrawn", "withdrawn")
    assert "Pay 900" not in str(desk.bodies())
    assert "supplier.example" not in str(desk.bodies())


def test_what_is_sent_is_signed_and_after_a_new_secret_by_both_until_the_overlap_is_over(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = desk.webhook()
    fail_a_run(desk)
    desk.plan()
    (row,) = desk.rows()

    def sent() -> Heard:
        parcel = desk.take(row.id)
        assert parcel is not None
        return Heard(dict(parcel.headers), parcel.body, 0)

    first = sent()
    assert first.headers["webhook-id"] == row.event_id
    assert first.is_signed_by(made.secret)
    assert not Heard(first.headers, first.body + b" ", 0).is_signed_by(made.secret)
    again = desk.write(actions.rotate_secret, desk.owner, desk.vault, made.id, overlap_seconds=60)
    assert again.secret != made.secret
    assert (sent().is_signed_by(made.secret), sent().is_signed_by(again.secret)) == (True, True)
    assert desk.read(queries.webhook, desk.owner, made.id).overlap_until is not None
    later = clock.now() + timedelta(seconds=61)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert (sent().is_signed_by(made.secret), sent().is_signed_by(again.secret)) == (False, True)
    assert desk.read(queries.webhook, desk.owner, made.id).overlap_until is None


def planned(desk: Desk) -> str:
    fail_a_run(desk)
    desk.plan()
    return desk.rows()[-1].id


@pytest.mark.parametrize("status", [500, 503, 429, 408, 425, None])
def test_what_may_be_taken_later_is_tried_again_later_each_time(desk: Desk, status: int | None) -> None:
    desk.webhook()
    delivery = planned(desk)
    pauses: list[float] = []
    for _ in range(states.ATTEMPTS_MAX):
        before = clock.now()
        assert desk.take(delivery) is not None
        desk.note(delivery, status, error="Nobody was there.")
        pauses.append((desk.rows()[0].due_at - before).total_seconds())
    (row,) = desk.rows()
    assert (row.state, row.attempts, row.status) == ("failed", states.ATTEMPTS_MAX, status)
    assert all(pause >= planned / 2 for pause, planned in zip(pauses, states.PAUSES_SECONDS, strict=False))
    assert desk.take(delivery) is None
    assert desk.hook().failures == states.ATTEMPTS_MAX


def test_a_retry_after_is_waited_for_and_bounded(desk: Desk) -> None:
    desk.webhook()
    delivery = planned(desk)
    desk.take(delivery)
    before = clock.now()
    desk.note(delivery, 429, retry_after=900.0)
    assert timedelta(seconds=900) <= desk.rows()[0].due_at - before
    desk.take(delivery)
    desk.note(delivery, 503, retry_after=10_000_000.0)
    assert desk.rows()[0].due_at - before <= timedelta(days=2)


@pytest.mark.parametrize("status", [301, 400, 401, 404])
def test_what_is_refused_for_good_is_not_tried_again(desk: Desk, status: int) -> None:
    desk.webhook()
    delivery = planned(desk)
    desk.take(delivery)
    desk.note(delivery, status, answer="no\x00body")
    (row,) = desk.rows()
    assert (row.state, row.status, row.attempts) == ("failed", status, 1)
    assert (row.answer or "").startswith("no")


def test_an_address_that_takes_nothing_for_days_is_switched_off_and_told(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = desk.webhook()
    delivery = planned(desk)
    for _ in range(states.ATTEMPTS_MAX - 1):
        desk.take(delivery)
        desk.note(delivery, 500)
    assert desk.hook().state == "on"
    waiting = planned(desk)
    later = clock.now() + states.OFF_AFTER
    monkeypatch.setattr(clock, "now", lambda: later)
    desk.take(delivery)
    desk.note(delivery, 500)
    hook = desk.hook()
    assert (hook.state, "took nothing since" in (hook.off_reason or "")) == ("off", True)
    assert [one.payload["kind"] for one in desk.sent(RAISE)] == ["webhook_switched_off"]
    assert "webhook.switched_off" in desk.audited()
    assert desk.take(waiting) is None
    assert desk.rows()[-1].state == "dropped"
    desk.write(actions.enable_webhook, desk.owner, made.id)
    assert desk.hook().off_reason is None
    assert "webhook_switched_off" in str([one.payload for one in desk.sent(RESOLVE)])
    desk.write(actions.send_again, desk.owner, made.id, waiting)
    parcel = desk.take(waiting)
    assert parcel is not None
    assert parcel.headers["webhook-id"] == desk.rows()[-1].event_id


def test_one_answer_of_410_is_enough_to_switch_off(desk: Desk) -> None:
    desk.webhook()
    delivery = planned(desk)
    desk.take(delivery)
    desk.note(delivery, 410)
    assert desk.hook().state == "off"


def test_success_ends_a_row_of_failures(desk: Desk) -> None:
    desk.webhook()
    delivery = planned(desk)
    desk.take(delivery)
    desk.note(delivery, 500)
    assert desk.hook().failing_since is not None
    desk.take(delivery)
    desk.note(delivery, 204)
    assert (desk.hook().failures, desk.hook().failing_since, desk.rows()[0].state) == (0, None, "delivered")


def test_a_message_that_was_delivered_can_be_sent_again_and_one_under_way_cannot(desk: Desk) -> None:
    made = desk.webhook()
    delivery = planned(desk)
    with pytest.raises(NotNow, match="on its way"):
        desk.write(actions.send_again, desk.owner, made.id, delivery)
    desk.take(delivery)
    desk.note(delivery, 200)
    desk.write(actions.send_again, desk.owner, made.id, delivery)
    assert desk.take(delivery) is not None


def test_a_test_is_sent_also_while_it_is_off_and_its_failure_counts_for_nothing(desk: Desk) -> None:
    made = desk.webhook()
    desk.write(actions.disable_webhook, desk.owner, made.id)
    delivery = desk.write(actions.send_test, desk.owner, made.id, address=ADDRESS)
    parcel = desk.take(delivery)
    assert parcel is not None
    assert json.loads(parcel.body)["type"] == "webhook.test"
    desk.note(delivery, 404)
    assert desk.hook().failures == 0


def test_too_many_that_wait_are_not_kept_and_that_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "WAITING_MAX", 2)
    desk.webhook()
    for _ in range(3):
        fail_a_run(desk)
    desk.plan()
    assert len(desk.rows()) == 2
    assert [one.payload["kind"] for one in desk.sent(RAISE)] == ["webhook_overfull"]


def test_messages_that_ended_long_ago_are_let_go(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.webhook()
    ended, waiting = planned(desk), planned(desk)
    desk.take(ended)
    desk.note(ended, 200)
    later = clock.now() + deliveries.KEPT + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    with desk.store.write() as session:
        assert deliveries.forget(session) == 1
    assert [row.id for row in desk.rows()] == [waiting]


def test_every_event_has_its_words() -> None:
    assert set(EVENT_WORDS) == set(EVENTS)
    assert all(len(event) <= 32 for event in EVENTS)


def test_a_message_holds_nothing_that_the_reference_does_not_name(desk: Desk) -> None:
    desk.webhook(*EVENTS)
    fail_a_run(desk)
    with desk.store.write() as session:
        raise_alert(session, desk.at.workspace_id, key="k", kind="provider_failing", text="Words")
    desk.plan()
    assert len(desk.bodies()) == 2
    for body in desk.bodies():
        assert set(body) == {"id", "type", "timestamp", "workspace", "data"}
        known = {"id", "link", "agent", "environment", *FACTS[body["type"].partition(".")[0]]}
        assert set(body["data"]) <= known
