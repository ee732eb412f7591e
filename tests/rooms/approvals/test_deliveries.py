"""Who is told of a request through what, and what becomes of each message."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from signoff.approvals.actions import decide, delegate
from signoff.approvals.actions.channels import add_channel, remove_channel
from signoff.approvals.channels import channels_of
from signoff.approvals.deliveries import note_not_sent, note_sent, of_request, plan
from signoff.approvals.parcels import Parcel, parcel
from signoff.connections.keys import load_keys
from signoff.connections.secrets import Vault
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound
from signoff.people.access import Principal
from signoff.settings import Settings
from signoff.tables.notices import ApprovalDelivery, NoticeChannel
from tests.rooms.approvals.kit_approvals import Desk

SECRET = "https://hooks.example.com/services/very-secret"


@pytest.fixture
def vault(settings: Settings) -> Vault:
    return Vault(load_keys(settings))


def channel(desk: Desk, vault: Vault, who: Principal, kind: str = "slack", target: str = SECRET, **more: Any) -> str:
    with desk.store.write() as session:
        return add_channel(session, who, vault, kind=kind, name=f"my {kind}", target=target, **more)


def planned(desk: Desk, approval: str, event: str = "requested", **more: Any) -> int:
    with desk.store.write() as session:
        return plan(session, approval, event, **{"has_mail": True, **more})


def deliveries(desk: Desk, approval: str) -> list[ApprovalDelivery]:
    with desk.store.read() as session:
        found = select(ApprovalDelivery).where(ApprovalDelivery.approval_id == approval)
        return list(session.scalars(found.order_by(ApprovalDelivery.id)))


def taken(desk: Desk, vault: Vault, delivery: str) -> Parcel | None:
    with desk.store.write() as session:
        return parcel(session, vault, delivery, address="https://signoff.example.com")


def test_who_has_no_channel_is_mailed_and_who_has_one_is_told_there(desk: Desk, vault: Vault):
    channel(desk, vault, desk.bob)
    approval = desk.asked()
    assert planned(desk, approval) == 2
    assert planned(desk, approval) == 0
    found = {(one.kind, one.member_id) for one in deliveries(desk, approval)}
    assert found == {("slack", desk.bob.id), ("mail", desk.carol.id)}
    assert len(desk.sent("approval.deliver")) == 2


def test_without_mail_nobody_is_mailed(desk: Desk):
    approval = desk.asked()
    assert planned(desk, approval, has_mail=False) == 0


def test_an_agents_channel_is_told_too_and_not_reminded(desk: Desk, vault: Vault):
    channel(desk, vault, desk.alice, "webhook", agent="payer")
    approval = desk.asked()
    planned(desk, approval)
    planned(desk, approval, "reminded:1")
    assert [one.event for one in deliveries(desk, approval) if one.kind == "webhook"] == ["requested"]


def test_whoever_it_is_given_to_is_told_alone(desk: Desk):
    approval = desk.asked()
    with desk.store.write() as session:
        delegate(session, desk.bob, approval, to_member_id=desk.erin.id, reason="She knows.")
    assert planned(desk, approval, member_id=desk.erin.id) == 1
    assert [one.member_id for one in deliveries(desk, approval)] == [desk.erin.id]


def test_the_mail_says_what_it_is_about_and_holds_a_link_of_ones_own(desk: Desk, vault: Vault):
    approval = desk.asked(title="x")
    planned(desk, approval)
    mails = [taken(desk, vault, one.id) for one in deliveries(desk, approval)]
    texts = {mail.target: mail.text for mail in mails if mail is not None}
    assert set(texts) == {f"{name}@{desk.at.workspace_id}.example" for name in ("bob", "carol")}
    mine = texts[f"bob@{desk.at.workspace_id}.example"]
    links = [text.split("/decide/")[1].split()[0] for text in texts.values()]
    assert len(set(links)) == 2
    assert "ap@supplier.example" in mine
    assert f"/inbox/{approval}" in mine
    assert links[0] not in str([one.__dict__ for one in deliveries(desk, approval)])


def test_what_was_answered_meanwhile_is_not_sent(desk: Desk, vault: Vault):
    approval = desk.asked()
    planned(desk, approval)
    with desk.store.write() as session:
        decide(session, desk.bob, approval, verdict="approve")
    for one in deliveries(desk, approval):
        assert taken(desk, vault, one.id) is None
    assert {one.state for one in deliveries(desk, approval)} == {"dropped"}


def test_who_has_voted_is_not_told_any_more(desk: Desk, vault: Vault):
    approval = desk.asked(quorum=2)
    planned(desk, approval)
    with desk.store.write() as session:
        decide(session, desk.bob, approval, verdict="approve")
    states = {}
    for one in deliveries(desk, approval):
        taken(desk, vault, one.id)
    states = {one.member_id: one.state for one in deliveries(desk, approval)}
    assert states == {desk.bob.id: "dropped", desk.carol.id: "sending"}


def test_a_digest_goes_out_once_with_all_that_was_gathered(desk: Desk, vault: Vault, monkeypatch: pytest.MonkeyPatch):
    channel(desk, vault, desk.bob, pace="hourly")
    asked = [desk.asked(desk.run(desk.alice, f"Bill {n}")) for n in range(3)]
    for one in asked:
        planned(desk, one, has_mail=False)
    rows = [deliveries(desk, one)[0] for one in asked]
    assert {row.due_at.minute for row in rows} == {0}
    later = rows[0].due_at + timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    found = taken(desk, vault, rows[0].id)
    assert found is not None
    assert [notice.about for notice in found.notices] == asked
    assert taken(desk, vault, rows[1].id) is None
    # The process died before it noted anything: the same three are sent again, by the same message.
    again = taken(desk, vault, rows[0].id)
    assert again is not None
    assert sorted(again.delivery_ids) == sorted(found.delivery_ids)
    with desk.store.write() as session:
        note_sent(session, found.delivery_ids)
    assert {deliveries(desk, one)[0].state for one in asked} == {"sent"}


def test_a_failure_is_noted_tried_again_later_each_time_and_given_up_at_last(desk: Desk, vault: Vault):
    channel(desk, vault, desk.bob)
    approval = desk.asked()
    planned(desk, approval, has_mail=False)
    (row,) = deliveries(desk, approval)
    pauses: list[float] = []
    for _ in range(12):
        found = taken(desk, vault, row.id)
        assert found is not None
        before = clock.now()
        with desk.store.write() as session:
            note_not_sent(session, found.delivery_ids, "The service is away.", is_worth_another=True)
        (row,) = deliveries(desk, approval)
        pauses.append((row.due_at - before).total_seconds())
    assert [round(one) for one in pauses[:4]] == [10, 20, 40, 80]
    assert row.state == "failed"
    with desk.store.read() as session:
        (facts,) = of_request(session, approval)
    assert (facts.state, facts.attempts, facts.last_error) == ("failed", 12, "The service is away.")
    assert taken(desk, vault, row.id) is None


def test_a_refusal_for_good_is_not_tried_again(desk: Desk, vault: Vault):
    channel(desk, vault, desk.bob)
    approval = desk.asked()
    planned(desk, approval, has_mail=False)
    (row,) = deliveries(desk, approval)
    taken(desk, vault, row.id)
    with desk.store.write() as session:
        note_not_sent(session, [row.id], "no such hook", is_worth_another=False)
    assert deliveries(desk, approval)[0].state == "failed"


def test_an_address_is_sealed_and_never_shown_again(desk: Desk, vault: Vault):
    made = channel(desk, vault, desk.bob)
    with desk.store.read() as session:
        row = session.get_one(NoticeChannel, made)
        assert b"very-secret" not in row.ciphertext
        (facts,) = channels_of(session, desk.bob)
        assert "very-secret" not in str(facts)
    assert "very-secret" not in str([row.detail for row in desk.audited("channel.added")])


def test_a_channel_is_its_owners_alone(desk: Desk, vault: Vault):
    made = channel(desk, vault, desk.bob)
    with desk.store.write() as session, pytest.raises(NotFound):
        remove_channel(session, desk.carol, made)
    with desk.store.write() as session, pytest.raises(NotAllowed):
        add_channel(session, desk.erin, vault, kind="webhook", name="x", target=SECRET, agent="payer")
    with desk.store.write() as session:
        remove_channel(session, desk.bob, made)
    with desk.store.read() as session:
        assert channels_of(session, desk.bob) == []


def test_the_messages_of_a_channel_that_was_removed_are_dropped(desk: Desk, vault: Vault):
    made = channel(desk, vault, desk.bob)
    approval = desk.asked()
    planned(desk, approval, has_mail=False)
    with desk.store.write() as session:
        remove_channel(session, desk.bob, made)
    (row,) = deliveries(desk, approval)
    assert taken(desk, vault, row.id) is None
    assert deliveries(desk, approval)[0].state == "dropped"


@pytest.mark.parametrize(
    ("kind", "target", "more"),
    [
        ("slack", "http://hooks.example.com/x", {}), ("slack", "file:///etc/passwd", {}),
        ("webhook", "https://user:pw@example.com/", {}), ("webhook", "https://example.com:22/", {}),
        ("mail", "other@example.com", {}), ("pagerduty", "short", {}), ("fax", "1", {}),
        ("slack", SECRET, {"pace": "weekly"}), ("slack", SECRET, {"quiet": ["22:00"]}),
        ("slack", SECRET, {"quiet": ["22:00", "25:00"]}), ("slack", SECRET, {"time_zone": "Moon/Base"}),
    ],
)  # fmt: skip
def test_a_channel_that_cannot_work_is_refused(desk: Desk, vault: Vault, kind: str, target: str, more: dict[str, Any]):
    with pytest.raises(Malformed) as caught:
        channel(desk, vault, desk.bob, kind, target, **more)
    assert "pw" not in caught.value.detail


def test_an_incident_is_ended_when_the_request_is(desk: Desk, vault: Vault):
    channel(desk, vault, desk.bob, "pagerduty", "R" * 32)
    approval = desk.asked()
    planned(desk, approval, has_mail=False)
    (row,) = deliveries(desk, approval)
    taken(desk, vault, row.id)
    with desk.store.write() as session:
        note_sent(session, [row.id])
        decide(session, desk.bob, approval, verdict="approve")
    assert planned(desk, approval, "answered") == 1
    found = taken(desk, vault, deliveries(desk, approval)[1].id)
    assert found is not None
    assert [notice.is_over for notice in found.notices] == [True]
