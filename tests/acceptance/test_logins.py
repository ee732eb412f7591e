"""OAuth logins of a served product: refreshed in the middle of a run, told when that fails, ended at once."""

from __future__ import annotations

import threading
from collections.abc import Generator
from typing import Any

import pytest

from tests.acceptance.product import Product, until
from tests.acceptance.scripts import gated, turns
from tests.fake_provider import FakeProvider, text, tool_calls
from tests.kit_oauth import Provider, System, running_provider, running_system


@pytest.fixture
def idp() -> Generator[Provider]:
    with running_provider() as made:
        yield made


@pytest.fixture
def orders(idp: Provider) -> Generator[System]:
    with running_system(idp) as made:
        yield made


def sign_in(product: Product, orders: System, slug: str) -> str:
    """A connection to the system that signs in by OAuth; what it wants is asked of itself."""
    wanted = {
        "environment": "production", "slug": slug, "name": slug, "kind": "mcp_http", "config": {"url": orders.url},
    }  # fmt: skip
    connection = product.post("connections", wanted)["id"]
    found = product.post(f"connections/{connection}/login:find", {})
    login = {
        "kind": "oauth_client_credentials", "client_id": "cli-1", "client_secret": "client-secret-1",
        **{name: found[name] for name in ("issuer", "token_url", "revoke_url", "resource", "scopes")},
    }  # fmt: skip
    assert product.call("PUT", f"connections/{connection}/login", json=login).status_code == 200
    assert product.post(f"connections/{connection}/login:obtain")["login"]["state"] == "active"
    assert product.post(f"connections/{connection}:discover")["ok"]
    # A tool nobody spoke about is taken for one that cannot be undone, and production then wants a gate before it.
    for tool, effect in (("look", "read"), ("post", "write")):
        product.post(f"connections/{connection}/tools/{tool}:effect", {"effect": effect})
    return connection


def posting(slug: str, *numbers: int, then: str = "done") -> Any:
    return turns(*[tool_calls((f"{slug}_post", {"n": number})) for number in numbers], text(then))


def open_alerts(product: Product, kind: str) -> list[dict[str, Any]]:
    return [alert for alert in product.get("alerts")["items"] if alert["kind"] == kind and not alert["resolved_at"]]


def test_c10_a_token_that_was_ended_is_refreshed_and_a_refusal_alerts_at_once(
    product: Product, provider: FakeProvider, idp: Provider, orders: System
):
    connection = sign_in(product, orders, "orders-c10")
    slug = product.agent("c10", tools=("look", "post"), slot="orders-c10")
    idp.expire_all()
    provider.will(slug, posting("orders-c10", 1, 2))
    run = product.run(slug)["run"]
    assert run["state"] == "completed"
    assert orders.acts == [1, 2]
    assert len(idp.grants("client_credentials")) == 2
    idp.expire_all()
    idp.clients["cli-1"] = "another"
    provider.will(slug, posting("orders-c10", 3))
    product.run(slug)
    assert orders.acts == [1, 2]
    until(lambda: open_alerts(product, "login_refresh_failed"), "the alert", seconds=10)
    broken = product.get(f"connections/{connection}")["connection"]["row"]
    assert broken["health"] == "broken"
    assert broken["diagnosis"]["code"] == "expired_or_revoked"
    idp.clients["cli-1"] = "client-secret-1"
    product.post(f"connections/{connection}/login:obtain")
    until(lambda: not open_alerts(product, "login_refresh_failed"), "the alert to end", seconds=10)


def test_d98_a_401_of_a_login_that_cannot_be_refreshed_alerts(
    product: Product, provider: FakeProvider, idp: Provider, orders: System
):
    connection = sign_in(product, orders, "orders-d98")
    slug = product.agent("d98", tools=("look", "post"), slot="orders-d98")
    idp.expire_all()
    idp.trouble = "invalid_grant"
    provider.will(slug, posting("orders-d98", 1))
    run = product.run(slug)["run"]
    step = next(step for step in product.steps(run["id"]) if step["kind"] == "tool")
    assert step["code"] == "login_refresh_failed"
    assert product.step(run["id"], step["id"])["detail"]["diagnosis"] == "expired_or_revoked"
    until(lambda: open_alerts(product, "login_refresh_failed"), "the alert", seconds=10)
    assert product.get(f"connections/{connection}/login")["login"]["state"] == "refresh_failed"


def test_d53_a_disconnect_shows_what_stops_and_stops_it_at_once(
    product: Product, provider: FakeProvider, idp: Provider, orders: System
):
    connection = sign_in(product, orders, "orders-d53")
    slug = product.agent("d53", tools=("look", "post"), slot="orders-d53")
    gate = threading.Event()
    provider.will(
        slug,
        turns(
            tool_calls(("orders-d53_post", {"n": 1})),
            gated(gate, tool_calls(("orders-d53_post", {"n": 2}))),
            text("done"),
        ),
    )
    run = product.execute(slug)["id"]
    until(lambda: orders.acts == [1], "the first act")
    blast = product.get(f"connections/{connection}/blast-radius")
    assert [agent["slug"] for agent in blast["agents"]] == [slug]
    assert (blast["running"], [one["id"] for one in blast["runs"]]) == (1, [run])
    assert product.call("DELETE", f"connections/{connection}").status_code == 200
    gate.set()
    ended = product.ended(run)["run"]
    assert (ended["state"], ended["code"]) == ("failed", "connection_disconnected")
    assert orders.acts == [1]
    until(lambda: idp.revoked, "the token to be given back", seconds=10)
    assert all(idp.look_up(token) is None for token in idp.access)
