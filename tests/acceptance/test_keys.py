"""Who programs are: keys, service accounts, roles that are only asked for, and what happens when somebody leaves."""

from __future__ import annotations

import json
from typing import Any

import httpx2

from tests.acceptance.product import Product
from tests.fake_provider import FakeProvider

WRITE = {"workflowId": "", "input": {"text": "x"}}


def account(product: Product, slug: str, role: str, **more: Any) -> str:
    body = {"slug": slug, "name": slug.title(), "role": role, **more}
    return product.post("service-accounts", body)["id"]


def key_of(product: Product, slug: str, preset: str, **more: Any) -> dict[str, str]:
    return product.post("keys", {"name": f"key of {slug}", "preset": preset, "service_account": slug, **more})


def audit(product: Product, action: str) -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in product.call("GET", "audit:export").text.splitlines()]
    # The last line is the signature.
    return [row for row in rows if row.get("action") == action]


def person(product: Product, name: str, role: str, preset: str) -> tuple[str, str]:
    """A member who came by an invitation link; their id, and a key they made for themselves in the browser."""
    invited = {"email": f"{name}@example.com", "name": name.title(), "role": role}
    member = product.post("members", invited)["id"]
    link = product.post(f"members/{member}:link")["path"]
    with httpx2.Client(base_url=product.address, headers={"Sec-Fetch-Site": "same-origin"}) as browser:
        assert browser.post(link, data={"how": "without"}).status_code == 303
        made = browser.post(f"/v1/{product.workspace}/keys", json={"name": "own", "preset": preset})
    assert made.status_code == 201, made.text
    return member, made.json()["key"]


def test_d118_a11_a_write_without_the_role_is_403_and_names_it(product: Product):
    slug = product.agent("a11")
    reader, runner = product.new_key("read-only")["key"], product.new_key("runner")["key"]
    body = {**WRITE, "workflowId": slug, "runId": "a11-run"}
    for key, headers in (
        (reader, {}), (runner, {"x-user-role": "viewer"}), (runner, {"x-user-role": "nobody-knows"}),
        (reader, {"x-user-role": "admin"}),
    ):  # fmt: skip
        answer = product.call("POST", "/v1/orchestrations/run", key=key, json=body, headers=headers)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (403, "AUTHZ_FORBIDDEN"), answer.text
        assert problem["required"] == "run.start"
        assert "run.start" not in problem["granted"]
    assert product.get("runs", agent=slug)["items"] == []
    started = product.call("POST", "/v1/orchestrations/run", key=runner, json=body, headers={"x-user-role": "admin"})
    assert started.status_code == 202, started.text


def test_a12_a_role_that_is_only_asked_for_gives_nothing(product: Product):
    slug = product.agent("a12")
    for role in ("admin", "owner", "administrator", "provider"):
        headers = {"x-user-role": role}
        body = {**WRITE, "workflowId": slug, "runId": f"a12-{role}"}
        answer = product.call("POST", "/v1/orchestrations/run", key="", json=body, headers=headers)
        assert answer.status_code == 401
        assert product.call("GET", "agents", key="", headers=headers).status_code == 401
    owner = {"email": "a12@example.com", "name": "Mallory", "role": "owner"}
    answer = product.call("POST", "members", json=owner, headers={"x-user-role": "owner"})
    assert answer.status_code == 403, "the key is an administrator's, and only an owner makes owners"


def test_a27_who_builds_changes_what_is_theirs(product: Product):
    _, mine = person(product, "ben", "builder", "builder")
    _, hers = person(product, "bea", "builder", "builder")
    where = f"/v1/{product.workspace}/agents"
    made = product.call("POST", where, key=mine, json={"slug": "a27", "name": "A27", "body": product.body("a27")})
    assert made.status_code == 201, made.text
    change = {"description": "changed"}
    assert product.call("PATCH", f"{where}/a27", key=hers, json=change).status_code == 403
    assert product.call("PATCH", f"{where}/a27", key=mine, json=change).status_code == 200
    assert '"description": "changed"' in product.call("GET", "agents/a27").text


def test_a28_two_secrets_while_programs_change_over(product: Product):
    made = product.new_key("read-only")
    new = product.post(f"keys/{made['id']}:rotate", {"overlap_seconds": 3600})["key"]
    for key in (made["key"], new):
        assert product.call("GET", "runs", key=key).status_code == 200
    product.post(f"keys/{made['id']}:end-overlap")
    assert product.call("GET", "runs", key=made["key"]).status_code == 401
    assert product.call("GET", "runs", key=new).status_code == 200
    assert product.call("POST", f"keys/{made['id']}:rotate", json={"overlap_seconds": 86_401}).status_code == 422


def test_f90_a_viewer_reads_and_neither_edits_nor_deploys(product: Product, provider: FakeProvider):
    slug = product.agent("f90")
    run = product.run(slug)["run"]["id"]
    account(product, "f90-viewer", "viewer")
    key = key_of(product, "f90-viewer", "read-only")["key"]
    draft = {"body": product.body(slug, sop="Other."), "version": 1}
    live = {"environment": "production", "revision": "1", "reason": "x"}
    assert product.call("PUT", f"agents/{slug}/draft", key=key, json=draft).status_code == 403
    assert product.call("POST", f"agents/{slug}:live", key=key, json=live).status_code == 403
    assert product.call("GET", f"runs/{run}/steps", key=key).status_code == 200


def test_f91_a_deployer_deploys_and_leaves_the_budget_alone(product: Product):
    slug = product.agent("f91")
    product.revise(slug, sop="Other.")
    account(product, "f91-pipeline", "manager")
    key = key_of(product, "f91-pipeline", "deployer")["key"]
    live = {"environment": "production", "revision": "2", "reason": "f91"}
    assert product.call("POST", f"agents/{slug}:live", key=key, json=live).status_code in (200, 201)
    assert product.call("PUT", "budget", key=key, json={"daily_cap_usd": "1"}).status_code == 403


def test_f94_a_runner_runs_and_is_told_what_deploying_takes(product: Product):
    slug = product.agent("f94")
    key = product.new_key("runner")["key"]
    assert product.call("POST", f"agents/{slug}:execute", key=key, json={"input": "x"}).status_code == 202
    live = {"environment": "production", "revision": "1", "reason": "x"}
    refused = product.call("POST", f"agents/{slug}:live", key=key, json=live)
    assert (refused.status_code, refused.json()["required"]) == (403, "agent.deploy")
    wider = product.call("POST", "keys", key=key, json={"name": "wider", "preset": "admin"})
    assert wider.status_code == 403


def test_f95_automation_stops_with_its_account_and_not_with_a_person(product: Product):
    leaver, own = person(product, "leaver", "administrator", "admin")
    svc = account(product, "f95-nightly", "manager", contact_id=leaver)
    where = f"/v1/{product.workspace}/keys"
    body = {"name": "nightly", "preset": "runner", "service_account": "f95-nightly"}
    automation = [product.call("POST", where, key=own, json=body).json()["key"] for _ in range(2)]

    def statuses() -> list[int]:
        return [product.call("GET", "runs", key=key).status_code for key in (own, *automation)]

    assert statuses() == [200, 200, 200]
    assert product.call("GET", "audit", key=own).status_code == 200
    assert product.call("PATCH", f"members/{leaver}", json={"role": "viewer"}).status_code == 200
    assert product.call("GET", "audit", key=own).status_code == 403, "a demoted member's key narrows at once"
    assert product.call("DELETE", f"members/{leaver}").status_code == 200
    assert statuses() == [401, 200, 200]
    assert product.get(f"service-accounts/{svc}")["is_contact_gone"]
    product.post(f"service-accounts/{svc}:disable")
    assert statuses() == [401, 401, 401]
    assert product.call("DELETE", f"service-accounts/{svc}").json()["code"] == "account_has_keys"
    product.post(f"service-accounts/{svc}:enable")
    assert statuses() == [401, 200, 200]


def test_f96_a_key_that_is_over_is_401_and_its_use_is_in_the_audit(product: Product):
    account(product, "f96-robot", "viewer")
    made = key_of(product, "f96-robot", "read-only")
    assert product.call("GET", "runs", key=made["key"]).status_code == 200
    assert product.call("DELETE", f"keys/{made['id']}").status_code == 200
    never = product.call("GET", "runs", key="so_aaaaaaaaaa_" + "b" * 43).json()
    for _ in range(2):
        refused = product.call("GET", "runs", key=made["key"])
        assert refused.status_code == 401
        told = refused.json()
        assert {**told, "instance": ""} == {**never, "instance": ""}, "nobody learns that it once was good"
    rows = [row for row in audit(product, "key.used_while_revoked") if row["object_id"] == made["id"]]
    assert [(row["detail"]["reason"], row["detail"]["address"]) for row in rows] == [("revoked", "127.0.0.1")]
    (listed,) = product.get("keys", service_account="f96-robot")["items"]
    assert (listed["last_used_address"], listed["refused_address"]) == ("127.0.0.1", "127.0.0.1")
