"""A thousand answers of a writing agent beside a candidate that would write otherwise, with a real MCP server: it hears
of the answers only, and they are what they are without a candidate."""

from __future__ import annotations

from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from signoff.tables.approvals import Approval
from signoff.tables.releases import ShadowPair
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests import kit_postgres
from tests.acceptance.forked import Said, forked_product
from tests.acceptance.product import Product, until
from tests.acceptance.release_books import store_of
from tests.engine.kit_shadow import over_count
from tests.kit_policy import told_only

pytestmark = pytest.mark.slow

RUNS, ALONE = 1_000, 100
ENDS_SECONDS = 2_400.0
WORK = ([("look", {"n": "{input}"})], [("post", {"n": "{input}"})], "Posted {input}.")
OTHERWISE = ([("look", {"n": "{input}"})], [("post", {"n": "other {input}"}), ("pay", {"n": "other {input}"})],
             [("post", {"n": "more {input}"})], "Otherwise {input}.")  # fmt: skip
BODY: dict[str, Any] = {
    "tools": ("look", "post", "pay"),
    "gates": [{"name": "payments", "effects": ["irreversible"], "asks": ["owner"]}],
    "rules": {"flow": "off"},
}


@pytest.fixture
def product(
    backend: str, tmp_path_factory: pytest.TempPathFactory, postgres_cluster: kit_postgres.Cluster | None
) -> Generator[Product]:
    scripts: dict[str, Said] = {"work": WORK, "otherwise": OTHERWISE}
    with forked_product(backend, tmp_path_factory.mktemp("thousand"), postgres_cluster, scripts) as made:
        made.connect()
        policy = {"text": told_only(), "reason": "a test", "version": 0}
        assert made.call("PUT", "probe-policy", json=policy).is_success
        yield made


def answers(product: Product, store: Store, slug: str, count: int) -> dict[str, tuple[str, str]]:
    """Ask for so many runs; return state and output by input, once all are over."""
    with ThreadPoolExecutor(4) as callers:
        runs = list(callers.map(lambda number: product.execute(slug, f"order {number}")["id"], range(count)))
    assert len(set(runs)) == count

    def ended() -> int:
        with store.read() as session:
            return session.scalar(
                select(func.count()).where(Run.agent_slug == slug, Run.mode == "live", Run.ended_at.is_not(None))
            ) or 0  # fmt: skip

    until(lambda: ended() == count, "the answers", ENDS_SECONDS)
    with store.read() as session:
        rows = session.execute(select(Run.input, Run.state, Run.output).where(Run.id.in_(runs))).all()
    return {row.input: (row.state, row.output) for row in rows}


def test_a_thousand_answers_beside_a_candidate_are_what_they_are_alone_and_nothing_else_is_done(product: Product):
    alone = product.agent("alone", model={"name": "scripted:work"}, **BODY)
    beside = product.agent("beside", model={"name": "scripted:work"}, **BODY)
    product.revise(beside, model={"name": "scripted:otherwise"}, **BODY)
    wanted = {"environment": "production", "revision": "2", "reason": "try it",
              "strategy": {"shadow": {"days": 1, "daily_usd": 1_000}}}  # fmt: skip
    release = product.post(f"agents/{beside}/releases", wanted)["id"]
    with store_of(product) as store:
        by_itself = answers(product, store, alone, ALONE)
        of_itself = product.ledger()
        given = answers(product, store, beside, RUNS)
        until(lambda: over_count(store, release) == RUNS, "the shadows", ENDS_SECONDS)
        with store.read() as session:
            pairs = session.execute(
                select(ShadowPair.run_id, ShadowPair.state, ShadowPair.is_equal, Run.output)
                .join(Run, Run.id == ShadowPair.shadow_run_id)
                .where(ShadowPair.release_id == release)
            ).all()
            real = set(session.scalars(select(Run.id).where(Run.agent_slug == beside, Run.mode == "live")))
            asked = session.scalar(select(func.count()).select_from(Approval))
    # Byte by byte what production alone answers.
    assert {one: given[one] for one in by_itself} == by_itself
    assert given == {f"order {number}": ("completed", f"Posted order {number}.") for number in range(RUNS)}
    assert {pair.run_id for pair in pairs} == real
    assert {(pair.state, pair.is_equal) for pair in pairs} == {("compared", False)}
    assert {pair.output.split()[0] for pair in pairs} == {"Otherwise"}
    # The outside system heard of each answer once, and of no shadow: neither a write, nor a read made again.
    heard = product.ledger()[len(of_itself) :]
    wrote = sorted((line["tool"], line["args"]["n"]) for line in heard)
    assert wrote == sorted((tool, f"order {number}") for tool in ("look", "post") for number in range(RUNS))
    assert asked == 0
