"""Limits: the daily cap, prices, freezes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from signoff.budgets.defaults import Defaults
from signoff.budgets.prices import entered_prices
from signoff.budgets.queries import today
from signoff.budgets.states import day_of
from signoff.freezes.actions import order_freeze
from signoff.freezes.queries import active_freezes
from signoff.kit import clock
from signoff.tables.limits import SpendCounter
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions


def post(site: Site, rest: str, who: str = "mei", **fields: str):
    return site.browser(who).post(f"{site.base}/settings/limits/{rest}", data=fields)


def cap(site: Site) -> Decimal | None:
    with site.store.read() as session:
        return today(session, site.seeded.workspace_id, Defaults()).cap_usd


def prices(site: Site) -> dict[str, tuple[Decimal, Decimal]]:
    with site.store.read() as session:
        return {one.model: (one.input_usd, one.output_usd) for one in entered_prices(session, site.seeded.owner)}


def test_with_nothing_set_it_says_what_holds(empty_site: Site):
    html = empty_site.browser().get("/w/bare/settings/limits").text
    for word in ("of $500.00", "default", "The listed prices hold", "Nothing is frozen"):
        assert word in html


def test_todays_spend_stands_against_the_cap(site: Site):
    day = day_of("UTC", clock.now())
    with site.store.write() as session:
        pot = f"day:{site.seeded.workspace_id}:{day}"
        session.add(
            SpendCounter(
                pot=pot, workspace_id=site.seeded.workspace_id, spent_usd=Decimal("18.42"), held_usd=Decimal(1)
            )
        )
    assert post(site, "cap", cap_usd="$25.00").status_code == 303
    assert cap(site) == Decimal(25)
    html = site.browser().get(f"{site.base}/settings/limits").text
    for word in ("$18.42", "of $25.00", "$5.58 left", "$1.00 held", 'value="25"'):
        assert word in html
    assert post(site, "cap", cap_usd="18").status_code == 303
    assert "Used up" in site.browser().get(f"{site.base}/settings/limits").text


def test_a_limit_is_set_for_a_week_and_shown_with_its_bar(site: Site):
    agent = site.seeded.agents["supplier-mail"]
    wrong = post(site, "set", target=f"agent:{agent}", covers="all", daily_usd="10", weekly_usd="5")
    assert wrong.status_code == 400
    assert "Raise the week to at least $10 first" in wrong.text
    assert post(site, "set", target=f"agent:{agent}", covers="all", daily_usd="10", weekly_usd="70").status_code == 303
    assert post(site, "set", target="workspace:", covers="test", monthly_usd="90", is_soft="yes").status_code == 303
    html = site.browser().get(f"{site.base}/settings/limits").text
    for word in ('data-limit="agent-week-all"', "of $70.00", 'data-limit="workspace-month-test"', "tells only"):
        assert word in html
    assert "of $70.00" in site.browser().get(f"{site.base}/agents/supplier-mail").text
    assert post(site, "set", target=f"agent:{agent}", covers="all").status_code == 422
    assert post(site, "set", target="agent:agt_other", covers="all", daily_usd="1").status_code == 404
    assert post(site, "set", "ines", target="workspace:", daily_usd="1").status_code == 403


def test_an_empty_cap_is_none(site: Site):
    post(site, "cap", cap_usd="5")
    post(site, "cap", cap_usd=" ")
    assert cap(site) is None
    with site.store.read() as session:
        assert audit_actions(session, site.seeded)[-2:] == ["budget.daily_cap_set"] * 2


@pytest.mark.parametrize("text", ["-1", "many", "NaN", "sNaN", "1e99999999", "2000000", "1" * 40])
def test_a_cap_that_is_no_amount_is_refused_at_its_field(site: Site, text: str):
    answer = post(site, "cap", cap_usd=text)
    assert answer.status_code == 422
    assert f'value="{text}"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert cap(site) is None


def test_a_price_is_entered_changed_and_removed(site: Site):
    assert post(site, "prices", model="local:llama-4", input_usd="0.15", output_usd="0.6").status_code == 303
    assert post(site, "prices", model="local:llama-4", input_usd="0.2", output_usd="0.6").status_code == 303
    assert prices(site) == {"local:llama-4": (Decimal("0.2"), Decimal("0.6"))}
    html = site.browser().get(f"{site.base}/settings/limits").text
    assert "local:llama-4" in html
    assert "Mei Tanaka" in html
    assert post(site, "prices/remove", model="local:llama-4").status_code == 303
    assert prices(site) == {}
    assert post(site, "prices/remove", model="local:llama-4").status_code == 404


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "llama", "input_usd": "1", "output_usd": "1"},
        {"model": "local:llama", "input_usd": "x", "output_usd": "1"},
        {"model": "local:llama", "input_usd": "1", "output_usd": "-1"},
    ],
)
def test_a_refused_price_keeps_what_was_typed(site: Site, fields: dict[str, str]):
    answer = post(site, "prices", **fields)
    assert answer.status_code == 422
    assert f'value="{fields["model"]}"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert prices(site) == {}


def test_all_writing_is_frozen_and_every_freeze_is_listed(site: Site):
    assert post(site, "freeze", reason="").status_code == 422
    assert post(site, "freeze", reason="An incident").status_code == 303
    agent, erp = site.seeded.agents["supplier-mail"], site.seeded.connections["production/erp"]
    with site.store.write() as session:
        order_freeze(session, site.seeded.owner, scope="agent", target_id=agent, reason="It misbehaves")
        order_freeze(session, site.seeded.owner, scope="connection", target_id=erp, reason="It moves")
    html = site.browser().get(f"{site.base}/settings/limits").text
    for word in ("The whole workspace", "An incident", "/agents/supplier-mail", "It misbehaves", f"/connections/{erp}"):
        assert word in html
    assert "Freeze all writing" not in html
    assert "Nothing is written in this workspace" in site.browser().get(f"{site.base}/connections").text
    with site.store.read() as session:
        found = {one.scope: one.id for one in active_freezes(session, site.seeded.owner)}
    assert post(site, "lift", freeze=found["workspace"]).status_code == 303
    assert post(site, "lift", freeze=found["workspace"]).status_code == 409
    assert post(site, "lift", freeze="frz_none").status_code == 404
    with site.store.read() as session:
        assert {one.scope for one in active_freezes(session, site.seeded.owner)} == {"agent", "connection"}


def test_who_may_not(site: Site):
    builder, member = site.browser("ines"), site.browser("tomasz")
    html = builder.get(f"{site.base}/settings/limits").text
    assert "You can see limits, not change them" in html
    assert "Freeze all writing" not in html
    seen = member.get(f"{site.base}/settings/limits")
    assert seen.status_code == 200
    assert "Your role does not see spend" in seen.text
    for who in ("ines", "tomasz", "rosa"):
        assert post(site, "cap", who, cap_usd="5").status_code == 403
        assert post(site, "prices", who, model="a:b", input_usd="1", output_usd="1").status_code == 403
        assert post(site, "freeze", who, reason="x").status_code == 403
        assert post(site, "lift", who, freeze="x").status_code == 403
    assert cap(site) is None
