"""Secrets of agents: two gates, new values while a run goes on, and what is of high sensitivity."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

from tests.acceptance.bill_desk import bill_desk
from tests.acceptance.product import Product
from tests.acceptance.scripts import acts, turns
from tests.fake_provider import FakeProvider, text, tool_calls

OLD, NEW = "sec-planted-old-Qw3rTy", "sec-planted-new-Zx9cVb"


def signing(product: Product, row: str, **secret: Any) -> tuple[str, str]:
    """A secret for the ledger and an agent that lists it; returns the secret's id and the agent's slug."""
    name = f"{row.upper()}_TOKEN"
    connection = next(
        one["id"] for one in product.get("connections", environment="production", size=200)["items"]
        if one["slug"] == "erp"
    )  # fmt: skip
    made = product.post("secrets", {"connection_id": connection, "name": name, "value": OLD, **secret})["id"]
    slug = product.agent(row, sop=f"Sign with {{{{secret.{name}}}}}.", tools=("sign",), secrets=[name])
    return made, slug


def sign(row: str, n: str) -> Any:
    return tool_calls(("erp_sign", {"n": n, "token": f"{{{{secret.{row.upper()}_TOKEN}}}}"}))


def grant(product: Product, secret: str, slug: str) -> None:
    answer = product.call("PUT", f"secrets/{secret}/grants/{slug}", json={"reason": "for the check"})
    assert answer.status_code == 200, answer.text


def signed(product: Product, n: str) -> list[str]:
    return [line["args"]["token"] for line in product.ledger("sign") if line["args"]["n"] == n]


def codes(product: Product, run: str) -> list[str | None]:
    return [step["code"] for step in product.steps(run) if step["kind"] == "tool"]


def test_f73_a_secret_nobody_has_is_named_before_it_serves(product: Product):
    body = product.body("f73", sop="Sign with {{secret.F73_NONE}}.", tools=("sign",), secrets=["F73_NONE"])
    product.post("agents", {"slug": "f73", "name": "f73", "body": body})
    refused = product.call("POST", "agents/f73/revisions", json={"reason": "first"})
    assert refused.status_code == 422
    assert "F73_NONE" in refused.text
    _, slug = signing(product, "f73b")
    found = product.post(f"agents/{slug}/draft:lint", {})["findings"]
    assert "F73B_TOKEN is not granted" in next(one["text"] for one in found if one["code"] == "secret_not_granted")


def test_f74_each_of_the_two_gates_alone_stops_the_call(product: Product, provider: FakeProvider):
    secret, slug = signing(product, "f74")
    provider.will(slug, turns(sign("f74", "f74"), text("ended")))
    ungranted = product.run(slug, "one")
    assert codes(product, ungranted["run"]["id"]) == ["secret_not_granted"]
    grant(product, secret, slug)
    assert product.run(slug, "two")["run"]["state"] == "completed"
    assert signed(product, "f74") == [OLD]
    number = product.revise(slug, sop="Sign.", tools=("sign",), secrets=[])
    assert product.make_live(slug, number).status_code == 200
    unlisted = product.run(slug, "three")
    assert codes(product, unlisted["run"]["id"]) == ["secret_not_listed"]
    assert signed(product, "f74") == [OLD]


def test_d97_f75_a_new_value_is_used_by_the_next_call_of_the_same_run(product: Product, provider: FakeProvider):
    secret, slug = signing(product, "f75")
    grant(product, secret, slug)

    def replace_then_sign(body: dict[str, Any], number: int) -> Any:
        answer = product.call("PUT", f"secrets/{secret}", json={"value": NEW, "reason": "while it runs"})
        assert answer.json() == {"version": 2}
        return sign("f75", "f75")(body, number)

    provider.will(slug, turns(sign("f75", "f75"), replace_then_sign, text("signed twice")))
    found = product.run(slug, "one")
    assert found["run"]["state"] == "completed"
    assert signed(product, "f75") == [OLD, NEW]
    restored = product.post(f"secrets/{secret}/versions/1/restore", {"reason": "the new one was wrong"})
    assert restored == {"version": 3}
    versions = product.get(f"secrets/{secret}/versions")
    assert [(one["version"], one["state"]) for one in versions] == [
        (3, "current"), (2, "superseded"), (1, "superseded"),
    ]  # fmt: skip
    provider.will(slug, turns(sign("f75", "f75-restored"), text("signed")))
    product.run(slug, "two")
    assert signed(product, "f75-restored") == [OLD]
    told = "".join(str(product.call("GET", path).text) for path in ("audit", f"runs/{found['run']['id']}/messages"))
    assert OLD not in told
    assert NEW not in told


def test_f76_of_high_sensitivity_needs_a_reason_and_does_not_go_to_a_program(product: Product):
    secret, _ = signing(product, "f76")
    program = product.call("PATCH", f"secrets/{secret}", json={"sensitivity": "high"})
    assert program.status_code == 422
    assert "program" in program.text
    connection = product.post("connections", {
        "environment": "production", "slug": "f76-api", "name": "f76", "kind": "mcp_http",
        "config": {"url": "http://127.0.0.1:65432/mcp"},
    })["id"]  # fmt: skip
    wanted = {"connection_id": connection, "name": "F76_HIGH", "value": OLD, "sensitivity": "high"}
    high = product.post("secrets", wanted)["id"]
    for method, path, body in (
        ("PUT", f"secrets/{high}", {"value": NEW}),
        ("PATCH", f"secrets/{high}", {"sensitivity": "standard"}),
        ("DELETE", f"secrets/{high}", None),
    ):
        refused = product.call(method, path, json=body) if body is not None else product.call(method, path)
        assert (refused.status_code, refused.json()["code"]) == (422, "reason_needed"), refused.text
    assert product.call("PUT", f"secrets/{high}", json={"value": NEW, "reason": "the quarter"}).status_code == 200
    row = next(one for one in product.get("audit")["items"] if one["action"] == "secret.replaced")
    assert row["detail"]["reason"] == "the quarter"


def test_f76_what_the_audit_cannot_keep_is_not_used_and_what_is_ordinary_is(
    own_product: Callable[..., Product], provider: FakeProvider
):
    product = own_product().start()
    with bill_desk(OLD) as grave, bill_desk(OLD) as ordinary:
        for slug, desk, sensitivity in (("grave", grave, "high"), ("ordinary", ordinary, "standard")):
            name = f"F76_{slug}".upper()
            config = {"url": f"{desk.url}/openapi.json", "base_url": desk.url, "headers": {
                "Authorization": f"Bearer {{{{secret.{name}}}}}"}}  # fmt: skip
            wanted = {"environment": "production", "slug": slug, "name": slug, "kind": "openapi", "config": config}
            made = product.post("connections", wanted)["id"]
            value = {"connection_id": made, "name": name, "value": OLD, "sensitivity": sensitivity}
            product.post("secrets", value)
            assert product.post(f"connections/{made}:discover")["ok"]
        agents = {one: product.agent(f"f76-{one}", tools=("get_bill",), slot=one) for one in ("grave", "ordinary")}
        for one, slug in agents.items():
            provider.will(slug, acts("get_bill", slot=one))
            assert product.run(slug, "before")["run"]["state"] == "completed"
        with sqlite3.connect(product.data / "signoff.sqlite") as database:
            away = "before insert on audit when new.action like 'secret%' begin select raise(abort, 'away'); end"
            database.execute(f"create trigger audit_away {away}")
        ended = {one: product.run(slug, "after")["run"] for one, slug in agents.items()}
        asked = [sum(path == "/bills/after" for path, _ in desk.requests) for desk in (grave, ordinary)]
    assert asked == [0, 1]
    assert {one: run["state"] for one, run in ended.items()} == {"grave": "failed", "ordinary": "completed"}
