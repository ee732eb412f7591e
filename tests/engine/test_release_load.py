"""Two minutes of runs over HTTP while what serves is released, put on trial and rolled back, again and again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator
from itertools import cycle
from typing import Any

import pytest
from sqlalchemy import func, select

from signoff.tables.runs import Leg, Run, Step
from tests import kit_postgres
from tests.acceptance.forked import Said, forked_product
from tests.acceptance.product import Product, until
from tests.acceptance.release_books import books, store_of
from tests.acceptance.release_load import Served, Traffic, shares, within
from tests.kit_policy import told_only

pytestmark = pytest.mark.slow

SECONDS, RATE = 120.0, 50.0
# How long each thing is left as it is.
PAUSE_SECONDS = 3.0
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

    def __init__(self, product: Product, slug: str) -> None:
        self._product, self._slug = product, slug
        self._live, self._before, self._since = 1, 1, time.monotonic()
        self._candidate: int | None = None
        self._share, self._salt = 0, ""
        self.served: list[Served] = []
        self.done: Counter[str] = Counter()

    def _post(self, what: str, path: str, body: dict[str, Any]) -> str:
        """Change something: what was true until it was asked for, and from when on something else is."""
        self.served.append(Served(self._since, time.monotonic(), self._live, self._candidate, self._share, self._salt))
        made = self._product.post(path, {"reason": "load", **body}, status=(200, 201))
        self._since = time.monotonic()
        self.done[what] += 1
        return str(made.get("id", ""))

    def _set(self, live: int, candidate: int | None = None, share: int = 0, salt: str = "") -> None:
        self._live, self._candidate, self._share, self._salt = live, candidate, share, salt

    def _ask(self, what: str, number: int, strategy: dict[str, Any]) -> str:
        wanted = {"environment": "production", "revision": str(number), "strategy": strategy}
        return self._post(what, f"agents/{self._slug}/releases", wanted)

    def deploy(self) -> None:
        number, self._before = self._live % REVISIONS + 1, self._live
        self._ask("deploy", number, {})
        self._set(number)

    def canary(self) -> None:
        number = self._live % REVISIONS + 1
        made = self._ask("canary", number, STEPS)
        self._set(self._live, number, 2_000, made)

    def step(self) -> None:
        self._post("step", f"releases/{self._salt}:promote", {})
        self._set(self._live, self._candidate, 6_000, self._salt)

    def finish(self) -> None:
        assert self._candidate is not None
        self._post("finish", f"releases/{self._salt}:promote", {})
        self._set(self._candidate)

    def undo(self) -> None:
        """Go back from what was just released."""
        self._post("undo", f"agents/{self._slug}:roll-back", {"environment": "production"})
        self._set(self._before)

    def back(self) -> None:
        """Take the canary away."""
        self._post("back", f"agents/{self._slug}:roll-back", {"environment": "production"})
        self._set(self._live)


def test_no_run_is_lost_or_on_two_revisions_and_every_share_holds_under_load(product: Product):
    policy = {"text": told_only(), "reason": "a test", "version": 0}
    assert product.call("PUT", "probe-policy", json=policy).is_success
    slug = product.agent("load", model={"name": "scripted:r1"})
    for number in range(2, REVISIONS + 1):
        product.revise(slug, model={"name": f"scripted:r{number}"})
    director = Director(product, slug)
    acts = cycle(
        [director.canary, director.step, director.finish, director.canary, director.back, director.deploy,
         director.undo]
    )  # fmt: skip
    with Traffic(product, slug, RATE) as traffic:
        stop = time.monotonic() + SECONDS
        while time.monotonic() < stop:
            time.sleep(PAUSE_SECONDS)  # The traffic is what is waited for: some of it for each thing that is true.
            next(acts)()
    print(f"{traffic.reached:.1f} runs a second of {RATE:g}; {len(traffic.asked)} runs; {dict(director.done)}")
    assert traffic.faults == []
    ids = [one.run for one in traffic.asked]
    assert len(set(ids)) == len(ids)
    with store_of(product) as store:

        def states() -> Counter[str]:
            with store.read() as session:
                return Counter(dict(session.execute(select(Run.state, func.count()).group_by(Run.state)).all()))

        until(lambda: states() == {"completed": len(ids)}, "every run to end", ENDS_SECONDS)
        with store.read() as session:
            runs = {run.id: (run.revision_number, str(run.output)) for run in session.scalars(select(Run))}
            legs = Counter(session.scalars(select(Leg.run_id)))
            thoughts = Counter(session.scalars(select(Step.run_id).where(Step.kind == "model")))
        found = books(store, slug)
    # Each run ended once, under the revision its caller was told, and with that revision's answer.
    assert {one.run: (one.revision, f"By {one.revision}.") for one in traffic.asked} == runs
    assert set(legs.values()) == set(thoughts.values()) == {1}
    assert found.states.count("canary") + found.states.count("watching") <= 2
    pairs = within(traffic.asked, director.served)
    # Exactly what the bucket of its key says, so a key stays where it was while a share grows.
    assert [(one, what) for one, what in pairs if one.revision != what.revision_for(one.key)] == []
    measured = shares(pairs)
    print(measured)
    assert all(low <= hits <= high for _, hits, low, high in measured.values())
    assert {2_000, 6_000} <= set(measured)
