"""Canaries and what is watched after a switch: who gets which, both compared, and going back by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.product import Product, until
from tests.acceptance.releasing import evidence, facts, reached, released, serving, tell_only
from tests.acceptance.scripts import by_instructions
from tests.fake_provider import Behaviour, FakeProvider, Reply, status, text

HALF = {"canary": {"steps": [{"share_percent": 50, "minutes": 1}]}}
# The engine looks once a minute, at what ended in stretches of a minute that are over.
LOOKS_SECONDS = 300.0


@pytest.fixture(scope="module")
def shared(own_product: Callable[..., Product]) -> Product:
    """A workspace of its own, where the gate only tells."""
    made = own_product().start()
    made.connect()
    tell_only(made)
    return made


def two_revisions(product: Product, name: str) -> str:
    slug = product.agent(name, sop="old words")
    product.revise(slug, sop="new words")
    return slug


def new_one(behaviour: Behaviour) -> Behaviour:
    """The candidate behaves like this; what serves answers."""
    return by_instructions(lambda sop: behaviour if "new words" in sop else text("fine"))


def runs_of(product: Product, slug: str, count: int, **more: Any) -> list[dict[str, Any]]:
    """So many runs, at once; each as it ended."""
    started = [product.execute(slug, f"{slug} {number}", **more)["id"] for number in range(count)]
    return [product.ended(run)["run"] for run in started]


@pytest.fixture(scope="module")
def going_bad(shared: Product, provider: FakeProvider) -> tuple[str, str]:
    """A canary whose candidate fails every run; it is begun first, because it takes a minute to be found out."""
    slug = two_revisions(shared, "bad")
    provider.will(slug, new_one(status(400, "no")))
    release = released(shared, slug, 2, strategy=HALF)
    runs_of(shared, slug, 60)
    return slug, release


@pytest.fixture(scope="module")
def gone_bad(shared: Product, provider: FakeProvider) -> tuple[str, str]:
    """A release that serves, and fails every run, while its predecessor did well."""
    slug = two_revisions(shared, "watched")
    provider.will(slug, new_one(status(400, "no")))
    runs_of(shared, slug, 20)
    release = released(shared, slug, 2, strategy={"watch_minutes": 10})
    runs_of(shared, slug, 20)
    return slug, release


@pytest.fixture(scope="module")
def going_well(shared: Product, provider: FakeProvider) -> tuple[str, str]:
    """A canary whose candidate never fails and costs half, while what serves fails now and then."""
    slug = two_revisions(shared, "well")
    fails = status(400, "no")

    def what_serves(body: dict[str, Any], number: int) -> Reply:
        return (fails if number % 4 == 0 else text("fine"))(body, number)

    cheap = text("fine", usage=(400, 100))
    provider.will(slug, by_instructions(lambda sop: cheap if "new words" in sop else what_serves))
    release = released(shared, slug, 2, strategy=HALF)
    runs_of(shared, slug, 100)
    return slug, release


@pytest.fixture(autouse=True)
def begun(going_bad: tuple[str, str], gone_bad: tuple[str, str], going_well: tuple[str, str]) -> None:
    """What takes time goes on while the others are checked."""


def test_d25_a_pinned_call_gets_its_revision_and_the_figures_are_kept_apart(shared: Product, provider: FakeProvider):
    slug = two_revisions(shared, "d25")
    provider.will(slug, new_one(status(400, "no")))
    pinned = runs_of(shared, slug, 3, revisionId=2)
    unpinned = runs_of(shared, slug, 4)
    assert Counter((one["revision_number"], one["state"]) for one in pinned) == {(2, "failed"): 3}
    assert Counter((one["revision_number"], one["state"]) for one in unpinned) == {(1, "completed"): 4}
    for number, runs, failed in ((1, 4, 0), (2, 3, 3)):
        (hour,) = shared.get(f"agents/{slug}/signals", revision=number)["hours"]
        assert (hour["runs"], hour["failed"]) == (runs, failed)


def test_d26_a_share_of_the_runs_goes_to_the_candidate_and_each_key_stays(shared: Product):
    slug = two_revisions(shared, "d26")
    strategy = {"canary": {"steps": [{"share_percent": 10, "minutes": 60}, {"share_percent": 50, "minutes": 60}]}}
    release = released(shared, slug, 2, strategy=strategy)

    def who_gets_it() -> set[str]:
        asked = {f"customer-{number}" for number in range(150)}
        got = {key: shared.execute(slug, "x", stickyKey=key) for key in asked}
        return {key for key, run in got.items() if run["revision"] == 2}

    first = who_gets_it()
    # Four standard deviations of a tenth of 150; the salt is the release's own.
    assert 0 < len(first) < 15 + 4 * 3.7
    assert who_gets_it() == first
    shared.post(f"releases/{release}:promote", {"reason": "more of it"})
    second = who_gets_it()
    assert first < second
    assert 75 - 4 * 6.2 < len(second) < 75 + 4 * 6.2
    shared.post(f"releases/{release}:abort", {"reason": "enough"})
    assert who_gets_it() == set()


def test_f22_one_view_compares_both_over_the_same_time(shared: Product, going_well: tuple[str, str]):
    _, release = going_well

    def compared() -> dict[str, Any]:
        found = shared.get(f"releases/{release}/comparison")
        return found if min(found["candidate_runs"], found["live_runs"]) >= 30 else {}

    found = until(compared, "the stretches of time to be over", LOOKS_SECONDS)
    metrics = {one["name"]: one for one in found["metrics"]}
    assert metrics["errors"]["candidate_value"] == 0.0
    assert 0.05 < metrics["errors"]["live_value"] < 0.6
    assert metrics["errors"]["low"] < metrics["errors"]["effect"] < metrics["errors"]["high"]
    assert metrics["cost"]["candidate_value"] == pytest.approx(0.0027)
    # The mean of logarithms: what failed cost next to nothing.
    assert 0 < metrics["cost"]["live_value"] < 0.0057
    assert min(metrics["duration"]["candidate_value"], metrics["duration"]["live_value"]) > 0
    # Nobody has given a score yet.
    assert metrics["score"]["verdict"] == "inconclusive"


def test_d26_a_worse_candidate_is_taken_away_by_itself(shared: Product, going_bad: tuple[str, str]):
    slug, release = going_bad
    found = reached(shared, release, "rolled_back", seconds=LOOKS_SECONDS)
    assert (found["verdict"], found["code"], found["ended_by_name"]) == ("worse", "worse", "Signoff")
    assert "errors 100.0 % against 0.0 %" in found["ended_reason"]
    assert serving(shared, slug) == 1
    assert {one["revision_number"] for one in runs_of(shared, slug, 10)} == {1}
    alerts = shared.get("alerts", agent=slug)["items"]
    assert [one["kind"] for one in alerts if one["resolved_at"] is None] == ["release_rolled_back"]


def test_f19_a31_after_the_switch_it_is_compared_with_before_and_led_back(shared: Product, gone_bad: tuple[str, str]):
    slug, release = gone_bad
    found = reached(shared, release, "rolled_back", seconds=LOOKS_SECONDS)
    assert (found["verdict"], bool(found["live_at"]), serving(shared, slug)) == ("worse", True, 1)
    metrics = {one["name"]: one for one in shared.get(f"releases/{release}/comparison")["metrics"]}
    assert (metrics["errors"]["candidate_value"], metrics["errors"]["live_value"]) == (pytest.approx(1.0), 0.0)
    assert metrics["duration"]["live_runs"] >= 10
    assert {one["revision_number"] for one in runs_of(shared, slug, 5)} == {1}


def test_f71_the_cost_of_a_run_is_compared_with_what_it_was_in_tests(shared: Product, provider: FakeProvider):
    slug = two_revisions(shared, "f71")
    provider.will(slug, text("fine", usage=(1_000, 100)))
    for _ in range(3):
        assert shared.run(slug, revisionId=2, origin="test")["run"]["origin"] == "test"
    released(shared, slug, 2)

    def told() -> tuple[str, str]:
        found = evidence(shared, slug, revision="2", phase="after")["after.cost"]
        return found["status"], found["measured"]

    runs_of(shared, slug, 3)
    assert told() == ("true", "$0.0045 a run against $0.0045 in tests.")
    provider.will(slug, text("dear", usage=(4_000, 100)))
    runs_of(shared, slug, 5)
    assert told() == ("false", "$0.0135 a run against $0.0045 in tests.")


def test_f19_a_good_release_settles_when_its_watch_is_over(shared: Product, provider: FakeProvider):
    slug = two_revisions(shared, "f19")
    release = released(shared, slug, 2, strategy={"watch_minutes": 1})
    runs_of(shared, slug, 3)
    shown = evidence(shared, slug, revision="2", phase="after")
    said = {name: (one["status"], one["measured"]) for name, one in shown.items()}
    assert said["after.first_traffic"] == ("true", "3 runs since it went live.")
    assert said["after.error_rate"] == ("true", "0 of 3 runs failed (0.0 %).")
    # That somebody read some answers, only a person can say.
    assert said["after.spot_checked"] == ("missing", "Nobody has said so.")
    assert facts(shared, release)["state"] == "watching"
    assert reached(shared, release, "settled", seconds=LOOKS_SECONDS)
    assert serving(shared, slug) == 2
