"""Runs asked for over HTTP while what serves is released, put on trial and rolled back, again and again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from typing import Any

import pytest
from sqlalchemy import func, select

from signoff.kit import clock
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import Environment
from signoff.tables.runs import Leg, Run, Step
from signoff.tables.session import Store
from tests import kit_postgres
from tests.acceptance.forked import Said, forked_product
from tests.acceptance.product import Product, until
from tests.acceptance.release_books import books, store_of
from tests.acceptance.release_load import Traffic
from tests.acceptance.release_shares import Accepted, Held, lost_or_doubled, misplaced, mixed, shares
from tests.kit_policy import told_only

pytestmark = pytest.mark.slow

RATE = 50.0
# How often all is done, and how many runs are accepted under each thing that is true. By count and not by time: a busy
# machine takes longer, and judges as many.
ROUNDS, RUNS_EACH = 4, 120
ENDS_SECONDS = 900.0
STEPS = {"canary": {"steps": [{"share_percent": 20, "minutes": 600}, {"share_percent": 60, "minutes": 600}]}}
REVISIONS = 3


@pytest.fixture
def product(
    backend: str, tmp_path_factory: pytest.TempPathFactory, postgres_cluster: kit_postgres.Cluster | None
) -> Generator[Product]:
    """On SQLite one process serves and works; on Postgres another works beside it."""
    scripts: dict[str, Said] = {f"r{number}": (f"By {number}.",) for number in range(1, REVISIONS + 1)}
    with forked_product(backend, tmp_path_factory.mktemp("load"), postgres_cluster, scripts, has_worker=True) as made:
        yield made


class Director:
    """Releases, canaries and rollbacks, each through the API; keeps what was true between two of them."""

    def __init__(self, product: Product, slug: str, store: Store) -> None:
        self._product, self._slug, self._store = product, slug, store
        self._before, self._release = 1, ""
        self._now = Held(clock.now(), clock.now(), 1)
        self.held: list[Held] = []
        self.done: Counter[str] = Counter()

    def _post(self, what: str, path: str, body: dict[str, Any]) -> str:
        """Change something: what was true until it was asked for, and from when on something else may be."""
        self.held.append(Held(**{**vars(self._now), "until": clock.now()}))
        made = self._product.post(path, {"reason": "load", **body}, status=(200, 201))
        self.done[what] += 1
        return str(made.get("id", ""))

    def _hold(self, live: int, candidate: int | None = None, share: int = 0) -> None:
        """From now on this is true. The salt of a canary is told to nobody, so it is read where it is kept."""
        with self._store.read() as session:
            row = session.execute(
                select(LiveRevision.share, LiveRevision.salt)
                .join(Environment, Environment.id == LiveRevision.environment_id)
                .where(Environment.slug == "production")
            ).one()
        assert row.share == share
        moment = clock.now()
        self._now = Held(moment, moment, live, candidate, share, row.salt or "")

    def _ask(self, what: str, number: int, strategy: dict[str, Any]) -> str:
        wanted = {"environment": "production", "revision": str(number), "strategy": strategy}
        return self._post(what, f"agents/{self._slug}/releases", wanted)

    def deploy(self) -> None:
        self._before, number = self._now.live, self._now.live % REVISIONS + 1
        self._ask("deploy", number, {})
        self._hold(number)

    def canary(self) -> None:
        number = self._now.live % REVISIONS + 1
        self._release = self._ask("canary", number, STEPS)
        self._hold(self._now.live, number, 2_000)

    def step(self) -> None:
        self._post("step", f"releases/{self._release}:promote", {})
        self._hold(self._now.live, self._now.candidate, 6_000)

    def finish(self) -> None:
        assert self._now.candidate is not None
        self._post("finish", f"releases/{self._release}:promote", {})
        self._hold(self._now.candidate)

    def undo(self) -> None:
        """Go back from what was just released."""
        self._post("undo", f"agents/{self._slug}:roll-back", {"environment": "production"})
        self._hold(self._before)

    def back(self) -> None:
        """Take the canary away."""
        self._post("back", f"agents/{self._slug}:roll-back", {"environment": "production"})
        self._hold(self._now.live)


def accepted(store: Store) -> list[Accepted]:
    with store.read() as session:
        rows = session.execute(select(Run.id, Run.created_at, Run.sticky_key, Run.revision_number, Run.output)).all()
    return [Accepted(*row[:4], str(row[4])) for row in rows]


def states(store: Store) -> Counter[str]:
    with store.read() as session:
        return Counter(dict(session.execute(select(Run.state, func.count()).group_by(Run.state)).all()))


def test_no_run_is_lost_or_on_two_revisions_and_every_share_holds_under_load(product: Product):
    policy = {"text": told_only(), "reason": "a test", "version": 0}
    assert product.call("PUT", "probe-policy", json=policy).is_success
    slug = product.agent("load", model={"name": "scripted:r1"})
    for number in range(2, REVISIONS + 1):
        product.revise(slug, model={"name": f"scripted:r{number}"})
    with store_of(product) as store:
        director = Director(product, slug, store)
        acts = [director.canary, director.step, director.finish, director.canary, director.step, director.back,
                director.deploy, director.undo]  # fmt: skip
        with Traffic(product, slug, RATE) as traffic:
            for act in acts * ROUNDS:
                enough = len(traffic.asked) + RUNS_EACH
                until(lambda enough=enough: traffic.faults or len(traffic.asked) >= enough, "runs", ENDS_SECONDS)
                act()
        asked = traffic.asked
        print(f"{traffic.reached:.1f} runs a second of {RATE:g}; {len(asked)} runs; {dict(director.done)}")
        assert traffic.faults == []
        until(lambda: states(store) == {"completed": len(asked)}, "every run to end", ENDS_SECONDS)
        runs, found = accepted(store), books(store, slug)
        with store.read() as session:
            legs = Counter(session.scalars(select(Leg.run_id)))
            thoughts = Counter(session.scalars(select(Step.run_id).where(Step.kind == "model")))
    # Each request that was accepted became one run, which ended once, wholly under the revision its caller was told.
    assert lost_or_doubled(asked, runs) == []
    assert mixed(runs, {number: f"By {number}." for number in range(1, REVISIONS + 1)}) == []
    assert legs.keys() == thoughts.keys() == {run.id for run in runs}
    assert set(legs.values()) == set(thoughts.values()) == {1}
    # Exactly what the bucket of its key says, so a key stays where it was while a share grows.
    assert misplaced(runs, director.held) == []
    measured = shares(runs, director.held)
    print(measured)
    assert {2_000, 6_000} == measured.keys()
    assert all(one.holds and one.count >= ROUNDS * RUNS_EACH // 2 for one in measured.values())
    assert found.states.count("canary") + found.states.count("watching") <= 2
