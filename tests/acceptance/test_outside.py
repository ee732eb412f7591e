"""Connections, secrets, outages of a source, and what is never written down."""

from __future__ import annotations

import base64
import json
from collections.abc import Generator
from typing import Any

import pytest

from tests.acceptance.bill_desk import BillDesk, bill_desk
from tests.acceptance.product import PROVIDER_KEY, Product
from tests.acceptance.scripts import acts, turns
from tests.fake_provider import FakeProvider, text, tool_calls

TOKEN = "tok-planted-d95-Zq8vXw"
NEW_TOKEN = "tok-planted-renewed-Lm4kPo"


@pytest.fixture
def desk() -> Generator[BillDesk]:
    with bill_desk(TOKEN) as running:
        yield running


def secret_name(slug: str) -> str:
    """A secret has its name in the environment for itself."""
    return f"{slug}_TOKEN".replace("-", "_").upper()


def connect_desk(product: Product, desk: BillDesk, slug: str) -> tuple[str, str]:
    """A connection that signs in with a secret; returns both ids."""
    name = secret_name(slug)
    config = {"url": f"{desk.url}/openapi.json", "base_url": desk.url, "headers": {
        "Authorization": f"Bearer {{{{secret.{name}}}}}"}}  # fmt: skip
    wanted = {"environment": "production", "slug": slug, "name": slug, "kind": "openapi", "config": config}
    connection = product.post("connections", wanted)["id"]
    secret = product.post("secrets", {"connection_id": connection, "name": name, "value": TOKEN})["id"]
    found = product.post(f"connections/{connection}:discover")
    assert found["ok"], found
    return connection, secret


def every_answer(product: Product, *runs: str) -> str:
    """What every read of the API that could know something says, as one text."""
    paths = ["agents", "connections", "secrets", "runs", "effects", "alerts", "audit", "keys", "members", "budget"]
    for connection in product.get("connections", size=200)["items"]:
        paths += [f"connections/{connection['id']}", f"connections/{connection['id']}/tools"]
    for run in runs:
        paths += [f"runs/{run}", f"runs/{run}/steps", f"runs/{run}/messages"]
        paths += [f"runs/{run}/steps/{step['id']}?messages_from=0" for step in product.steps(run)]
    answers = [product.call("GET", path) for path in paths]
    assert {answer.status_code for answer in answers} == {200}
    exported = product.call("GET", "audit:export").text
    return "\n".join([*(answer.text for answer in answers), exported])


def forms_of(value: str) -> list[str]:
    """The value and the forms in which it could be hidden."""
    raw = value.encode()
    return [value, base64.b64encode(raw).decode().rstrip("="), raw.hex(), json.dumps(value)[1:-1]]


def grant(product: Product, secret: str, slug: str) -> None:
    answer = product.call("PUT", f"secrets/{secret}/grants/{slug}", json={})
    assert answer.status_code == 200, answer.text


def check_nowhere(product: Product, provider: FakeProvider, value: str, *runs: str) -> None:
    places = {
        "a prompt": provider.prompts(),
        "an answer of the API": every_answer(product, *runs),
        "the log": product.log(),
    }
    for form in forms_of(value):
        assert [place for place, words in places.items() if form in words] == []
        assert form.encode() not in product.everything_at_rest().replace(
            b"".join(path.read_bytes() for path in product.folder.glob("ledger.jsonl")), b""
        )


def test_d93_an_expired_login_is_shown_and_reconnecting_mends_it(
    product: Product, provider: FakeProvider, desk: BillDesk
):
    connection, secret = connect_desk(product, desk, "desk-d93")
    assert product.get(f"connections/{connection}")["connection"]["row"]["health"] == "ok"
    slug = product.agent("d93", tools=("get_bill",), slot="desk-d93")
    provider.will(slug, acts("get_bill", slot="desk-d93"))
    product.run(slug, "before")
    desk.token = NEW_TOKEN
    product.run(slug, "after")
    broken = product.get(f"connections/{connection}")["connection"]["row"]
    assert broken["health"] == "broken"
    assert broken["broken_at"]
    assert broken["last_error"]
    checked = product.post(f"connections/{connection}:test")
    assert (checked["ok"], checked["code"]) == (False, "connector_sign_in")
    product.call("PUT", f"secrets/{secret}", json={"value": NEW_TOKEN})
    assert product.post(f"connections/{connection}:test")["ok"]
    mended = product.get(f"connections/{connection}")["connection"]["row"]
    assert (mended["health"], mended["last_error"]) == ("ok", None)
    product.run(slug, "again")
    assert [path for path, sent in desk.requests if sent == f"Bearer {NEW_TOKEN}" and path == "/bills/again"]


def test_d95_a_login_reaches_the_system_and_nothing_else(product: Product, provider: FakeProvider, desk: BillDesk):
    connect_desk(product, desk, "desk-d95")
    slug = product.agent("d95", tools=("get_bill",), slot="desk-d95")
    provider.will(slug, acts("get_bill", slot="desk-d95"))
    run = product.run(slug, "d95")["run"]
    assert run["state"] == "completed"
    assert ("/bills/d95", f"Bearer {TOKEN}") in desk.requests
    # The system repeats the login in its answer; it is masked on the way back.
    tool = next(step for step in product.steps(run["id"]) if step["kind"] == "tool")
    assert "you_sent" in json.dumps(product.step(run["id"], tool["id"])["response"])
    check_nowhere(product, provider, TOKEN, run["id"])


def test_d96_a_secret_is_written_and_never_read_back(product: Product, provider: FakeProvider, desk: BillDesk):
    connection, secret = connect_desk(product, desk, "desk-d96")
    listed = product.get("secrets", connection_id=connection)["items"]
    assert [(row["name"], row["version"]) for row in listed] == [(secret_name("desk-d96"), 1)]
    assert "value" not in listed[0]
    assert "value" not in product.get(f"secrets/{secret}")
    replaced = product.call("PUT", f"secrets/{secret}", json={"value": NEW_TOKEN})
    assert replaced.json() == {"version": 2}
    for value in (TOKEN, NEW_TOKEN):
        check_nowhere(product, provider, value)


def test_f72_a_placeholder_becomes_its_value_in_the_tool_only(product: Product, provider: FakeProvider):
    value = "sec-planted-f72-Hh3JkL"
    connection = next(
        one["id"] for one in product.get("connections", environment="production", size=200)["items"]
        if one["slug"] == "erp"
    )  # fmt: skip
    secret = product.post("secrets", {"connection_id": connection, "name": "F72_TOKEN", "value": value})["id"]
    slug = product.agent("f72", sop="Sign with {{secret.F72_TOKEN}}.", tools=("sign",), secrets=["F72_TOKEN"])
    grant(product, secret, slug)
    arguments = {"n": "f72", "token": "{{secret.F72_TOKEN}}"}
    provider.will(slug, turns(tool_calls(("erp_sign", arguments)), text("signed")))
    found = product.run(slug, "f72")
    assert found["run"]["state"] == "completed"
    assert [line["args"]["token"] for line in product.ledger("sign") if line["args"]["n"] == "f72"] == [value]
    assert "{{secret.F72_TOKEN}}" in json.dumps(found["effects"][0]["args"])
    check_nowhere(product, provider, value, found["run"]["id"])


def test_c5_a_source_that_fails_in_the_middle_loses_and_repeats_nothing(product: Product, provider: FakeProvider):
    slug = product.agent("c5", tools=("look", "post"))

    def read_then_post(body: dict[str, Any], number: int):
        said = json.dumps(body["messages"])
        is_read = '"ok"' in said or '\\"ok\\"' in said
        steps = acts("look", "post") if is_read or "failed" not in said else text("The source is away.")
        return steps(body, number)

    provider.will(slug, read_then_post)
    items = [f"c5-{number}" for number in range(6)]
    product.run(slug, items[0], inputKey=items[0])
    product.run(slug, items[1], inputKey=items[1])
    # A short outage is bridged by the gateway's own repeats …
    product.source_goes_down(times=2)
    assert product.run(slug, items[2], inputKey=items[2])["run"]["state"] == "completed"
    # … a long one ends the run, which says so; nothing was posted for it.
    product.source_goes_down()
    try:
        lost = product.run(slug, items[3], inputKey=items[3])
        assert product.done("post", items[3]) == 0
        assert "away" in str(lost["output"])
    finally:
        product.source_comes_back()
    # The whole batch again: what was done is not done again.
    for item in items:
        again = item if item != items[3] else f"{item}-again"
        assert product.run(slug, item, inputKey=again)["run"]["state"] == "completed"
    assert [product.done("post", item) for item in items] == [1] * 6


def test_c11_planted_data_and_keys_stay_out_of_the_log_and_keys_out_of_the_trace(
    product: Product, provider: FakeProvider
):
    person = "Erika Mustermann, IBAN DE89370400440532013000, born 1964-08-12"
    slug = product.agent("c11", sop="Handle with care: c11-sop-words.", tools=("post", "fail"))
    provider.will(slug, acts("post", "fail", then=f"Handled {person}."))
    found = product.run(slug, person)
    assert found["run"]["state"] == "completed"
    assert product.done("post", person) == 1
    log = product.log()
    assert found["run"]["id"] in log, "the log tells nothing of the run, so its silence proves nothing"
    for planted in ("Mustermann", "DE89370400440532013000", "c11-sop-words", PROVIDER_KEY, product.key):
        assert planted not in log
    kept = product.everything_at_rest().replace((product.folder / "signoff.toml").read_bytes(), b"")
    for key in (PROVIDER_KEY, product.key):
        assert key.encode() not in kept
        assert key not in every_answer(product, found["run"]["id"])
