"""The inbox: what each person sees of the requests, in which order, and what the badge counts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event

from signoff.approvals import queries
from signoff.approvals.actions import decide, delegate
from signoff.approvals.facts import ApprovalFilter, ApprovalRow
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.access import Principal
from signoff.tables.agents import AgentGrant
from signoff.tables.session import Store
from tests.rooms.approvals.kit_approvals import Desk


def inbox(desk: Desk, who: Principal, wanted: ApprovalFilter | None = None, **more: Any) -> list[ApprovalRow]:
    with desk.store.read() as session:
        return list(queries.inbox(session, who, wanted, **more).rows)


def several(desk: Desk, number: int) -> list[str]:
    run = desk.run()
    return [desk.ask(run, f"c{one}") for one in range(number)]


def test_who_is_asked_and_who_answers_for_the_agent_or_the_run_see_it_and_nobody_else(desk: Desk):
    found = [desk.ask(desk.run(desk.erin))]
    for who in (desk.alice, desk.bob, desk.carol, desk.dave, desk.erin):
        assert [row.id for row in inbox(desk, who)] == found, who.name
    other = desk.ask(desk.run(desk.alice, "Another."))
    assert [row.id for row in inbox(desk, desk.erin)] == found
    with pytest.raises(NotFound):
        desk.seen(desk.erin, other)
    stranger = Principal("member", "mem_s", "S", "ws_other", "owner")
    assert inbox(desk, stranger) == []


def test_a_level_on_the_agent_lets_its_requests_be_seen(desk: Desk):
    found = desk.ask(desk.run())
    with desk.store.write() as session:
        session.add(
            AgentGrant(
                id=ids.new_id("grt"), workspace_id=desk.at.workspace_id, agent_id=desk.agent_id, holder_kind="member",
                holder_id=desk.erin.id, level="viewer", granted_by="x", granted_by_name="X", granted_at=clock.now(),
            )
        )  # fmt: skip
    erin = Principal(
        "member", desk.erin.id, "Erin", desk.at.workspace_id, "member",
        grants={desk.agent_id: frozenset(("viewer",))},
    )  # fmt: skip
    assert [row.id for row in inbox(desk, erin)] == [found]
    assert inbox(desk, erin)[0].can_decide is False


def test_only_who_is_asked_can_decide_and_the_others_are_told_why_not(desk: Desk):
    found = desk.ask(desk.run())
    assert [row.can_decide for row in inbox(desk, desk.bob)] == [True]
    assert [row.can_decide for row in inbox(desk, desk.dave)] == [False]
    assert desk.seen(desk.bob, found).why_not == ""
    assert "not asked" in desk.seen(desk.dave, found).why_not
    assert (desk.seen(desk.dave, found).can_assign, desk.seen(desk.alice, found).can_assign) == (True, False)


def test_pages_run_in_either_order_and_lose_and_double_nothing(desk: Desk):
    made = several(desk, 5)
    for is_oldest_first, order in ((False, made[::-1]), (True, made)):
        for mine in (False, True):
            seen: list[str] = []
            cursor, before, pages = None, None, 0
            while pages == 0 or cursor:
                with desk.store.read() as session:
                    page = queries.inbox(
                        session, desk.bob, ApprovalFilter(is_mine=mine), is_oldest_first=is_oldest_first,
                        cursor=cursor, size=2,
                    )  # fmt: skip
                seen += [row.id for row in page.rows]
                before, cursor, pages = page.previous_cursor, page.next_cursor, pages + 1
            assert (seen, pages) == (order, 3)
            with desk.store.read() as session:
                back = queries.inbox(
                    session, desk.bob, ApprovalFilter(is_mine=mine), is_oldest_first=is_oldest_first, cursor=before,
                    size=2,
                )  # fmt: skip
            assert [row.id for row in back.rows] == order[2:4]


def test_a_foreign_cursor_is_refused(desk: Desk):
    with pytest.raises(Malformed):
        inbox(desk, desk.bob, cursor="bm90IG9uZQ")


def test_what_is_answered_leaves_my_inbox_and_is_found_by_its_state(desk: Desk):
    first, second = several(desk, 2)
    with desk.store.write() as session:
        decide(session, desk.bob, first, verdict="deny", reason="no")
    assert [row.id for row in inbox(desk, desk.carol, ApprovalFilter(is_mine=True))] == [second]
    denied = inbox(desk, desk.carol, ApprovalFilter(states=("denied",), is_mine=True))
    assert [(row.id, row.decided_by_name, row.reason) for row in denied] == [(first, "Bob", "no")]
    assert {row.id for row in inbox(desk, desk.bob, ApprovalFilter(states=()))} == {first, second}


def test_who_voted_has_it_no_longer_in_theirs_while_it_waits_for_others(desk: Desk):
    approval = desk.asked(quorum=2)
    with desk.store.write() as session:
        decide(session, desk.bob, approval, verdict="approve")
    assert inbox(desk, desk.bob, ApprovalFilter(is_mine=True)) == []
    (row,) = inbox(desk, desk.carol, ApprovalFilter(is_mine=True))
    assert (row.votes, row.quorum, row.state) == (1, 2, "pending")


def test_filters_by_agent_gate_kind_run_and_age_combine(desk: Desk):
    run = desk.run()
    first, other = desk.ask(run, "c1"), desk.ask(run, "c2", name="other")
    assert [row.id for row in inbox(desk, desk.bob, ApprovalFilter(gate="other", agent="payer"))] == [other]
    assert [row.id for row in inbox(desk, desk.bob, ApprovalFilter(gate="other", agent=desk.agent_id))] == [other]
    assert inbox(desk, desk.bob, ApprovalFilter(agent="nobody")) == []
    assert inbox(desk, desk.bob, ApprovalFilter(kind="question")) == []
    assert {row.id for row in inbox(desk, desk.bob, ApprovalFilter(run_id=run))} == {first, other}
    assert inbox(desk, desk.bob, ApprovalFilter(older_than_hours=1)) == []
    assert {row.id for row in inbox(desk, desk.bob, ApprovalFilter(older_than_hours=0))} == {first, other}


def test_the_badge_counts_what_waits_for_me_and_what_has_waited_long(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    made = several(desk, 3)
    with desk.store.write() as session:
        decide(session, desk.carol, made[0], verdict="approve")
        mine = queries.counts(session, desk.bob)
        alices = queries.counts(session, desk.alice)
    assert (mine.mine, mine.mine_aged, mine.visible) == (2, 0, 2)
    assert (alices.mine, alices.visible) == (0, 2)
    later = clock.now() + timedelta(hours=25)
    monkeypatch.setattr(clock, "now", lambda: later)
    with desk.store.read() as session:
        assert queries.counts(session, desk.bob).mine_aged == 2


def test_what_can_be_decided_together_is_grouped_by_gate(desk: Desk):
    run = desk.run()
    made = [desk.ask(run, "c1"), desk.ask(run, "c2"), desk.ask(run, "c3", name="other")]
    with desk.store.read() as session:
        found = queries.groups(session, desk.bob)
    assert [(one.gate, one.number, one.oldest_id) for one in found] == [("payments", 2, made[0]), ("other", 1, made[2])]


def test_the_detail_has_everything_and_the_run_has_its_requests(desk: Desk):
    approval = desk.asked(quorum=2)
    with desk.store.write() as session:
        decide(session, desk.bob, approval, verdict="approve", reason="ok")
    detail = desk.seen(desk.carol, approval)
    assert {(one.name, one.via, one.is_open) for one in detail.recipients} == {
        ("Bob", "approvers", False), ("Carol", "approvers", True),
    }  # fmt: skip
    assert [(vote.member_name, vote.verdict, vote.reason) for vote in detail.votes] == [("Bob", "approve", "ok")]
    assert detail.input_schema is not None
    assert "amount" in detail.input_schema["properties"]
    with desk.store.read() as session:
        assert [one.row.id for one in queries.of_run(session, desk.carol, detail.row.run_id)] == [approval]
        assert queries.of_run(session, desk.erin, detail.row.run_id) == []


def test_a_key_of_another_environment_sees_nothing(desk: Desk):
    desk.ask(desk.run())
    key = Principal(
        "key", desk.bob.id, "Bob", desk.at.workspace_id, "member", key_id="key_1",
        environment_id=desk.at.environments["staging"],
    )  # fmt: skip
    assert inbox(desk, key) == []


def test_a_page_costs_the_same_queries_for_many_rows(desk: Desk, store: Store):
    counted: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda *args: counted.append(args[2]))
    several(desk, 2)
    counted.clear()
    inbox(desk, desk.bob)
    few = len(counted)
    several_more = desk.run(desk.alice, "More.")
    for one in range(6):
        desk.ask(several_more, f"d{one}")
    counted.clear()
    assert len(inbox(desk, desk.bob)) == 8
    assert len(counted) == few


def test_who_is_asked_may_give_it_to_another_and_has_it_no_longer(desk: Desk):
    approval = desk.asked()
    with desk.store.write() as session:
        delegate(session, desk.bob, approval, to_member_id=desk.erin.id, reason="away")
    assert desk.recipients(approval) == {"Bob": "approvers", "Carol": "approvers", "Erin": "delegated"}
    assert inbox(desk, desk.bob, ApprovalFilter(is_mine=True)) == []
    with desk.store.write() as session:
        assert decide(session, desk.erin, approval, verdict="approve").state == "approved"
    (row,) = desk.audited("approval.delegated")
    assert (row.detail["to"], row.detail["instead_of"]) == (desk.erin.id, desk.bob.id)


def test_a_manager_may_have_one_more_asked_which_ends_that_too_few_were(desk: Desk):
    approval = desk.asked(quorum=3)
    assert desk.row(approval).is_degraded
    with desk.store.write() as session:
        delegate(session, desk.dave, approval, to_member_id=desk.erin.id, reason="help")
    assert not desk.row(approval).is_degraded
    assert inbox(desk, desk.bob, ApprovalFilter(is_mine=True)) != []


def test_a_request_is_given_to_nobody_who_may_not_decide_it(desk: Desk):
    approval = desk.asked(desk.run(desk.erin), not_author=True)
    cases: list[tuple[Principal, str, type[Exception]]] = [
        (desk.bob, desk.erin.id, Malformed),  # started the run
        (desk.bob, desk.alice.id, Malformed),  # froze the revision
        (desk.bob, "mem_nobody", Malformed),
        (desk.bob, desk.carol.id, NotNow),  # is asked already
        (desk.alice, desk.dave.id, NotAllowed),  # is neither asked nor a manager
    ]
    for who, to, kind in cases:
        with pytest.raises(kind), desk.store.write() as session:
            delegate(session, who, approval, to_member_id=to, reason="r")
    assert desk.recipients(approval) == {"Bob": "approvers", "Carol": "approvers"}


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
@pytest.mark.postgres
def test_the_inbox_of_one_member_is_read_by_its_index(desk: Desk):
    several(desk, 1)
    with desk.store.write() as session:
        session.connection().exec_driver_sql("set local enable_seqscan = off")
        plan = session.connection().exec_driver_sql(
            "explain select approval_id from approval_recipients where workspace_id = 'w' and member_id = 'm' "
            "and is_open order by approval_id desc limit 30"
        )
        assert "ix_approval_recipients_inbox" in "\n".join(row[0] for row in plan)


def test_groups_are_counted_so_far_and_the_oldest_first(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    """Of 5,000 requests that wait, the oldest 1,000 are read."""
    monkeypatch.setattr(queries, "COUNT_MAX", 2)
    run = desk.run()
    made = [desk.ask(run, "c1"), desk.ask(run, "c2", name="other"), desk.ask(run, "c3")]
    with desk.store.read() as session:
        found = queries.groups(session, desk.bob)
    assert [(one.gate, one.number, one.oldest_id) for one in found] == [("payments", 1, made[0]), ("other", 1, made[1])]
