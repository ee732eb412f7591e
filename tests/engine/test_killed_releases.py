"""The served product killed at each move of a release: it was made whole or not at all, and the release goes on."""

from __future__ import annotations

import signal
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

import httpx2
import pytest

from signoff.kit import clock, ids
from signoff.tables.runs import Run, Step
from tests import kit_postgres
from tests.acceptance.forked import ForkedProduct
from tests.acceptance.product import Product, until
from tests.acceptance.release_books import Books, books, left_to_carry, pass_time, runs_of, store_of
from tests.acceptance.scripts import by_instructions
from tests.acceptance.test_approvals import invited
from tests.fake_provider import Behaviour, FakeProvider, fake_provider, text
from tests.kit_policy import told_only
from tests.kit_required import absent

pytestmark = pytest.mark.slow

STEPS = {"canary": {"steps": [{"share_percent": 20, "minutes": 30}, {"share_percent": 60, "minutes": 30}]}}
KEYS = [f"customer-{number}" for number in range(12)]
AFTER = "release-moved-not-told:1"
_NUMBER = count(1)


@dataclass
class Desk:
    """A served product with its database; `die` is a power cut at a named point."""

    product: Product
    provider: FakeProvider
    store: Any
    signer: Any = None
    answers: dict[str, Any] = field(default_factory=dict[str, Any])

    def agent(self) -> str:
        """An agent of which the first revision serves, and a second waits; each says its own number."""
        slug = self.product.agent("kill", sop="Say one.")
        self.product.revise(slug, sop="Say two.")
        self.provider.will(slug, by_instructions(_says))
        return slug

    def books(self, slug: str) -> Books:
        return books(self.store, slug)

    def ask(self, slug: str, strategy: dict[str, Any], *, key: str | None = None, revision: int = 2) -> httpx2.Response:
        wanted = {"environment": "production", "revision": str(revision), "reason": "better", "strategy": strategy}
        headers = {"Idempotency-Key": key or f"ask-{next(_NUMBER)}"}
        return self.product.call("POST", f"agents/{slug}/releases", json=wanted, headers=headers)

    def newest(self, slug: str) -> str:
        return self.product.get(f"agents/{slug}/releases")["items"][0]["id"]

    def decide(self, slug: str, verb: str) -> httpx2.Response:
        return self.product.call("POST", f"releases/{self.newest(slug)}:{verb}", json={"reason": "so"})

    def roll_back(self, slug: str, key: str) -> httpx2.Response:
        wanted = {"environment": "production", "reason": "bad"}
        return self.product.call("POST", f"agents/{slug}:roll-back", json=wanted, headers={"Idempotency-Key": key})

    def sign(self, slug: str) -> httpx2.Response:
        release = self.newest(slug)
        digest = self.product.get(f"releases/{release}")["diff_digest"]
        return self.signer.call(
            "POST", f"releases/{release}:sign", json={"verdict": "approve", "diff_digest": digest, "comment": "read"}
        )

    def start_runs(self, slug: str) -> None:
        for key in KEYS:
            self.product.execute(slug, key, stickyKey=key)

    def die(self, fault: str, act: Any = None) -> None:
        """Serve until the process is killed at `fault`, then serve again."""
        self.product.kill()
        process = self.product.popen("serve", SIGNOFF_TEST_BUILD="1", SIGNOFF_FAULT=fault)
        if act is not None:
            self.product.wait_until_ready(process)
            with suppress(httpx2.HTTPError):
                answered = act()
                pytest.fail(f"the product never came to {fault}: it answered {answered.status_code} {answered.text}")
        assert process.wait(90) == -signal.SIGKILL, f"the product never came to {fault}"
        self.product.processes.clear()
        self.product.start()

    def settle(self, slug: str) -> None:
        """Everything that was started ends, each under the revision it was given, and nothing is left to carry."""
        until(lambda: all(state == "completed" for _, state, _, _ in runs_of(self.store, slug)), "the runs to end")
        assert {(number, output.strip()) for _, _, number, output in runs_of(self.store, slug)} <= {
            (1, "one"), (2, "two"),
        }  # fmt: skip
        until(lambda: left_to_carry(self.store) == [], "the outbox to be empty")
        assert self.product.get("audit:verify")["first_broken_seq"] is None


def _says(sop: str) -> Behaviour:
    return text("one" if "one" in sop else "two")


@pytest.fixture(scope="module")
def provider() -> Generator[FakeProvider]:
    with fake_provider() as running:
        yield running


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def desk(
    request: pytest.FixtureRequest, provider: FakeProvider, tmp_path_factory: pytest.TempPathFactory,
    postgres_cluster: kit_postgres.Cluster | None,
) -> Generator[Desk]:  # fmt: skip
    if request.param == "postgres" and postgres_cluster is None:
        absent(kit_postgres.ABSENT)
    url = postgres_cluster.create("killed_releases") if postgres_cluster and request.param == "postgres" else None
    product = ForkedProduct(tmp_path_factory.mktemp("served"), provider, url).prepare().start()
    product.connect()
    # Nothing holds back; but what can do more than answer is signed by one person.
    policy = told_only()
    for tier in ("medium", "high", "critical"):
        policy = policy.replace(f"{tier}: {{people: 0", f"{tier}: {{people: 1")
    assert product.call("PUT", "probe-policy", json={"text": policy, "reason": "a test", "version": 0}).is_success
    headers = {"Sec-Fetch-Site": "same-origin", "Origin": product.address}
    with store_of(product) as store, httpx2.Client(headers=headers, timeout=60) as client:
        made = Desk(product, provider, store)
        made.signer = invited(product, "Sig", client, role="administrator")
        yield made
    product.close()


# Verb → the way it asks for, what is there afterwards: state, what serves, the share; and every point it passes.
ASKED: dict[str, tuple[dict[str, Any], tuple[str, int, int, bool]]] = {
    "plain": ({}, ("watching", 2, 0, False)),
    "scheduled": ({"at": "soon"}, ("scheduled", 1, 0, False)),
    "shadow": ({"shadow": {"days": 2}}, ("shadow", 1, 0, True)),
    "canary": (STEPS, ("canary", 1, 2_000, False)),
}
POINTS = [
    *[("plain", f"release-{one}:1") for one in ("requested", "gated", "switched", "live", "watching")],
    ("plain", AFTER), ("scheduled", "release-scheduled:1"), ("scheduled", AFTER), ("shadow", "release-shadow:1"),
    ("shadow", AFTER), ("canary", "release-canary:1"), ("canary", AFTER),
]  # fmt: skip


@pytest.mark.parametrize(("way", "fault"), POINTS)
def test_killed_while_it_is_asked_for_a_release_is_there_whole_or_not_at_all(desk: Desk, way: str, fault: str):
    slug, (strategy, wanted) = desk.agent(), ASKED[way]
    if "at" in strategy:
        strategy = {"at": (clock.now() + timedelta(hours=3)).isoformat()}
    before = desk.books(slug)
    desk.start_runs(slug)
    key = f"asked-{next(_NUMBER)}"
    desk.die(fault, lambda: desk.ask(slug, strategy, key=key))
    if fault != AFTER:
        assert desk.books(slug) == before
    # The caller, who heard nothing, asks again and is answered; there is one release.
    again = desk.ask(slug, strategy, key=key)
    assert again.status_code == 201, again.text
    desk.start_runs(slug)
    found = desk.books(slug)
    assert [(one.state, found.live, found.share, found.is_shadowed) for one in found.releases] == [wanted]
    desk.settle(slug)


def _waits_for_a_signature(desk: Desk, slug: str) -> None:
    assert desk.ask(slug, {}).status_code == 201
    assert desk.books(slug).states == ["requested"]


@pytest.mark.parametrize("fault", ["release-signed:1", "release-gated:1", "release-live:1", AFTER])
def test_killed_while_it_is_signed_a_signature_counts_once(desk: Desk, fault: str):
    slug = desk.product.agent("kill", sop="Say one.", tools=("pay",), gates=GATES)
    desk.product.revise(slug, sop="Say two.", tools=("pay",), gates=GATES)
    desk.provider.will(slug, by_instructions(_says))
    _waits_for_a_signature(desk, slug)
    before = desk.books(slug)
    desk.die(fault, lambda: desk.sign(slug))
    if fault == AFTER:
        assert desk.sign(slug).status_code == 409
    else:
        assert desk.books(slug) == before
        assert desk.sign(slug).status_code == 200
    found = desk.books(slug)
    assert (found.live, found.states) == (2, ["watching"])
    assert found.releases[0].kinds.count("signed") == 1
    desk.start_runs(slug)
    desk.settle(slug)


GATES = [{"name": "payments", "effects": ["irreversible"], "asks": ["owner"]}]
# What a person decides, from where, and what it comes to: states, what serves, the share.
DECIDED: dict[str, tuple[dict[str, Any], tuple[list[str], int, int]]] = {
    "promote-step": (STEPS, (["canary"], 1, 6_000)),
    "promote-all": ({"canary": {"steps": [{"share_percent": 20, "minutes": 30}]}}, (["watching"], 2, 0)),
    "promote-shadow": ({"shadow": {"days": 2}, **STEPS}, (["canary"], 1, 2_000)),
    "promote-watch": ({}, (["settled"], 2, 0)),
    "abort-canary": (STEPS, (["aborted"], 1, 0)),
    "abort-shadow": ({"shadow": {"days": 2}}, (["aborted"], 1, 0)),
}
DECISIONS = [
    ("promote-step", "release-step:1"), ("promote-step", AFTER), ("promote-all", "release-switched:1"),
    ("promote-all", "release-watching:1"), ("promote-all", AFTER), ("promote-shadow", "release-canary:1"),
    ("promote-shadow", AFTER), ("promote-watch", "release-settled:1"), ("promote-watch", AFTER),
    ("abort-canary", "release-aborted:1"), ("abort-canary", AFTER), ("abort-shadow", "release-aborted:1"),
    ("abort-shadow", AFTER),
]  # fmt: skip


@pytest.mark.parametrize(("what", "fault"), DECISIONS)
def test_killed_while_a_person_decides_the_decision_holds_or_was_never_made(desk: Desk, what: str, fault: str):
    slug, (strategy, wanted) = desk.agent(), DECIDED[what]
    assert desk.ask(slug, strategy).status_code == 201
    desk.start_runs(slug)
    before, verb = desk.books(slug), what.split("-")[0]
    desk.die(fault, lambda: desk.decide(slug, verb))
    if fault != AFTER:
        assert desk.books(slug) == before
        assert desk.decide(slug, verb).status_code == 200
    found = desk.books(slug)
    assert (found.states, found.live, found.share, found.is_shadowed) == (*wanted, False)
    desk.start_runs(slug)
    desk.settle(slug)


GONE_BACK = [
    ({}, "release-requested:1"), ({}, "release-switched:1"), ({}, "release-live:1"), ({}, "release-rolled-back:1"),
    ({}, AFTER), (STEPS, "release-rolled-back:1"), (STEPS, AFTER),
]  # fmt: skip


@pytest.mark.parametrize(("strategy", "fault"), GONE_BACK)
def test_killed_while_it_is_gone_back_the_caller_asks_again_and_it_is_gone_back_once(
    desk: Desk, strategy: dict[str, Any], fault: str
):
    slug = desk.agent()
    assert desk.ask(slug, strategy).status_code == 201
    desk.start_runs(slug)
    before, key = desk.books(slug), f"back-{next(_NUMBER)}"
    desk.die(fault, lambda: desk.roll_back(slug, key))
    if fault != AFTER:
        assert desk.books(slug) == before
    again = desk.roll_back(slug, key)
    assert again.status_code == 200, again.text
    found = desk.books(slug)
    assert (found.live, found.share) == (1, 0)
    assert found.states == (["rolled_back"] if strategy else ["rolled_back", "settled"])
    desk.start_runs(slug)
    assert {number for _, _, number, _ in runs_of(desk.store, slug)[-len(KEYS) :]} == {1}
    desk.settle(slug)


# What the engine does by itself once its time has come, and what it comes to.
ENGINE: dict[str, tuple[dict[str, Any], int, tuple[list[str], int, int]]] = {
    "due": ({"at": "soon"}, 600, (["watching"], 2, 0)),
    "due-canary": ({"at": "soon", **STEPS}, 600, (["canary"], 1, 2_000)),
    "step": (STEPS, 31, (["canary"], 1, 6_000)),
    "watched": ({"watch_minutes": 30}, 31, (["settled"], 2, 0)),
}
MOVES = [
    ("due", "release-switched:1"), ("due", "release-live:1"), ("due", "release-watching:1"), ("due", AFTER),
    ("due-canary", "release-canary:1"), ("due-canary", AFTER), ("step", "release-step:1"), ("step", AFTER),
    ("watched", "release-settled:1"), ("watched", AFTER),
]  # fmt: skip


@pytest.mark.parametrize(("what", "fault"), MOVES)
def test_killed_at_a_move_of_its_own_the_engine_makes_it_once_when_it_is_back(desk: Desk, what: str, fault: str):
    slug, (strategy, minutes, (states, live, share)) = desk.agent(), ENGINE[what]
    if "at" in strategy:
        strategy = {**strategy, "at": (clock.now() + timedelta(hours=3)).isoformat()}
    assert desk.ask(slug, strategy).status_code == 201
    desk.start_runs(slug)
    desk.product.kill()
    pass_time(desk.store, slug, minutes)
    desk.die(fault)
    until(lambda: desk.books(slug).states == states and desk.books(slug).share == share, "the engine to move it")
    found = desk.books(slug)
    assert (found.live, found.switches) == (live, live - 1)
    assert len(set(found.releases[0].kinds)) == len(found.releases[0].kinds)
    desk.start_runs(slug)
    desk.settle(slug)


def _refuse_a_call(desk: Desk, run_id: str) -> None:
    """Let the trace of a run say that it tried what its revision may not."""
    with desk.store.write() as session:
        run = session.get_one(Run, run_id)
        session.add(
            Step(
                id=ids.new_id("stp"), workspace_id=run.workspace_id, run_id=run_id, leg=1, seq=90, key=f"{run_id}:90",
                kind="tool", name="erp.drop_all", state="refused", code="not_granted", verdicts=[], request={},
                response={}, detail={}, started_at=clock.now(),
            )
        )  # fmt: skip


@pytest.mark.parametrize("fault", ["release-rolled-back:1", AFTER])
def test_killed_while_the_engine_takes_a_forbidden_candidate_back_it_is_taken_back(desk: Desk, fault: str):
    slug = desk.agent()
    assert desk.ask(slug, {"canary": {"cohort": KEYS[:1], "minutes": 30}}).status_code == 201
    desk.start_runs(slug)
    desk.settle(slug)
    (tried,) = [run for run, _, number, _ in runs_of(desk.store, slug) if number == 2]
    desk.product.kill()
    _refuse_a_call(desk, tried)
    pass_time(desk.store, slug, 2)
    desk.die(fault)
    until(lambda: desk.books(slug).states == ["rolled_back"], "the engine to take it back")
    found = desk.books(slug)
    assert (found.live, found.share, found.releases[0].kinds[-1]) == (1, 0, "rolled_back")
    assert found.releases[0].kinds.count("rolled_back") == 1
    (alert,) = [one for one in desk.product.get("alerts")["items"] if one["kind"] == "release_rolled_back"
                and slug in one["text"]]  # fmt: skip
    assert "forbidden" in alert["text"]
    desk.start_runs(slug)
    desk.settle(slug)
