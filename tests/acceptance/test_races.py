"""Fifty runs at once race for one cap of ten and one budget of a dollar, on SQLite and with two workers on Postgres."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from tests import kit_postgres
from tests.acceptance.product import INPUT_USD, OUTPUT_USD, OVER, Product, until
from tests.acceptance.scripts import asked, turns
from tests.fake_provider import FakeProvider, text, tool_calls
from tests.kit_required import absent

Make = Callable[..., Product]
RUNS = 50
# A provider that bills the input it is sent, and about as much output as it may give.
USAGE = (100, 4_000)
# What one call costs, by that.
CALL_USD = (Decimal(USAGE[0]) * INPUT_USD + Decimal(USAGE[1]) * OUTPUT_USD) / 1_000_000


def raced(product: Product, provider: FakeProvider, slug: str) -> Counter[str]:
    """Start all runs at once; return how they ended. None is lost on the way."""

    def post(body: dict[str, Any], number: int) -> Any:
        return tool_calls(("erp_post", {"n": asked(body)}), usage=USAGE)(body, number)

    provider.will(slug, turns(post, text("done", usage=USAGE)))

    def start(number: int) -> str:
        body = {"input": f"{slug}-{number}", "inputKey": f"{slug}-{number}"}
        answer = product.call("POST", f"agents/{slug}:execute", json=body)
        assert answer.status_code in (200, 202, 402), answer.text
        return answer.json()["id"] if answer.status_code != 402 else answer.json()["run"]

    with ThreadPoolExecutor(16) as pool:
        runs = list(pool.map(start, range(RUNS)))
    assert len(set(runs)) == RUNS
    return Counter(product.ended(run, OVER)["run"]["state"] for run in runs)


def check_the_cap(product: Product, provider: FakeProvider) -> None:
    caps = {"caps": [{"most": 10, "per": "day", "tools": ["erp.post"]}]}
    slug = product.agent("race-cap", tools=("post",), rules=caps)
    assert raced(product, provider, slug) == {"completed": RUNS}
    posted = [line["args"]["n"] for line in product.ledger("post") if line["args"]["n"].startswith(slug)]
    assert (len(posted), len(set(posted))) == (10, 10)


def check_the_budget(product: Product, provider: FakeProvider) -> None:
    slug = product.agent("race-money", tools=("post",))
    limit = {"scope": "agent", "target": slug, "daily_usd": "1"}
    assert product.call("PUT", "limits", json=limit).status_code == 200
    ended = raced(product, provider, slug)
    calls = provider.calls(slug)
    assert set(ended) <= {"completed", "failed", "rejected"}
    # Nobody knows beforehand what a call costs: one may pass the limit, and none begins after it.
    assert 1 - CALL_USD < calls * CALL_USD <= 1 + CALL_USD, f"{calls} calls of ${CALL_USD}, {ended}"
    spent = {line["period"]: Decimal(line["spent_usd"]) for line in product.get(f"limits?agent={slug}")["items"]}
    assert spent["day"] == calls * CALL_USD
    assert ended["rejected"] + ended["failed"] > 0


@pytest.mark.slow
def test_fifty_runs_race_for_ten_acts(product: Product, provider: FakeProvider):
    check_the_cap(product, provider)


@pytest.mark.slow
def test_fifty_runs_race_for_one_dollar(product: Product, provider: FakeProvider):
    check_the_budget(product, provider)


@pytest.mark.slow
@pytest.mark.postgres
def test_with_two_workers_on_postgres_both_limits_hold(
    own_product: Make, provider: FakeProvider, postgres_cluster: kit_postgres.Cluster | None
):
    if postgres_cluster is None:
        absent(kit_postgres.ABSENT)
    product = own_product(postgres_cluster.create("races")).start()
    product.connect()
    product.popen("worker")
    until(lambda: "Working as" in product.log(), "the second worker to work")
    check_the_cap(product, provider)
    check_the_budget(product, provider)
