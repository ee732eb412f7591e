"""Roles, from outside: every one against the published table, what is whose to see, and the owner of last resort."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest

from tests.acceptance.product import Product
from tests.acceptance.test_rights import Colleague, invited

Invite = Callable[[str], Colleague]
ROLES = ("administrator", "manager", "builder", "member", "viewer")


@pytest.fixture
def invite(product: Product) -> Generator[Invite]:
    """Somebody of a role, who came by an invitation and is signed in."""
    with ExitStack() as people:
        yield lambda role: people.enter_context(invited(product, role))


def asked_about_another(slug: str, agent: str, run: str) -> dict[str, tuple[str, str, Any]]:
    """Requests about an agent and a run of somebody else: `own` does not reach them."""
    return {
        "agent.edit": ("PATCH", f"agents/{slug}", {"description": "changed"}),
        "agent.deploy": ("POST", f"agents/{slug}:live", {"environment": "staging", "revision": "1", "reason": "d103"}),
        "agent.share": ("POST", f"agents/{slug}/grants", {"member_id": "mem_nobody", "level": "viewer"}),
        "run.read": ("GET", f"runs/{run}", None),
        "run.start": ("POST", f"agents/{slug}:execute", {"input": "d103"}),
        "freeze.order": ("POST", "freezes", {"scope": "agent", "target_id": agent, "reason": "d103"}),
    }


def asked_at_large(role: str) -> dict[str, tuple[str, str, Any]]:
    """Requests about the workspace."""
    return {
        "agent.create": ("POST", "agents", {"slug": f"d103-{role}", "name": "D103"}),
        "audit.read": ("GET", "audit", None),
        "budget.read": ("GET", "budget", None),
        "secret.read": ("GET", "secrets", None),
        "connection.read": ("GET", "connections", None),
        "alert.read": ("GET", "alerts", None),
        "member.manage": ("POST", "members", {"email": f"{role}-d103@example.com", "name": "D", "role": "viewer"}),
        "role.manage": ("POST", "roles", {"slug": f"d103-{role}", "name": "D103", "permissions": {}}),
        "service_account.manage": ("POST", "service-accounts", {"slug": f"d103-{role}", "name": "D", "role": "viewer"}),
    }


def wrong(answer: httpx2.Response, action: str, may: bool) -> str:
    if may:
        return "" if answer.status_code not in (401, 403) else f"refused: {answer.text[:200]}"
    told = answer.status_code == 403 and answer.json()["required"] == action
    return "" if told else f"not refused: {answer.status_code} {answer.text[:200]}"


def test_d103_every_role_may_what_the_published_table_says(product: Product, invite: Invite):
    slug = product.agent("d103")
    agent, run = product.get(f"agents/{slug}")["agent"]["id"], product.run(slug)["run"]["id"]
    table = {one["slug"]: one["permissions"] for one in product.get("roles")["items"]}
    found: list[str] = []
    allowed = 0
    for role in ROLES:
        who = invite(role)
        for of_all, requests in ((True, asked_about_another(slug, agent, run)), (False, asked_at_large(role))):
            for action, (method, path, body) in requests.items():
                far = table[role].get(action)
                may = far == "all" or (far == "own" and not of_all)
                allowed += may
                problem = wrong(who.call(method, path, json=body) if body else who.call(method, path), action, may)
                found += [f"{action} by {role}: {problem}"] if problem else []
    assert found == []
    # Both answers occurred, many times.
    assert 20 < allowed < 60


def test_d104_a_builder_changes_own_agents_only(product: Product, invite: Invite):
    theirs, bea = product.agent("d104"), invite("builder")
    made = bea.call("POST", "agents", json={"slug": "d104-own", "name": "Own", "body": product.body("d104-own")})
    assert made.status_code == 201, made.text
    change = {"description": "Bea's words"}
    assert bea.call("PATCH", "agents/d104-own", json=change).status_code == 200
    refused = bea.call("PATCH", f"agents/{theirs}", json=change)
    assert (refused.status_code, refused.json()["required"]) == (403, "agent.edit")
    assert product.get(f"agents/{theirs}")["agent"]["description"] == ""


def test_d105_a_member_sees_own_runs_only(product: Product, invite: Invite):
    slug, mel = product.agent("d105"), invite("member")
    theirs = product.run(slug)["run"]["id"]
    mine = mel.call("POST", f"agents/{slug}:execute", json={"input": "mine", "wait": True}).json()["id"]
    listed = mel.call("GET", "runs", params={"agent": slug}).json()["items"]
    assert [one["id"] for one in listed] == [mine]
    assert mel.call("GET", f"runs/{mine}").status_code == 200
    for path in (f"runs/{theirs}", f"runs/{theirs}/steps", f"runs/{theirs}/messages"):
        assert mel.call("GET", path).status_code in (403, 404), path


def test_d106_an_administrator_sees_the_runs_of_all(product: Product, invite: Invite):
    slug, mel, ada = product.agent("d106"), invite("member"), invite("administrator")
    theirs = product.run(slug)["run"]["id"]
    mels = mel.call("POST", f"agents/{slug}:execute", json={"input": "mine", "wait": True}).json()["id"]
    listed = ada.call("GET", "runs", params={"agent": slug}).json()["items"]
    assert {one["id"] for one in listed} == {theirs, mels}
    assert ada.call("GET", f"runs/{mels}/steps").json()["items"] != []


def test_d94_who_may_not_share_makes_no_shared_secret(product: Product, invite: Invite):
    connection = product.connect("d94")
    mel, bea, max_ = invite("member"), invite("builder"), invite("manager")
    shared = {"connection_id": connection, "name": "D94_SHARED", "value": "planted-d94"}
    for who in (mel, bea):
        assert who.call("POST", "secrets", json=shared).status_code == 403
    own = {**shared, "name": "D94_OWN", "whose": "personal"}
    assert mel.call("POST", "secrets", json=own).status_code == 403
    made = bea.call("POST", "secrets", json=own)
    assert made.status_code == 201, made.text
    assert bea.call("POST", f"secrets/{made.json()['id']}/share", json={"reason": "d94"}).status_code == 403
    assert max_.call("POST", "secrets", json=shared).status_code == 201
    names = {one["name"]: one["principal"] for one in product.get("secrets", size=200)["items"]}
    assert (names["D94_OWN"], names["D94_SHARED"]) == ("personal", "service")


def test_d109_the_owner_of_last_resort_stops_any_agent(product: Product, invite: Invite):
    slug, ada, max_ = product.agent("d109"), invite("administrator"), invite("manager")
    founder = product.get(f"/v1/{product.workspace}")["last_resort_id"]
    assert product.call("PUT", "last-resort", json={"member_id": max_.id}).status_code in (409, 422)
    assert product.call("PUT", "last-resort", json={"member_id": ada.id}).status_code == 200
    assert product.call("DELETE", f"members/{ada.id}").status_code == 409
    assert ada.call("POST", f"agents/{slug}:disable", json={"reason": "emergency"}).status_code == 200
    rejected = product.call("POST", f"agents/{slug}:execute", json={"input": "d109", "wait": True})
    assert "disabled" in rejected.text
    assert product.steps(rejected.json()["id"]) == [] if rejected.status_code < 300 else True
    assert product.call("PUT", "last-resort", json={"member_id": founder}).status_code == 200
