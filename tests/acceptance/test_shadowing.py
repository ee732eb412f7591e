"""A candidate in the shadow: it tries what was answered, acts on nothing, and is judged before it goes live."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.product import Product, until
from tests.acceptance.releasing import aged, colleague, facts, released, serving, tell_only
from tests.acceptance.scripts import acts, by_instructions
from tests.fake_provider import Behaviour, FakeProvider

SHADOW = {"shadow": {"days": 1, "min_pairs": 1}}


@pytest.fixture(scope="module")
def shadowing(own_product: Callable[..., Product]) -> Product:
    """A workspace of its own, where the gate only tells."""
    made = own_product().start()
    made.connect()
    tell_only(made)
    return made


def old_and_new(*names: str, new: tuple[str, ...]) -> Behaviour:
    """What serves calls these tools; the candidate those, and answers otherwise."""
    old, other = acts(*names, then="old answer"), acts(*new, then="new answer")
    return by_instructions(lambda sop: other if "new words" in sop else old)


def on_trial(product: Product, name: str, *tools: str, **strategy: Any) -> tuple[str, str]:
    """An agent, and the release that has its second revision in the shadow."""
    slug = product.agent(name, sop="old words", tools=tools)
    product.revise(slug, sop="new words", tools=tools)
    return slug, released(product, slug, 2, strategy={**SHADOW, **strategy})


def compared(product: Product, release: str, number: int) -> list[dict[str, Any]]:
    def look() -> list[dict[str, Any]]:
        found = product.get(f"releases/{release}/pairs", state="compared")["items"]
        return found if len(found) == number else []

    return until(look, f"{number} pairs to be compared")


def judge(product: Product, release: str, pair: dict[str, Any], word: str) -> None:
    said = product.call("POST", f"releases/{release}/pairs/{pair['run_id']}:judge", json={"judgement": word})
    assert said.status_code == 200, said.text


def go_live(product: Product, slug: str, release: str) -> tuple[int | None, str]:
    """Take the last step now; return what serves then, and what kept it back."""
    answer = product.call("POST", f"releases/{release}:promote", json={"reason": "seen enough"})
    kept_back = [f"{one['probe']}: {one['measured']}" for one in answer.json().get("blockers", [])]
    return serving(product, slug), "; ".join(kept_back)


def test_d27_f23_a_shadow_tries_each_input_and_does_nothing_outside(shadowing: Product, provider: FakeProvider):
    slug, release = on_trial(shadowing, "d27", "look", "post", "sign")
    provider.will(slug, old_and_new("look", "post", new=("look", "post", "post")))
    runs = [shadowing.run(slug, f"d27-{number}") for number in range(5)]
    # Who asked got the answer of what serves, and nothing else.
    assert {(one["run"]["revision_number"], one["output"].strip()) for one in runs} == {(1, "old answer")}
    pairs = compared(shadowing, release, 5)
    assert {one["run_id"] for one in pairs} == {one["run"]["id"] for one in runs}
    for tool in ("look", "post"):
        assert [shadowing.done(tool, f"d27-{number}") for number in range(5)] == [1] * 5
    whole = shadowing.get(f"releases/{release}/pairs/{pairs[0]['run_id']}")
    assert (whole["output"].strip(), whole["shadow_output"].strip()) == ("old answer", "new answer")
    assert pairs[0]["named"] == ["output", "new: erp.post"]
    shadow = shadowing.record(pairs[0]["shadow_run_id"])["run"]
    assert (shadow["mode"], shadow["revision_number"], shadow["origin"]) == ("shadow", 2, "test")
    # What it would have written is on record, with the policy that kept it back.
    posts = [one for one in shadowing.steps(shadow["id"]) if one["name"] == "erp.post"]
    assert [(one["state"], one["verdicts"][-1]["policy"]) for one in posts] == [("simulated", "shadow")] * 2


def test_c2_agreement_is_counted_and_people_have_their_say(shadowing: Product, provider: FakeProvider):
    slug, release = on_trial(shadowing, "c2", "look")
    same = acts("look", then="the same")
    provider.will(slug, same)
    shadowing.run(slug, "c2-0")
    compared(shadowing, release, 1)
    provider.will(slug, old_and_new("look", new=("look",)))
    for number in (1, 2):
        shadowing.run(slug, f"c2-{number}")
    newest, before, _ = compared(shadowing, release, 3)
    judge(shadowing, release, newest, "better")
    judge(shadowing, release, before, "worse")
    found = shadowing.get(f"releases/{release}/pairs:agreement")
    assert (found["days"], found["compared"], found["better"], found["worse"]) == (1, 3, 1, 1)
    assert (found["equal"]["hits"], found["agrees"]["hits"], found["agrees"]["of"]) == (1, 1, 2)
    # So few say little, and the interval says that.
    assert found["agrees"]["low"] < 0.2 < 0.8 < found["agrees"]["high"]
    # Whoever judges second is told who was first.
    late = colleague(shadowing, "Nora").call(
        "POST", f"releases/{release}/pairs/{newest['run_id']}:judge", json={"judgement": "worse"}
    )
    assert (late.status_code, late.json()["code"]) == (409, "judged_already")


def test_c1_d28_four_days_in_the_shadow_are_not_five(shadowing: Product, provider: FakeProvider):
    tell_only(shadowing, "shadow.days")
    slug, release = on_trial(shadowing, "c1", "look")
    provider.will(slug, acts("look"))
    for number in range(5):
        shadowing.run(slug, f"c1-{number}")
    pairs = compared(shadowing, release, 5)
    for back in (1, 2, 3):
        aged(shadowing, "shadow_pairs", "made_at", f"-{back} days", "run_id = ?", pairs[back]["run_id"])
    assert go_live(shadowing, slug, release) == (1, "shadow.days: 4 days in the shadow, 5 answers compared.")
    assert facts(shadowing, release)["state"] == "refused"
    aged(shadowing, "shadow_pairs", "made_at", "-4 days", "run_id = ?", pairs[4]["run_id"])
    again = released(shadowing, slug, 2, strategy=SHADOW)
    assert go_live(shadowing, slug, again) == (2, "")
    tell_only(shadowing)


def test_c3_a_difference_that_nobody_judged_keeps_it_from_going_live(shadowing: Product, provider: FakeProvider):
    tell_only(shadowing, "shadow.differences_judged")
    slug, release = on_trial(shadowing, "c3", "look")
    provider.will(slug, old_and_new("look", new=("look",)))
    shadowing.run(slug, "c3")
    (pair,) = compared(shadowing, release, 1)
    item = "shadow.differences_judged: 1 answer differs"
    assert go_live(shadowing, slug, release) == (1, f"{item}: 1 not judged, 0 worse.")
    judge(shadowing, release, pair, "worse")
    again = released(shadowing, slug, 2, strategy=SHADOW)
    assert go_live(shadowing, slug, again) == (1, f"{item}: 0 not judged, 1 worse.")
    judge(shadowing, release, pair, "same")
    last = released(shadowing, slug, 2, strategy=SHADOW)
    assert go_live(shadowing, slug, last) == (2, "")
    tell_only(shadowing)
