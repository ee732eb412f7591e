"""Two candidates under real traffic, by the product's own clock: the worse one goes back by itself, the equal one takes
its steps."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import ExitStack
from typing import Any

import pytest
from sqlalchemy import select

from signoff.tables.agents import Agent
from signoff.tables.releases import Release, ReleaseEvent
from signoff.tables.session import Store
from tests import kit_postgres
from tests.acceptance.forked import Said, forked_product
from tests.acceptance.product import Product, until
from tests.acceptance.release_books import books, store_of
from tests.acceptance.release_load import Traffic
from tests.kit_policy import told_only

pytestmark = pytest.mark.slow

RATE = 2.0
ENDS_SECONDS = 600.0
LOOK = ([("look", {"n": "1"})], "Looked.")
# By name: what the candidate says, and what of its revision is another.
CANDIDATES: dict[str, tuple[Any, dict[str, Any]]] = {
    "worse": (LOOK, {"limits": {"turns": 1}}),  # It never comes to an answer.
    "equal": (LOOK, {}),
}
LONG = {"canary": {"steps": [{"share_percent": 50, "minutes": 60}]}}
SHORT = {"canary": {"steps": [{"share_percent": 25, "minutes": 1}, {"share_percent": 50, "minutes": 1}]}}


@pytest.fixture
def product(
    backend: str, tmp_path_factory: pytest.TempPathFactory, postgres_cluster: kit_postgres.Cluster | None
) -> Generator[Product]:
    scripts: dict[str, Said] = {"live": LOOK, **{name: said for name, (said, _) in CANDIDATES.items()}}
    with forked_product(backend, tmp_path_factory.mktemp("canaries"), postgres_cluster, scripts) as made:
        made.connect()
        policy = {"text": told_only(), "reason": "a test", "version": 0}
        assert made.call("PUT", "probe-policy", json=policy).is_success
        yield made


def told(store: Store, slug: str) -> list[tuple[str, str | None]]:
    """The timeline of an agent's only release: kind, and the verdict where one was told."""
    with store.read() as session:
        agent = session.scalars(select(Agent.id).where(Agent.slug == slug)).one()
        release = session.scalars(select(Release.id).where(Release.agent_id == agent)).one()
        lines = session.scalars(
            select(ReleaseEvent).where(ReleaseEvent.release_id == release).order_by(ReleaseEvent.seq)
        )
        return [(line.kind, line.detail.get("verdict")) for line in lines]


def code(store: Store, slug: str) -> str | None:
    with store.read() as session:
        agent = session.scalars(select(Agent.id).where(Agent.slug == slug)).one()
        return session.scalars(select(Release.code).where(Release.agent_id == agent)).one()


def test_what_is_worse_goes_back_by_itself_and_what_is_equal_takes_its_steps(product: Product):
    slugs: dict[str, str] = {}
    for name, (_, more) in CANDIDATES.items():
        slug = slugs[name] = product.agent(name, model={"name": "scripted:live"}, tools=("look",))
        product.revise(slug, tools=("look",), **{"model": {"name": f"scripted:{name}"}, **more})
    with store_of(product) as store, ExitStack() as stack:
        traffic = {name: stack.enter_context(Traffic(product, slug, RATE, callers=1)) for name, slug in slugs.items()}
        for name, slug in slugs.items():
            wanted = {"environment": "production", "revision": "2", "reason": "better",
                      "strategy": SHORT if name == "equal" else LONG}  # fmt: skip
            product.post(f"agents/{slug}/releases", wanted)
        until(lambda: books(store, slugs["worse"]).states == ["rolled_back"], "the worse one to go", ENDS_SECONDS)
        until(
            lambda: {"live", "undecided"} & {kind for kind, _ in told(store, slugs["equal"])},
            "the end of the steps", ENDS_SECONDS,
        )  # fmt: skip
        stack.pop_all().close()
        faults = [fault for one in traffic.values() for fault in one.faults]
        found = {name: books(store, slug) for name, slug in slugs.items()}
        lines = {name: told(store, slug) for name, slug in slugs.items()}
        codes = {name: code(store, slug) for name, slug in slugs.items()}
        alerts = [one["text"] for one in product.get("alerts")["items"] if one["kind"] == "release_rolled_back"]
    assert faults == []
    assert codes["worse"] == "worse"
    # The first look that found it worse is the one that took it back: no interval went by in between.
    assert lines["worse"][-2:] == [("compared", "worse"), ("rolled_back", None)]
    assert (found["worse"].live, found["worse"].share, found["worse"].switches) == (1, 0, 0)
    assert any(slugs["worse"] in text for text in alerts)
    kinds = [kind for kind, _ in lines["equal"]]
    assert kinds.count("step") == 1
    assert "rolled_back" not in kinds
    # Live by itself where it is known to do as well; else a person decides, at the last step.
    assert found["equal"].live == 2 or (found["equal"].share, found["equal"].states) == (5_000, ["canary"])
