"""Limits of days, weeks and months: in order, for whom they hold, and what people are told of them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import func, select, update

from signoff.budgets.actions import reserve, settle
from signoff.budgets.defaults import Defaults
from signoff.budgets.limits import Change, set_limits
from signoff.budgets.overview import limit_lines
from signoff.budgets.pots import Payer, pots_of
from signoff.budgets.refusals import LimitsOutOfOrder
from signoff.budgets.states import Pot
from signoff.budgets.windows import span_at
from signoff.kit import clock
from signoff.kit.errors import BudgetExceeded, Malformed, NotAllowed, NotFound
from signoff.people.access import Principal, system
from signoff.record.alarms import RAISE
from signoff.tables.record import AuditRow, OutboxMessage
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.rooms.kit_workspace import Rows, make_rows

CENT = Decimal("0.01")
STANDARD = Defaults((("workspace", "day", "all", Decimal(500)), ("agent", "day", "production", Decimal(100))))


@pytest.fixture
def rows(store: Store) -> Rows:
    return make_rows(store)


def put(store: Store, rows: Rows, who: Principal | None = None, **change: Any) -> None:
    change.setdefault("scope", "workspace")
    with store.write() as session:
        set_limits(session, who or system(rows.workspace_id), STANDARD, Change(**change))


def pots(store: Store, rows: Rows, origin: str = "production", defaults: Defaults = STANDARD) -> dict[str, Pot]:
    """The pots of a run's money, by the beginning of their names."""
    with store.read() as session:
        place = session.get_one(Run, rows.run_id).environment_id
        payer = Payer(rows.workspace_id, place, "P", rows.agent_id, "A", origin)
        found = pots_of(session, payer, defaults, time_zone="UTC", now=clock.now())
    return {pot.name.partition(":")[0]: pot for pot in found}


def spend(store: Store, rows: Rows, key: str, amount: Decimal, *pots: Pot) -> None:
    with store.write() as session:
        held = reserve(
            session, workspace_id=rows.workspace_id, run_id=rows.run_id, step_key=key, amount=amount, pots=pots
        )
    with store.write() as session:
        settle(session, held, amount)


def told(store: Store) -> list[str]:
    """The kinds of alerts asked for, in their order."""
    with store.read() as session:
        messages = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == RAISE).order_by(OutboxMessage.id))
        return [message.payload["kind"] for message in messages]


def test_a_day_may_not_have_more_than_its_week_and_the_text_says_what_to_raise_first(store: Store, rows: Rows) -> None:
    with pytest.raises(LimitsOutOfOrder) as refused:
        put(store, rows, caps={"day": Decimal(10), "week": Decimal(5)})
    assert refused.value.status == 400
    assert "Raise the week to at least $10 first" in refused.value.detail
    put(store, rows, caps={"day": Decimal(1), "week": Decimal(5)})
    with pytest.raises(LimitsOutOfOrder):
        put(store, rows, caps={"day": Decimal(10)})
    put(store, rows, caps={"week": Decimal(70)})
    put(store, rows, caps={"day": Decimal(10)})
    with pytest.raises(LimitsOutOfOrder) as refused:
        put(store, rows, caps={"month": Decimal(60)})
    assert list(refused.value.errors) == ["monthly_usd"]
    found = pots(store, rows)
    assert found["day"].cap_usd == Decimal(10)
    assert found["workspace-week-all"].cap_usd == Decimal(70)
    assert "workspace-month-all" not in found


def test_the_order_counts_also_against_a_default(store: Store, rows: Rows) -> None:
    with pytest.raises(LimitsOutOfOrder) as refused:
        put(store, rows, caps={"week": Decimal(499)})
    assert "A day would have $500" in refused.value.detail
    put(store, rows, caps={"day": None, "week": Decimal(499)})
    assert pots(store, rows)["day"].cap_usd is None


def test_who_has_no_limit_of_its_own_has_the_default(store: Store, rows: Rows) -> None:
    found = pots(store, rows)
    assert (found["day"].cap_usd, found["agent-day-production"].cap_usd) == (Decimal(500), Decimal(100))
    put(store, rows, scope="agent", target="a", covers="production", caps={"day": None})
    assert "agent-day-production" not in pots(store, rows)


def test_tests_and_real_work_are_counted_apart(store: Store, rows: Rows) -> None:
    put(store, rows, scope="agent", target="a", covers="test", caps={"day": CENT})
    put(store, rows, scope="environment", target="production", covers="production", caps={"week": CENT})
    assert set(pots(store, rows, "production", Defaults())) == {"day", "place", "environment-week-production"}
    assert set(pots(store, rows, "test", Defaults())) == {"day", "place", "test", "agent-day-test"}


def test_a_limit_counts_what_was_spent_before_it_was_set(store: Store, rows: Rows) -> None:
    with store.write() as session:
        session.execute(update(Run).where(Run.id == rows.run_id).values(cost_usd=Decimal(3), origin="production"))
    put(store, rows, scope="agent", target="a", covers="production", caps={"day": Decimal(1), "month": Decimal(2)})
    pot = pots(store, rows)["agent-month-production"]
    with pytest.raises(BudgetExceeded) as refused:
        spend(store, rows, "k", CENT, pot)
    assert refused.value.code == "agent_budget_exceeded"
    assert "The most the agent A may spend on real work in a month is $2.00. $3.00 is spent" in refused.value.detail


def test_people_are_told_at_eighty_and_at_a_hundred_percent_once_each(store: Store, rows: Rows) -> None:
    put(store, rows, scope="agent", target="a", covers="all", caps={"day": Decimal("1.00")})
    pot = pots(store, rows)["agent-day-all"]
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait()
        for turn in range(20):
            try:
                spend(store, rows, f"m:{number}:{turn}", CENT, pot)
            except BudgetExceeded:
                return

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    assert told(store) == ["budget_near", "budget_used_up"]
    put(store, rows, scope="agent", target="a", covers="all", caps={"day": Decimal("1.10")})
    assert told(store) == ["budget_near", "budget_used_up", "budget_near"]


def test_a_limit_that_is_not_hard_tells_and_refuses_nothing(store: Store, rows: Rows) -> None:
    put(store, rows, caps={"day": CENT}, is_hard=False, alert_percent=50)
    pot = pots(store, rows)["day"]
    spend(store, rows, "k1", CENT / 2, pot)
    assert told(store) == ["budget_near"]
    spend(store, rows, "k2", CENT, pot)
    assert told(store) == ["budget_near", "budget_used_up"]
    spend(store, rows, "k3", CENT, pot)
    assert told(store) == ["budget_near", "budget_used_up"]


def test_fifty_runs_race_one_dollar_and_pass_it_by_one_call_at_most(store: Store, rows: Rows) -> None:
    put(store, rows, scope="agent", target="a", covers="all", caps={"day": Decimal(1)})
    found = tuple(pots(store, rows).values())
    call = Decimal("0.07")

    def one_run(number: int) -> Decimal:
        total = Decimal(0)
        for turn in range(30):
            try:
                spend(store, rows, f"m:{number}:{turn}", call, *found)
            except BudgetExceeded:
                break
            total += call
        return total

    with ThreadPoolExecutor(10) as threads:
        spent = sum(threads.map(one_run, range(50)))
    assert Decimal(1) - call <= spent <= Decimal(1) + call


def test_the_list_of_limits_tells_what_is_spent_held_and_foretold(store: Store, rows: Rows) -> None:
    put(store, rows, caps={"day": Decimal(10), "week": Decimal(20)})
    put(store, rows, scope="agent", target="a", covers="production", caps={"month": Decimal(200)})
    found = tuple(pots(store, rows).values())
    spend(store, rows, "k", Decimal(9), *found)
    with store.read() as session:
        lines = limit_lines(session, rows.member(), STANDARD)
        own = limit_lines(session, rows.member(), STANDARD, agent=rows.agent_id)
    told = [(line.scope, line.period, line.covers, line.spent_usd, line.percent, line.tone) for line in lines]
    assert told == [
        ("workspace", "day", "all", 9, 90, "wait"),
        ("workspace", "week", "all", 9, 45, "ok"),
        ("agent", "month", "production", 9, 4, "ok"),
    ]
    assert [(line.period, line.is_default, line.spent_usd) for line in own] == [
        ("day", True, 9), ("month", False, 9),
    ]  # fmt: skip
    assert all(line.forecast_usd is None or line.forecast_usd >= line.spent_usd for line in lines)


def test_setting_limits_takes_the_right_and_is_in_the_audit(store: Store, rows: Rows) -> None:
    with pytest.raises(NotAllowed):
        put(store, rows, rows.member("builder"), caps={"day": Decimal(1)})
    with pytest.raises(NotFound):
        put(store, rows, scope="agent", target="nobody", caps={"day": Decimal(1)})
    for wrong in (Decimal(-1), Decimal("nan"), Decimal(10_000_000), Decimal("0.000000001")):
        with pytest.raises(Malformed) as refused:
            put(store, rows, caps={"day": wrong})
        assert "0, or from 0.000001 to 1,000,000" in refused.value.detail
    with pytest.raises(Malformed):
        put(store, rows, caps={}, alert_percent=0)
    put(store, rows, scope="agent", target="a", caps={"day": Decimal(1)}, alert_percent=70)
    with store.read() as session:
        wanted = select(AuditRow.detail).where(AuditRow.action == "budget.limits_set")
        (detail,) = session.scalars(wanted).all()
        number = session.scalar(select(func.count()).select_from(AuditRow))
    assert (detail["target"], detail["after"]["day"]["usd"], detail["after"]["day"]["alert_percent"]) == ("a", "1", 70)
    assert number == 1


def test_spans_follow_the_calendar_of_the_time_zone() -> None:
    evening = datetime(2026, 3, 28, 23, 30, tzinfo=UTC)
    berlin = {period: span_at(period, "Europe/Berlin", evening) for period in ("day", "week", "month")}
    assert [span.key for span in berlin.values()] == ["2026-03-29", "2026-W13", "2026-03"]
    # The clocks go forward on that Sunday: it has 23 hours.
    day = berlin["day"]
    assert day.end.astimezone(UTC) - day.start.astimezone(UTC) == timedelta(hours=23)
    assert day.share_gone(day.start + timedelta(0)) == 0
    assert span_at("week", "UTC", datetime(2026, 1, 1, tzinfo=UTC)).key == "2026-W01"
    assert span_at("month", "UTC", datetime(2026, 12, 31, tzinfo=UTC)).end == datetime(2027, 1, 1, tzinfo=UTC)
    assert span_at("day", "Mars/Olympus", evening).key == "2026-03-28"
