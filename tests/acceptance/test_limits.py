"""Limits of money and the stops, from outside."""

from __future__ import annotations

from tests.acceptance.product import Product, until
from tests.acceptance.scripts import acts
from tests.fake_provider import FakeProvider, hang


def put(product: Product, **limit: object) -> tuple[int, str]:
    answer = product.call("PUT", "limits", json=limit)
    return answer.status_code, answer.text


def test_f67_a_day_never_has_more_than_its_week(product: Product):
    slug = product.agent("f67")
    status, words = put(product, scope="agent", target=slug, daily_usd="10", weekly_usd="5")
    assert status == 400
    assert "Raise the week to at least $10 first" in words
    assert put(product, scope="agent", target=slug, weekly_usd="70")[0] == 200
    assert put(product, scope="agent", target=slug, daily_usd="10")[0] == 200
    shown = product.get(f"limits?agent={slug}")["items"]
    told = {(line["period"], line["covers"]): line["cap_usd"] for line in shown}
    assert (told["day", "all"], told["week", "all"]) == ("10", "70")


def test_d49_f65_a_used_up_day_refuses_the_next_run_and_tells_once(product: Product, provider: FakeProvider):
    slug = product.agent("f65", tools=("post",))
    provider.will(slug, acts("post"))
    before = product.run(slug, "f65-before")
    calls = provider.calls(slug)
    assert put(product, scope="agent", target=slug, daily_usd="0.000001")[0] == 200
    refused = product.call("POST", f"agents/{slug}:execute", json={"input": "f65", "wait": True})
    assert refused.status_code == 402
    run = product.record(refused.json()["run"])["run"]
    assert (run["state"], run["code"], provider.calls(slug)) == ("rejected", "agent_budget_exceeded", calls)
    assert product.record(before["run"]["id"]) == before

    def alerts() -> list[str]:
        told = [one["text"] for one in product.get("alerts")["items"] if one["kind"] == "budget_used_up"]
        return [words for words in told if words.startswith("f65 ")]

    assert len(until(alerts, "an alert that the limit is used up")) == 1


def test_d51_one_switch_keeps_an_agent_from_starting_and_a_stop_ends_what_it_does(
    product: Product, provider: FakeProvider
):
    slug = product.agent("d51")
    provider.will(slug, hang())
    run = product.execute(slug, "d51")["id"]
    until(lambda: product.state(run) == "running", "the run to run")
    assert product.call("POST", f"agents/{slug}:pause", json={"reason": "Odd"}).status_code == 200
    refused = product.call("POST", f"agents/{slug}:execute", json={"input": "x"})
    assert (refused.status_code, refused.json()["code"]) == (409, "agent_paused")
    assert "Odd" in refused.json()["detail"]
    assert product.state(run) == "running"
    assert product.get(f"agents/{slug}/open-runs") == {"queued": 0, "running": 1, "waiting": 0}
    order = product.call("POST", f"agents/{slug}:stop", json={"reason": "Wrong"})
    assert order.status_code == 202
    done = until(
        lambda: found if (found := product.get(f"stops/{order.json()['id']}"))["state"] == "done" else None,
        "the stop to be over",
    )
    assert done is not None
    assert (product.state(run), done["asked"]) == ("cancelled", 1)
    assert 0 < done["seconds"] < 30
    assert product.call("POST", f"agents/{slug}:resume").status_code == 200
