"""Who answers for an agent, handing it over, and asking for access."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx2
import pytest

from tests.acceptance.product import Product

_NUMBER = count(1)


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
    """A manager."""
    email = f"owners-{next(_NUMBER)}@example.com"
    made = product.post("members", {"email": email, "name": "Nora", "role": "manager"})["id"]
    path = product.post(f"members/{made}:link", {"purpose": "invitation"})["path"]
    with httpx2.Client(headers={"Sec-Fetch-Site": "same-origin", "Origin": product.address}, timeout=60) as client:
        words = "four plain words together"
        entered = client.post(f"{product.address}{path}", data={"password": words, "again": words})
        assert entered.status_code == 303, entered.text
        yield Colleague(made, product, client)


def builder(product: Product, name: str) -> str:
    email = f"builder-{next(_NUMBER)}@example.com"
    return product.post("members", {"email": email, "name": name, "role": "builder"})["id"]


def seat(product: Product, slug: str, kind: str, member: str) -> httpx2.Response:
    return product.call("PUT", f"agents/{slug}/owners/{kind}/{member}", json={})


def test_d20_owner_and_another_backup_accept_with_a_click(product: Product, colleague: Colleague):
    slug, bea = product.agent("d20"), builder(product, "Bea")
    assert seat(product, slug, "build", bea).status_code == 200
    assert "rights of a manager" in seat(product, slug, "backup", builder(product, "Bo")).json()["detail"]
    assert "both owner and backup" in seat(product, slug, "backup", bea).json()["detail"]
    assert seat(product, slug, "backup", colleague.id).json()["gaps"] != []
    waiting = colleague.call("GET", "ownership/waiting").json()["items"]
    assert [(one["agent_slug"], one["kind"]) for one in waiting] == [(slug, "backup")]
    assert colleague.call("POST", f"agents/{slug}/owners/backup:accept").status_code == 200
    assert colleague.call("POST", f"agents/{slug}/owners/backup:accept").status_code == 409
    owners = {one["kind"]: one["state"] for one in product.get(f"agents/{slug}/owners")["owners"]}
    assert owners == {"build": "asked", "backup": "accepted"}
    said = [
        one for one in product.get("audit", action="agent.owner_accepted")["items"] if one["actor_id"] == colleague.id
    ]
    assert len(said) == 1


def test_d108_a_hand_over_ends_with_the_new_owners_run(product: Product, colleague: Colleague):
    slug, bea = product.agent("d108"), builder(product, "Bea")
    seat(product, slug, "build", bea)
    refused = product.call("DELETE", f"members/{bea}")
    assert (refused.status_code, refused.json()["code"]) == (409, "owns_things")
    assert [(one["kind"], one["seat"]) for one in refused.json()["owns"]] == [("agent", "build")]
    product.post(f"agents/{slug}/handovers", {"to_member_id": colleague.id, "reason": "Bea leaves."})
    product.run(slug)  # Somebody else's.
    assert product.get(f"agents/{slug}/handovers")["items"][0]["state"] == "open"
    assert product.call("DELETE", f"members/{bea}").json()["owns"][0]["kind"] == "handover"
    started = colleague.call("POST", f"agents/{slug}:execute", json={"input": "Go.", "wait": True})
    run = product.ended(started.json()["id"])["run"]
    assert run["state"] == "completed", run
    ended = product.get(f"agents/{slug}/handovers")["items"][0]
    assert (ended["state"], ended["run_id"]) == ("done", run["id"])
    assert product.call("DELETE", f"members/{bea}").status_code == 200


def test_f93_a_request_is_approved_as_asked(product: Product, colleague: Colleague):
    slug = product.agent("f93")
    what = {"agent": slug, "level": "deployer", "reason": "I cover for Ann."}
    made = colleague.call("POST", "access-requests", json=what)
    assert made.status_code == 201, made.text
    own = colleague.call("POST", f"access-requests/{made.json()['id']}:approve")
    assert own.status_code == 403
    asked = product.get("access-requests", state="asked")["items"]
    assert [(one["agent_slug"], one["level"], one["may_decide"]) for one in asked] == [(slug, "deployer", True)]
    product.post(f"access-requests/{made.json()['id']}:approve", {})
    held = [(one["member_id"], one["level"]) for one in product.get(f"agents/{slug}/grants")["items"]]
    assert held == [(colleague.id, "deployer")]
    refused = colleague.call("POST", "access-requests", json={"role": "administrator", "reason": "More."}).json()["id"]
    product.post(f"access-requests/{refused}:refuse", {"reason": "Not needed."})
    mine = colleague.call("GET", "access-requests").json()["items"][0]
    assert (mine["state"], mine["answer"]) == ("refused", "Not needed.")
    assert product.get(f"members/{colleague.id}")["role"] == "manager"
