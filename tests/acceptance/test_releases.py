"""Releases: what serves changes at once and whole, runs under way keep theirs, and the way back is one call."""

from __future__ import annotations

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.acceptance.product import Product, until
from tests.acceptance.releasing import ask, evidence, facts, reached, released, serving, tell_only
from tests.acceptance.scripts import acts, by_instructions, gated, instructions
from tests.fake_provider import Behaviour, FakeProvider, text


@pytest.fixture(autouse=True, scope="module")
def telling(product: Product) -> None:
    """These rows are about the switch, not about what keeps it back."""
    tell_only(product)


def two_revisions(product: Product, name: str, **body: Any) -> str:
    """An agent whose first revision serves, and a second one."""
    slug = product.agent(name, sop="old words", **body)
    assert product.revise(slug, sop="new words", **body) == 2
    return slug


def old_or_new() -> Behaviour:
    return by_instructions(lambda sop: text("new" if "new words" in sop else "old"))


def test_d7_a_diff_lists_each_field_that_changed(product: Product):
    slug = product.agent("d7", sop="Post the bill.", tools=("look",), limits={"cost_usd": 1})
    product.revise(
        slug, sop="Post the checked bill.", tools=("look", "post"), limits={"cost_usd": 2},
        model={"settings": {"temperature": 0.5}},
    )  # fmt: skip
    found = product.get(f"agents/{slug}/diff", old="1", new="2")["diff"]
    fields = {field["path"]: (field["old"], field["new"]) for field in found["fields"]}
    assert set(fields) == {"limits.cost_usd", "model.settings.temperature", "tools.erp.post"}
    assert [str(words) for words in fields["limits.cost_usd"]] == ["1", "2"]
    assert "checked" in str([line for line in found["sop_lines"] if line["kind"] != "same"])


@contextmanager
def traffic(product: Product, slug: str) -> Generator[list[dict[str, Any]]]:
    """Callers who start runs without a pause while the block goes on, and then for a while; what they were told."""
    told: list[dict[str, Any]] = []
    ended = threading.Event()

    def caller(number: int) -> None:
        for count in range(10_000):
            answer = product.call("POST", f"agents/{slug}:execute", json={"input": f"{number}-{count}"})
            told.append({**answer.json(), "status": answer.status_code})
            if ended.is_set():
                return

    with ThreadPoolExecutor(4) as callers:
        for number in range(4):
            callers.submit(caller, number)
        yield told
        before = len(told)
        until(lambda: len(told) > before + 20, "some more runs after the switch")
        ended.set()


def test_f13_under_load_each_run_is_wholly_on_one_revision_and_none_fails(product: Product, provider: FakeProvider):
    slug = two_revisions(product, "f13")
    provider.will(slug, old_or_new())
    with traffic(product, slug) as told:
        until(lambda: len(told) > 20, "runs before the switch")
        released(product, slug, 2)
    assert {one["status"] for one in told} == {202}
    runs = [product.ended(one["id"]) for one in told]
    seen = {(one["run"]["state"], one["run"]["revision_number"], one["output"].strip()) for one in runs}
    assert seen == {("completed", 1, "old"), ("completed", 2, "new")}


def test_f14_a_run_begun_before_the_release_ends_on_its_revision(product: Product, provider: FakeProvider):
    slug = two_revisions(product, "f14", tools=("post",))
    gate = threading.Event()
    provider.will(slug, gated(gate, acts("post")))
    run = product.execute(slug, "f14")["id"]
    until(lambda: provider.calls(slug), "the run to be on its way")
    released(product, slug, 2)
    gate.set()
    found = product.ended(run)["run"]
    assert (found["state"], found["revision_number"], product.done("post", "f14")) == ("completed", 1, 1)
    # Its second model call, after the switch, had the orders it began with.
    asked = [instructions(seen.body) for seen in provider.requests if seen.model == slug]
    assert ["old words" in one for one in asked] == [True, True]
    assert product.run(slug, "f14-next")["run"]["revision_number"] == 2


def test_d8_f15_one_call_goes_back_at_once_with_its_reason_on_record(product: Product, provider: FakeProvider):
    slug = two_revisions(product, "d8")
    provider.will(slug, old_or_new())
    shipped = released(product, slug, 2)
    assert product.run(slug)["output"].strip() == "new"
    asked = datetime.now(UTC)
    back = product.post(f"agents/{slug}:roll-back", {"environment": "production", "reason": "Wrong accounts."})["id"]
    found = product.run(slug)
    assert (found["run"]["revision_number"], found["output"].strip()) == (1, "old")
    # The row's own number: in effect within five seconds.
    assert datetime.fromisoformat(found["run"]["created_at"]) - asked < timedelta(seconds=5)
    after = facts(product, back)
    assert (after["is_rollback"], after["reason"], after["rolls_back_id"]) == (True, "Wrong accounts.", shipped)
    assert facts(product, shipped)["state"] == "rolled_back"
    newest = product.get(f"agents/{slug}/deployments")["items"][0]
    assert (newest["is_rollback"], newest["revision_number"], newest["previous_number"]) == (True, 1, 2)
    assert "Wrong accounts." in str(product.get("audit", size=50)["items"])


def test_d21_what_one_would_go_back_to_is_known_and_tried_with_a_click(product: Product):
    slug = two_revisions(product, "d21")
    assert product.get(f"agents/{slug}/rollback-plan")["target"] is None
    made = released(product, slug, 2)
    assert facts(product, made)["previous_number"] == 1
    assert product.get(f"agents/{slug}/rollback-plan")["target"]["number"] == 1
    product.post(f"agents/{slug}:drill", {"environment": "production"})
    (drill,) = product.get(f"agents/{slug}/drills")["items"]
    assert drill["is_passed"]
    # It was only tried.
    assert serving(product, slug) == 2
    may = evidence(product, slug)["rollback.may_pause"]
    assert "may pause it" in may["measured"]


def test_f16_a_refused_attempt_is_kept_with_reason_and_actor(product: Product):
    slug = product.agent("f16", tools=("look",))
    product.revise(slug, tools=("pay",))
    assert ask(product, slug, 2).status_code == 409
    (row,) = product.get(f"agents/{slug}/releases")["items"]
    assert (row["state"], row["code"], row["requested_by_name"]) == ("refused", "gate_missing", "Operator")
    assert "erp.pay" in row["ended_reason"]
    assert serving(product, slug) == 1


def test_d29_f24_a_release_happens_at_its_time_and_can_be_called_off_before(product: Product, provider: FakeProvider):
    first, other = two_revisions(product, "d29"), two_revisions(product, "d29-off")
    when = datetime.now(UTC) + timedelta(seconds=4)
    due = [released(product, slug, 2, strategy={"at": when.isoformat()}) for slug in (first, other)]
    assert [facts(product, one)["state"] for one in due] == ["scheduled", "scheduled"]
    assert product.run(first)["run"]["revision_number"] == 1
    product.post(f"releases/{due[1]}:abort", {"reason": "Not today."})
    happened = reached(product, due[0], "watching", "settled")
    assert datetime.fromisoformat(happened["live_at"]) >= when
    assert (serving(product, first), serving(product, other)) == (2, 1)
    states = [product.get(f"agents/{slug}/releases")["items"][0]["state"] for slug in (first, other)]
    assert states == [happened["state"], "aborted"]
    # What is past or unreadable is no time.
    late = ask(product, other, 2, strategy={"at": (when - timedelta(days=1)).isoformat()})
    assert late.status_code == 422


def test_what_was_written_since_the_promotion_is_listed_with_what_takes_it_back(
    product: Product, provider: FakeProvider
):
    slug = product.agent("written", tools=("post", "sign"))
    provider.will(slug, acts("post"))
    product.run(slug, "act before")
    body = {"tools": ("post", "sign"), "sop": "Two."}
    released(product, slug, product.revise(slug, **body))
    run = product.run(slug, "act since")["run"]["id"]
    plan = product.get(f"agents/{slug}/rollback-plan")
    back = product.post(f"agents/{slug}:roll-back", {"environment": "production", "reason": "Wrong."})["id"]
    for writes in (plan["writes"], product.get(f"releases/{back}/writes")["items"]):
        assert [(one["tool"], one["run_id"], one["args"], one["compensation"]) for one in writes] == [
            ("erp.post", run, {"n": "act since"}, "unpost"),
        ]  # fmt: skip
