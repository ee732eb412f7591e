"""Incidents: how bad by rule, seen to by name, learnt from; what broke becomes a case."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.product import Product, until
from tests.acceptance.releasing import released, serving, tell_only
from tests.acceptance.scripts import acts
from tests.fake_provider import FakeProvider, status, text


@pytest.fixture(scope="module")
def ward(own_product: Callable[..., Product]) -> Product:
    """A workspace of its own, where nothing keeps a release back."""
    made = own_product().start()
    made.connect()
    tell_only(made)
    return made


def declared(ward: Product, title: str, **more: Any) -> str:
    return ward.post("incidents", {"title": title, **more})["id"]


def move(ward: Product, incident: str, what: str, **words: Any) -> int:
    return ward.call("POST", f"incidents/{incident}:{what}", json=words).status_code


def facts(ward: Product, incident: str) -> dict[str, Any]:
    return ward.get(f"incidents/{incident}")["facts"]


def kinds(ward: Product, incident: str) -> list[str]:
    return [one["kind"] for one in ward.get(f"incidents/{incident}/timeline")["items"]]


def failing_agent(ward: Product, provider: FakeProvider, name: str) -> str:
    """An agent that has one turn and needs two: each of its runs fails."""
    slug = ward.agent(name, tools=("look",), limits={"turns": 1})
    provider.will(slug, acts("look", "look"))
    return slug


def failed_run(ward: Product, slug: str, given: str) -> str:
    found = ward.run(slug, given)["run"]
    assert found["state"] == "failed"
    return found["id"]


def evaluated(ward: Product, slug: str, dataset: str, **more: Any) -> str:
    made = ward.post(f"agents/{slug}:evaluate", {"dataset": dataset, **more}, status=202)["id"]
    until(lambda: ward.get(f"evaluations/{made}")["facts"]["state"] == "completed", "the evaluation to complete")
    return made


def test_d122_a_sev1_pauses_its_agent_and_begins_timeline_and_postmortem(ward: Product, provider: FakeProvider):
    slug = ward.agent("d122")
    provider.will(slug, text("fine"))
    assert ward.run(slug)["run"]["state"] == "completed"
    made = declared(ward, "It pays twice", severity="sev1", agent=slug, words="Three suppliers called.")
    refused = ward.call("POST", f"agents/{slug}:execute", json={"input": "Go."})
    assert (refused.status_code, refused.json()["code"]) == (409, "agent_paused")
    assert facts(ward, made)["severity"] == "sev1"
    assert kinds(ward, made) == ["opened", "paused"]
    template = ward.get(f"incidents/{made}/postmortem")["text"]
    parts = ("# SEV-1: It pays twice", "## Impact", "## Cause", "## The deploy", "## Timeline", "## What was learnt")
    assert [part for part in parts if part not in template] == []
    assert "Three suppliers called." in template
    assert "agent.paused" in [one["action"] for one in ward.get("audit")["items"]]


def test_a34_what_is_seen_gives_the_severity_by_rule(ward: Product, provider: FakeProvider):
    seen = {"unavailable": "sev1", "errors": "sev2", "other": "sev3"}
    by_hand = {one: facts(ward, declared(ward, one, symptom=one))["severity"] for one in seen}
    rules = ward.get("incident-rules")
    assert by_hand == seen == {one["name"]: one["severity"] for one in rules["symptoms"]}
    signs = {one["kind"]: one["symptom"] for one in reversed(rules["alerts"])}
    assert (signs["provider_failing"], signs["release_rolled_back"]) == ("unavailable", "errors")
    slug = ward.agent("a34", model={"name": "sick:a34"})
    provider.will("a34", status(503, "overloaded"))
    for number in range(5):
        assert ward.run(slug, f"a34-{number}")["run"]["state"] == "failed"
    alert = next(one for one in ward.get("alerts")["items"] if one["kind"] == "provider_failing")

    def opened() -> list[dict[str, Any]]:
        return [one for one in ward.get("incidents", size=200)["items"] if one["alert_id"] == alert["id"]]

    (found,) = until(opened, "the incident to open by itself")
    assert (found["severity"], found["state"], found["opened_by_name"]) == ("sev1", "open", "Signoff")
    assert alert["occurrences"] > 1


def test_a35_acknowledging_keeps_who_and_when_and_what_follows_is_kept(ward: Product):
    made = declared(ward, "It is slow")
    assert move(ward, made, "acknowledge", words="I look at it.") == 200
    found = facts(ward, made)
    assert (found["state"], found["acknowledged_by_name"]) == ("acknowledged", ward.get("/v1/me")["name"])
    assert found["acknowledged_at"] >= found["opened_at"]
    assert move(ward, made, "acknowledge") == 409
    ward.post(f"incidents/{made}/timeline", {"words": "Over by noon."}, status=201)
    task = ward.post(f"incidents/{made}/tasks", {"title": "Watch the queue"}, status=201)["id"]
    assert move(ward, made, "mitigate") == move(ward, made, "resolve") == 200
    ward.post(f"incidents/{made}/tasks/{task}:done")
    whole = ward.get(f"incidents/{made}")
    assert whole["facts"]["state"] == "resolved"
    assert kinds(ward, made) == ["opened", "acknowledged", "said", "task", "mitigated", "resolved", "task_done"]
    assert [one["done_at"] is not None for one in whole["tasks"] if one["id"] == task] == [True]
    ticked = [one["title"] for one in whole["tasks"] if one["kind"] == "checklist" and one["done_at"]]
    assert ["Acknowledge" in ticked[0], "Mitigate" in ticked[1]] == [True, True]


def test_f106_one_action_makes_each_failing_run_a_case(ward: Product, provider: FakeProvider):
    slug = failing_agent(ward, provider, "f106")
    runs = [failed_run(ward, slug, "order 1"), failed_run(ward, slug, "order 2")]
    made = declared(ward, "Orders fail", agent=slug)
    assert ward.post(f"incidents/{made}/runs:gather")["added"] == 2
    dataset = ward.post(f"agents/{slug}/datasets", {"name": "Regressions", "is_golden": True})["id"]
    first = ward.post(f"incidents/{made}/cases", {"dataset": dataset})["examples"]
    assert ward.post(f"incidents/{made}/cases", {"dataset": dataset})["examples"] == first
    found = [ward.get(f"datasets/{dataset}/examples/{one}") for one in first]
    assert sorted(one["from_run_id"] for one in found) == sorted(runs)
    assert [one["is_critical"] for one in found] == [True, True]
    evaluated(ward, slug, dataset, revision=1)
    # From now on the same would be caught: what served then fails on them.
    assert sorted(ward.get(f"incidents/{made}")["postmortem"]["cases"]["would_catch"]) == sorted(first)


def test_f107_the_record_names_deploy_evaluation_and_whether_a_case_would_have_caught_it(
    ward: Product, provider: FakeProvider
):
    slug = ward.agent("f107", sop="old words")
    ward.revise(slug, sop="new words")
    provider.will(slug, text("fine"))
    dataset = ward.post(f"agents/{slug}/datasets", {"name": "Golden", "is_golden": True})["id"]
    ward.post(f"datasets/{dataset}/examples", {"examples": [{"input": "order 1", "expected": "fine"}]})
    evaluation = evaluated(ward, slug, dataset, revision=2)
    release = released(ward, slug, 2)
    until(lambda: serving(ward, slug) == 2, "revision 2 to serve")
    made = declared(ward, "It says fine to everything", agent=slug, symptom="errors")
    assert ward.make_live(slug, 1).status_code < 300  # What serves later changes nothing of what served then.
    found = ward.get(f"incidents/{made}")["postmortem"]
    assert (found["deploy"]["release_id"], found["deploy"]["revision_number"]) == (release, 2)
    assert (found["evaluation"]["id"], found["caught"]) == (evaluation, "unknown")
    said = {
        "version": 1,
        "cause": "No case said no.",
        "lessons": "Add one.",
        "caught": "no",
        "caught_by": "None asked.",
    }
    assert ward.call("PUT", f"incidents/{made}/postmortem", json=said).status_code == 200
    text_of_it = ward.get(f"incidents/{made}/postmortem")["text"]
    wanted = (release, evaluation, "Would a case have caught it? No. None asked.")
    assert [one for one in wanted if one not in text_of_it] == []
