"""What was spent, by day and by run, and the daily cap."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from signoff.budgets.actions import reserve
from signoff.budgets.caps import set_daily_cap
from signoff.budgets.defaults import Defaults
from signoff.budgets.queries import daily, spent_by_run, today
from signoff.budgets.states import day_of, day_pot, run_pot
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound
from signoff.record import audit
from signoff.tables.session import Store
from tests.rooms.kit_workspace import make_rows


def test_a_day_is_a_day_of_the_workspaces_zone() -> None:
    evening = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
    assert day_of("UTC", evening) == "2026-11-20"
    assert day_of("Europe/Prague", evening) == "2026-11-21"
    assert day_of("America/New_York", evening) == "2026-11-20"
    assert day_of("Mars/Olympus", evening) == day_of("", evening) == "2026-11-20"


def test_today_and_the_days_before(store: Store) -> None:
    rows = make_rows(store, time_zone="Asia/Tokyo")
    alice = rows.member()
    with store.write() as session:
        set_daily_cap(session, alice, cap_usd=Decimal(5))
        pots = [
            run_pot(rows.run_id, Decimal(1)),
            day_pot(rows.workspace_id, Decimal(5), time_zone="Asia/Tokyo", now=clock.now()),
        ]
        reserve(
            session, workspace_id=rows.workspace_id, run_id=rows.run_id, step_key="k", amount=Decimal("0.5"), pots=pots
        )
    with store.read() as session:
        assert today(session, rows.workspace_id, Defaults()).left_usd == Decimal("4.5")
        assert not today(session, rows.workspace_id, Defaults()).is_used_up
        days = daily(session, alice, days=3)
        assert [day.held_usd for day in days] == [Decimal("0.5"), 0, 0]
        assert days[0].day == day_of("Asia/Tokyo", clock.now()) > days[1].day > days[2].day
        assert spent_by_run(session, alice, rows.run_id).held_usd == Decimal("0.5")


def test_nobody_sees_another_workspaces_money(store: Store) -> None:
    rows, others = make_rows(store), make_rows(store)
    with store.read() as session:
        with pytest.raises(NotFound):
            spent_by_run(session, others.member(), rows.run_id)
        with pytest.raises(NotAllowed):
            daily(session, rows.member("member"))


def test_who_may_set_the_cap_and_to_what(store: Store) -> None:
    rows = make_rows(store)
    with store.write() as session:
        with pytest.raises(NotAllowed):
            set_daily_cap(session, rows.member("manager"), cap_usd=Decimal(1))
        for bad in (Decimal(-1), Decimal("NaN"), Decimal("Infinity"), Decimal(10) ** 9):
            with pytest.raises(Malformed):
                set_daily_cap(session, rows.member(), cap_usd=bad)
        set_daily_cap(session, rows.member("administrator"), cap_usd=Decimal(1))
        set_daily_cap(session, rows.member(), cap_usd=None)
    with store.read() as session:
        assert today(session, rows.workspace_id, Defaults()).cap_usd is None
        assert today(session, rows.workspace_id, Defaults()).left_usd is None
        assert audit.verify(session, rows.workspace_id) == audit.Verdict(2)
