"""The gate with the policy it ships with: each item of the checklists made false and true, and the gate moves with it.

The candidate is the second revision of an agent that pays, so nearly everything keeps it back.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.product import Product
from tests.acceptance.releasing import (
    GATE,
    Colleague,
    aged,
    colleague,
    evidence,
    kept_back_by,
    released,
    serving,
    set_policy,
    tell_only,
)
from tests.acceptance.scripts import acts
from tests.fake_provider import FakeProvider, status, text
from tests.kit_policy import told_only

SHIPPED = "version: 1\n"


@pytest.fixture(scope="module")
def strict(own_product: Callable[..., Product]) -> Product:
    """A workspace that says nothing of its own about what a release needs."""
    made = own_product().start()
    made.connect()
    return made


@pytest.fixture(scope="module")
def nora(strict: Product) -> Colleague:
    """Somebody who wrote no revision."""
    return colleague(strict, "Nora")


def candidate(product: Product, name: str, **more: Any) -> str:
    """An agent that pays, whose first revision serves, and the second is to."""
    body = {"tools": ("look", "pay"), "gates": [GATE], **more}
    slug = product.agent(name, **body)
    product.revise(slug, **{**body, "sop": "Two."})
    return slug


def tried(product: Product, slug: str, who: Colleague, verdict: str, n: str) -> str:
    """A run of the candidate whose payment somebody approves or denies; returns how it ended."""
    run = product.run(slug, n, revisionId=2)["run"]["id"]
    (request,) = product.get("approvals", run=run)["items"]
    said = who.call("POST", f"approvals/{request['id']}:{verdict}", json={"reason": "as agreed"})
    assert said.status_code == 200, said.text
    return product.ended(run, ("completed", "failed"))["run"]["state"]


def vouch(who: Product | Colleague, slug: str, probe: str, kind: str, **more: Any) -> tuple[int, Any]:
    word = {"environment": "production", "probe": probe, "kind": kind, "reason": "as agreed", "days": 14, **more}
    answer = who.call("POST", f"agents/{slug}/vouchings", json=word)
    return answer.status_code, answer.json()


def test_d10_f18_what_is_unmet_blocks_and_a_waiver_takes_a_name_and_a_reason(strict: Product, nora: Colleague):
    slug = candidate(strict, "d10")
    before = set(kept_back_by(strict, slug))
    assert serving(strict, slug) == 1
    shown = evidence(strict, slug)
    # All six sections of the checklist have a say, and what blocks is what is shown as unmet.
    asked = {one["group"] for one in shown.values() if one["severity"] == "block"}
    assert asked >= {"testing", "connections", "human", "cost", "owner", "rollback"}
    unmet = {one for one, found in shown.items() if found["status"] in ("false", "missing", "stale")}
    assert before == {one for one in unmet if shown[one]["severity"] == "block"}
    assert vouch(nora, slug, "cost.within_budget", "waive", reason="")[0] == 422
    assert vouch(nora, slug, "cost.within_budget", "waive", days=365)[0] == 422
    assert vouch(nora, slug, "human.irreversible_gated", "waive")[1]["code"] == "safety_probe"
    assert set(kept_back_by(strict, slug)) == before
    status, made = vouch(nora, slug, "cost.within_budget", "waive", reason="Ten runs in all.")
    assert status == 201
    assert before - set(kept_back_by(strict, slug)) == {"cost.within_budget"}
    waived = evidence(strict, slug)["cost.within_budget"]
    assert waived["status"] == "waived"
    assert "Nora (administrator) let it pass until" in waived["measured"]
    assert "Ten runs in all." in waived["measured"]
    # It lapses: nobody has to take it back.
    aged(strict, "vouchings", "expires_at", "-15 days", "id = ?", made["id"])
    assert "The word of Nora lapsed" in kept_back_by(strict, slug)["cost.within_budget"]


def test_d11_the_third_completed_run_of_this_revision_turns_it(strict: Product, provider: FakeProvider):
    slug = candidate(strict, "d11")
    provider.will(slug, text("done"))
    for number in (1, 2, 2, 2):
        assert "testing.end_to_end" in kept_back_by(strict, slug)
        assert strict.run(slug, revisionId=number)["run"]["state"] == "completed"
    assert "testing.end_to_end" not in kept_back_by(strict, slug)
    assert serving(strict, slug) == 1


def test_d12_the_gate_was_seen_denied_and_the_denial_handled(strict: Product, provider: FakeProvider, nora: Colleague):
    slug = candidate(strict, "d12")
    nora.sit(slug, "approver")
    provider.will(slug, acts("pay"))
    both = {"testing.gates_exercised", "testing.denial_handled"}
    assert both <= set(kept_back_by(strict, slug))
    assert tried(strict, slug, nora, "approve", "d12-yes") == "completed"
    assert both <= set(kept_back_by(strict, slug))
    assert tried(strict, slug, nora, "deny", "d12-no") == "completed"
    assert not both & set(kept_back_by(strict, slug))
    assert (strict.done("pay", "d12-yes"), strict.done("pay", "d12-no")) == (1, 0)


def test_d13_an_error_blocks_until_somebody_has_looked_at_it(strict: Product, provider: FakeProvider):
    slug = candidate(strict, "d13")
    strict.run(slug, revisionId=2)
    assert "testing.no_unexplained_error" not in kept_back_by(strict, slug)
    provider.will(slug, status(400, "no"))
    failed = strict.run(slug, revisionId=2)["run"]
    assert failed["state"] == "failed"
    assert failed["code"] in kept_back_by(strict, slug)["testing.no_unexplained_error"]
    strict.post(f"runs/{failed['id']}:acknowledge", {"reason": "The provider's key had ended."}, status=(200, 204))
    assert "testing.no_unexplained_error" not in kept_back_by(strict, slug)


def test_d14_known_gaps_are_written_down_with_the_revision(strict: Product, nora: Colleague):
    slug = candidate(strict, "d14")
    assert "testing.edge_cases" in kept_back_by(strict, slug)
    gaps = {"reason": "Bills in yen are handed over.", "revision": "2"}
    assert vouch(strict, slug, "testing.edge_cases", "attest", **gaps)[1]["code"] == "own_revision"
    assert vouch(nora, slug, "testing.edge_cases", "attest", **gaps)[0] == 201
    assert "testing.edge_cases" not in kept_back_by(strict, slug)
    (word,) = strict.get(f"agents/{slug}/vouchings")["items"]
    revision = strict.get(f"agents/{slug}/revisions/2")["facts"]["id"]
    assert (word["by_name"], word["reason"], word["revision_id"]) == ("Nora", gaps["reason"], revision)
    # Of another revision nobody has said it.
    strict.revise(slug, tools=("look", "pay"), gates=[GATE], sop="Three.")
    assert "testing.edge_cases" in kept_back_by(strict, slug, 3)


def test_d15_d16_what_another_environment_uses_or_a_person_owns_is_red(strict: Product, nora: Colleague):
    connection = strict.connect("d15")
    wanted = {"connection_id": connection, "name": "D15_KEY", "value": "planted-d15"}
    own = nora.call("POST", "secrets", json={**wanted, "whose": "personal"}).json()["id"]
    slug = candidate(strict, "d15", slot="d15", secrets=["D15_KEY"])
    items = ("connections.right_environment", "connections.service_accounts", "secrets.exist")

    def red() -> list[str]:
        found = kept_back_by(strict, slug)
        return [one for one in items if one in found]

    assert red() == ["connections.service_accounts", "secrets.exist"]
    granted = nora.call("PUT", f"secrets/{own}/grants/{slug}", json={"reason": "for the check"})
    assert granted.status_code == 200, granted.text
    assert red() == ["connections.service_accounts"]
    assert nora.call("POST", f"secrets/{own}/share", json={"reason": "d15"}).status_code == 200
    assert red() == []
    strict.connect("d15", environment="staging")
    assert red() == ["connections.right_environment"]


def test_d17_a_tool_that_nobody_is_asked_about_is_named(strict: Product):
    made = strict.connect("d17")
    strict.post(f"connections/{made}/tools/sign:effect", {"effect": "send"})
    slug = candidate(strict, "d17", slot="d17", tools=("sign",), gates=[])
    assert "d17.sign" in kept_back_by(strict, slug)["human.outward_gated"]
    gate = {**GATE, "effects": ["send"], "name": "mail"}
    assert strict.revise(slug, slot="d17", tools=("sign",), gates=[gate]) == 3
    assert "human.outward_gated" not in kept_back_by(strict, slug, 3)


def test_d18_what_it_costs_in_a_day_has_to_fit(strict: Product):
    slug = candidate(strict, "d18")
    cost = float(strict.run(slug, revisionId=2)["run"]["cost_usd"])
    strict.call("PUT", "limits", json={"covers": "production", "scope": "agent", "target": slug, "daily_usd": "5"})
    for runs, fits in ((int(10 / cost), False), (1, True)):
        set_policy(strict, SHIPPED + f"expected:\n  {slug}: {{runs_per_day: {runs}}}\n")
        found = kept_back_by(strict, slug)
        assert ("cost.within_budget" not in found) == fits


def test_d19_it_has_to_be_done_within_what_was_promised(strict: Product, provider: FakeProvider):
    slug = candidate(strict, "d19")
    provider.will(slug, text("slow", pause_seconds=0.6))
    strict.run(slug, revisionId=2)
    for seconds, fits in ((1, False), (60, True)):
        set_policy(strict, SHIPPED + f"expected:\n  {slug}: {{run_seconds_max: {seconds}}}\n")
        found = kept_back_by(strict, slug)
        assert ("cost.latency_within_sla" not in found) == fits


def test_d20_the_owner_has_to_accept(strict: Product, nora: Colleague):
    slug = candidate(strict, "d20")
    assert {"owner.named", "owner.accepted"} <= set(kept_back_by(strict, slug))
    assert strict.call("PUT", f"agents/{slug}/owners/build/{nora.id}", json={}).status_code == 200
    assert kept_back_by(strict, slug)["owner.accepted"] == "Nora has not accepted yet."
    assert nora.call("POST", f"agents/{slug}/owners/build:accept").status_code == 200
    assert not {"owner.named", "owner.accepted"} & set(kept_back_by(strict, slug))


def test_a36_three_people_have_to_be_named(strict: Product, nora: Colleague):
    slug = candidate(strict, "a36")
    for seat, who in (("build", nora), ("operations", colleague(strict, "Olga")), ("backup", colleague(strict, "Max"))):
        assert "owner.three_named" in kept_back_by(strict, slug)
        who.sit(slug, seat)
    assert "owner.three_named" not in kept_back_by(strict, slug)
    assert serving(strict, slug) == 1


def test_d22_switching_a_connection_off_flips_its_item(strict: Product):
    made = strict.connect("d22")
    slug = candidate(strict, "d22", slot="d22")
    before = kept_back_by(strict, slug)
    assert strict.call("POST", f"connections/{made}:disable", json={}).status_code == 200
    after = kept_back_by(strict, slug)
    assert set(after) - set(before) == {"connections.bound"}
    assert after["connections.bound"] == "production: switched off: d22."
    shown = evidence(strict, slug)["connections.bound"]
    assert (shown["status"], shown["links"][0]) == ("false", f"/agents/{slug}/tools")


def test_f60_a_deployed_agent_tells_by_name_what_it_lacks(strict: Product):
    first, second = strict.connect("f60-first"), strict.connect("f60-second")
    secret = strict.post("secrets", {"connection_id": first, "name": "F60_KEY", "value": "planted-f60"})["id"]
    slug = strict.agent("f60", secrets=["F60_KEY"])
    slots = [{"slot": slot, "allow": [{"tool": "look"}]} for slot in ("f60-first", "f60-second")]
    version = strict.get(f"agents/{slug}/draft")["version"]
    body = {**strict.body(slug, secrets=["F60_KEY"]), "tools": slots}
    strict.call("PUT", f"agents/{slug}/draft", json={"body": body, "version": version})
    strict.post(f"agents/{slug}/revisions", {"reason": "two systems"})
    strict.call("PUT", f"secrets/{secret}/grants/{slug}", json={"reason": "for the check"})
    released(strict, slug, 2)

    def told() -> tuple[str, str]:
        found = evidence(strict, slug)
        return found["connections.bound"]["status"], found["secrets.exist"]["status"]

    assert told() == ("true", "true")
    strict.call("DELETE", f"secrets/{secret}/grants/{slug}")
    strict.call("POST", f"connections/{second}:disable", json={})
    assert told() == ("false", "false")
    found = evidence(strict, slug)
    assert "Not granted to the agent: F60_KEY" in found["secrets.exist"]["measured"]
    assert "switched off: f60-second" in found["connections.bound"]["measured"]


def test_a2_a_red_check_blocks(strict: Product):
    connection = strict.connect("a2")
    secret = strict.post("secrets", {"connection_id": connection, "name": "A2_KEY", "value": "planted-a2"})["id"]
    slug = candidate(strict, "a2", slot="a2", secrets=["A2_KEY"])
    before = kept_back_by(strict, slug)
    assert strict.call("DELETE", f"secrets/{secret}").status_code == 200
    after = kept_back_by(strict, slug)
    assert set(after) - set(before) == {"product.checks_passed"}
    assert "unknown_secret" in after["product.checks_passed"]


def test_c9_a_drill_is_measured_and_more_than_five_minutes_fail(strict: Product):
    slug = strict.agent("c9")
    strict.revise(slug, sop="Two.")
    released(strict, slug, 2)
    assert evidence(strict, slug)["rollback.drilled"]["status"] == "missing"
    strict.post(f"agents/{slug}:drill", {"environment": "production"})
    (drill,) = strict.get(f"agents/{slug}/drills")["items"]
    assert drill["is_passed"]
    assert evidence(strict, slug)["rollback.drilled"]["status"] == "true"
    slow = "update drills set milliseconds = 300001 where id = ?"
    with sqlite3.connect(strict.data / "signoff.sqlite") as database:
        database.execute(slow, (drill["id"],))
    found = evidence(strict, slug)["rollback.drilled"]
    assert (found["status"], found["measured"]) == ("false", "The last drill took 5 min and passed.")


def test_c43_each_box_has_a_probe_with_its_result_or_the_word_of_somebody(strict: Product, nora: Colleague):
    slug = candidate(strict, "c43")
    found = {**evidence(strict, slug), **evidence(strict, slug, phase="after")}
    boxes = {
        int(number)
        for one in found.values()
        for words in re.findall(r"Production checklist, lines? ([0-9, and]+)", one["source"])
        for number in re.findall(r"[0-9]+", words)
    }
    assert len(boxes) == 27
    assert all(one["measured"] and one["wanted"] for one in found.values())
    # A result has its moment, and what was measured too long ago counts as missing.
    checked = found["connections.checked"]
    assert (checked["status"], bool(checked["measured_at"])) == ("true", True)
    aged(strict, "connections", "checked_at", "-2 days", "slug = 'erp'")
    assert "older than 1 day" in kept_back_by(strict, slug)["connections.checked"]
    strict.connect("c43")
    assert vouch(nora, slug, "rollback.pause_known", "attest")[0] == 201
    said = evidence(strict, slug)["rollback.pause_known"]
    assert said["status"] == "attested"
    assert said["measured"].startswith("Nora (administrator) said so until")


def test_a1_a_release_without_what_it_needs_is_refused_naming_it(strict: Product):
    connection = strict.connect("a1")
    slug = candidate(strict, "a1", slot="a1", tools=("look",), gates=[])
    for lacking in ("environment", "revision", "reason"):
        wanted = {"environment": "production", "revision": "2", "reason": "why"}
        del wanted[lacking]
        refused = strict.call("POST", f"agents/{slug}/releases", json=wanted)
        assert refused.status_code == 422
        assert lacking in refused.text
    strict.call("POST", f"connections/{connection}:disable", json={})
    assert kept_back_by(strict, slug) == {"connections.bound": "production: switched off: a1."}
    assert serving(strict, slug) == 1
    strict.call("POST", f"connections/{connection}:enable", json={})
    made = strict.get(f"releases/{released(strict, slug, 2)}")
    # What it was let in by is kept: the digest, the state of the schema, who asked and why.
    assert made["evidence"]["product.migrations_at_head"]["status"] == "true"
    assert made["evidence"]["product.revision_intact"]["status"] == "true"
    assert (serving(strict, slug), made["facts"]["reason"]) == (2, "a check")


def test_d24_who_wrote_it_cannot_be_the_one_who_approves_it(strict: Product, nora: Colleague):
    tell_only(strict, critical=1)
    slug, author = strict.agent("d24", tools=("look", "pay"), gates=[GATE]), colleague(strict, "Ada")
    body = {"body": strict.body(slug, sop="Two.", tools=("look", "pay"), gates=[GATE]), "version": 1}
    assert author.call("PUT", f"agents/{slug}/draft", json=body).status_code == 200
    assert author.call("POST", f"agents/{slug}/revisions", json={"reason": "second"}).status_code == 201
    wanted = {"environment": "production", "revision": "2", "reason": "why", "strategy": {}}
    asked = author.call("POST", f"agents/{slug}/releases", json=wanted)
    assert asked.status_code == 201, asked.text
    release = asked.json()["id"]
    found = strict.get(f"releases/{release}")
    assert (found["facts"]["state"], found["reviewers_wanted"]) == ("requested", 1)
    yes = {"verdict": "approve", "diff_digest": found["diff_digest"]}
    refused = author.call("POST", f"releases/{release}:sign", json=yes)
    assert (refused.status_code, refused.json()["code"]) == (403, "own_release")
    assert serving(strict, slug) == 1
    # Of another diff somebody else has said nothing either.
    other = nora.call("POST", f"releases/{release}:sign", json={**yes, "diff_digest": "0" * 64})
    assert (other.status_code, other.json()["code"]) == (409, "diff_changed")
    assert nora.call("POST", f"releases/{release}:sign", json=yes).status_code == 200
    assert serving(strict, slug) == 2
    set_policy(strict, SHIPPED)


def test_a_tier_is_raised_by_the_policy_and_lowered_by_nothing(strict: Product):
    grave, harmless = candidate(strict, "tiers"), strict.agent("tiers-harmless")
    strict.revise(harmless, sop="Two.")
    strict.post(
        "agents", {"slug": "tiers-said", "name": "x", "body": {**strict.body("tiers-said"), "risk_tier": "low"}}
    )
    said = strict.call("POST", "agents/tiers-said/revisions", json={"reason": "first"})
    assert (said.status_code, "risk_tier" in said.text) == (422, True)  # An agent's own text has no such field.

    def tier(slug: str) -> tuple[str, str]:
        found = strict.get(f"agents/{slug}/evidence", revision="2")
        return found["tier"], found["tier_reasons"][0]

    as_computed = tier(grave), tier(harmless)
    assert [level for level, _ in as_computed] == ["critical", "low"]
    for declared in ("low", "critical"):
        lines = [f"  {slug}: {{risk_tier: {declared}}}" for slug in (grave, harmless)]
        set_policy(strict, "\n".join([SHIPPED + "expected:", *lines, ""]))
        assert tier(grave) == as_computed[0]
        assert tier(harmless)[0] == declared
    assert tier(harmless)[1] == "It was declared critical; what the revision can do is low."
    # The tier decides what keeps it back, who signs, and which way is proposed.
    assert "owner.named" in kept_back_by(strict, harmless)
    set_policy(strict, "\n".join([told_only().replace("people: 0", "people: 2"), "expected:", *lines, ""]))
    made = strict.call("POST", f"agents/{harmless}/releases", json={
        "environment": "production", "revision": "2", "reason": "as proposed",
    })  # fmt: skip
    assert made.status_code == 201, made.text
    found = strict.get(f"releases/{made.json()['id']}")
    assert (found["facts"]["tier"], found["facts"]["state"], found["reviewers_wanted"]) == ("critical", "requested", 2)
    assert set(found["facts"]["strategy"]) >= {"shadow", "canary"}
    set_policy(strict, SHIPPED)
