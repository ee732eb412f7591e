"""Who may do what: levels on one agent, keys by preset, and the last administrator."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import httpx2
import pytest

from tests.acceptance.product import OWNER, Product


@dataclass
class Colleague:
    """A person who came by an invitation's link and is signed in."""

    id: str
    product: Product
    client: httpx2.Client

    def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        return self.client.request(method, f"{self.product.address}/v1/{self.product.workspace}/{path}", **more)


@pytest.fixture
def colleague(product: Product) -> Generator[Colleague]:
    """A member who may nothing with anybody's agents but look at them."""
    with invited(product, "member") as who:
        yield who


@contextmanager
def invited(product: Product, role: str) -> Generator[Colleague]:
    """Somebody of a role, signed in."""
    email = f"rights-{token_hex(6)}@example.com"
    made = product.post("members", {"email": email, "name": "Vera", "role": role})["id"]
    path = product.post(f"members/{made}:link", {"purpose": "invitation"})["path"]
    with httpx2.Client(headers={"Sec-Fetch-Site": "same-origin", "Origin": product.address}, timeout=60) as client:
        words = "four plain words together"
        entered = client.post(f"{product.address}{path}", data={"password": words, "again": words})
        assert entered.status_code == 303, entered.text
        yield Colleague(made, product, client)


def give(product: Product, slug: str, who: Colleague, level: str) -> str:
    return product.post(f"agents/{slug}/grants", {"member_id": who.id, "level": level})["id"]


def live(slug: str, number: int) -> dict[str, Any]:
    return {
        "method": "POST",
        "path": f"agents/{slug}:live",
        "json": {"environment": "production", "revision": str(number), "reason": "check"},
    }


def test_d107_f90_a_viewer_reads_traces_and_changes_nothing(product: Product, colleague: Colleague):
    slug = product.agent("f90")
    number = product.revise(slug, sop="Second.")
    run = product.run(slug)["run"]["id"]
    assert colleague.call("GET", f"runs/{run}/steps").status_code == 403
    give(product, slug, colleague, "viewer")
    draft = {"body": product.body(slug, sop="Vera's words."), "version": 2}
    for refused in (
        colleague.call("PUT", f"agents/{slug}/draft", json=draft),
        colleague.call(**live(slug, number)),
        colleague.call("POST", f"agents/{slug}:disable", json={}),
    ):
        assert refused.status_code == 403, refused.text
        assert refused.json()["required"].startswith("agent.")
    assert colleague.call("GET", f"runs/{run}/steps").json()["items"] != []
    listed = colleague.call("GET", "runs", params={"agent": slug}).json()["items"]
    assert [row["id"] for row in listed] == [run]
    assert "Vera's words." not in product.get(f"agents/{slug}/draft")["body"]["sop"]


def test_f91_editing_and_deploying_are_given_apart_and_neither_is_money(product: Product, colleague: Colleague):
    slug = product.agent("f91")
    number = product.revise(slug, sop="Second.")
    give(product, slug, colleague, "editor")
    version = product.get(f"agents/{slug}/draft")["version"]
    saved = {"body": product.body(slug, sop="Third."), "version": version}
    assert colleague.call("PUT", f"agents/{slug}/draft", json=saved).status_code == 200
    assert colleague.call(**live(slug, number)).status_code == 403
    grant = give(product, slug, colleague, "deployer")
    assert colleague.call(**live(slug, number)).status_code == 200
    assert colleague.call("PUT", "budget", json={"daily_cap_usd": "1"}).status_code == 403
    assert product.call("DELETE", f"agents/{slug}/grants/{grant}").status_code == 200
    assert colleague.call(**live(slug, 1)).status_code == 403
    serving = product.get(f"agents/{slug}")["live"]
    assert {one["environment"]: one["revision_number"] for one in serving}["production"] == number


def test_f92_the_last_owner_stays(own_product: Callable[..., Product]):
    product = own_product().start()
    members = {one["email"]: one["id"] for one in product.get("members")["items"]}
    with httpx2.Client(headers={"Sec-Fetch-Site": "same-origin", "Origin": product.address}, timeout=60) as client:
        words = "four plain words together"
        link = product.cli_json("setup-link", "--email", OWNER)["link"]
        assert client.post(link, data={"password": words, "again": words}).status_code == 303
        ann = Colleague(members[OWNER], product, client)

        def demoted() -> tuple[int, str]:
            answer = ann.call("PATCH", f"members/{ann.id}", json={"role": "administrator"})
            return answer.status_code, answer.json().get("code", "")

        assert demoted() == (409, "last_owner")
        assert ann.call("DELETE", f"members/{ann.id}").json()["code"] == "last_owner"
        assert product.get(f"members/{ann.id}")["role"] == "owner"
        with invited(product, "member") as vera:
            assert ann.call("PATCH", f"members/{vera.id}", json={"role": "owner"}).status_code == 200
            # Once there is another one, it may.
            assert demoted() == (200, "")


def test_f94_a_runners_key_executes_and_is_told_what_deploying_takes(product: Product):
    slug = product.agent("f94")
    number = product.revise(slug, sop="Second.")
    runner, deployer = product.new_key("runner")["key"], product.new_key("deployer")["key"]
    started = product.call("POST", f"agents/{slug}:execute", key=runner, json={"input": "f94"})
    assert started.status_code in (200, 202), started.text
    refused = product.call(key=runner, **live(slug, number))
    assert (refused.status_code, refused.json()["required"]) == (403, "agent.deploy")
    assert "run.start" in refused.json()["granted"]
    assert product.call(key=deployer, **live(slug, number)).status_code == 200
    draft = {"body": product.body(slug), "version": 2}
    assert product.call("PUT", f"agents/{slug}/draft", key=deployer, json=draft).status_code == 403


def test_a11_a_write_without_the_role_says_what_it_takes(product: Product):
    slug = product.agent("a11")
    reader = product.new_key("read-only")["key"]
    body = {"runId": "a11-run", "workflowId": slug, "payload": 1}
    refused = product.call("POST", "/v1/orchestrations/run", key=reader, json=body)
    assert (refused.status_code, refused.json()["code"]) == (403, "AUTHZ_FORBIDDEN")
    assert refused.json()["required"] == "run.start"
    for method, path, sent in (
        ("POST", f"agents/{slug}:execute", {"input": 1}),
        ("PUT", f"agents/{slug}/draft", {"body": product.body(slug), "version": 1}),
        ("POST", f"agents/{slug}/revisions", {"reason": "a11"}),
        ("POST", "roles", {"slug": "a11", "name": "A11", "permissions": {}}),
    ):
        told = product.call(method, path, key=reader, json=sent)
        assert told.status_code == 403, (path, told.text)
        assert told.json()["required"], path
    assert product.get("runs", agent=slug)["items"] == []


def test_a12_a_role_is_not_had_by_saying_so(product: Product):
    slug = product.agent("a12")
    reader = product.new_key("read-only")["key"]
    body = {"runId": "a12-run", "workflowId": slug, "payload": 1}
    for word in ("admin", "owner", "administrator"):
        said = {"x-user-role": word}
        nobody = product.call("POST", "/v1/orchestrations/run", key="", json=body, headers=said)
        assert nobody.status_code == 401
        forged = product.call("POST", "/v1/orchestrations/run", key=reader, json=body, headers=said)
        assert forged.status_code == 403, word
    # It takes away from whoever has more.
    less = product.call("POST", "/v1/orchestrations/run", json=body, headers={"x-user-role": "viewer"})
    assert less.status_code == 403
    assert product.get("runs", agent=slug)["items"] == []
