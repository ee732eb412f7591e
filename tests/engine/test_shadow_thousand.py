"""A thousand answers of a writing agent beside a candidate that would write otherwise, with real MCP servers, a program
and one over HTTP: they hear of the answers only, and these are what they are without a candidate, byte by byte."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import Text, cast, func, select, type_coerce

from signoff.tables.approvals import Approval
from signoff.tables.releases import ShadowPair
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests import kit_postgres
from tests.acceptance.forked import Said, forked_product
from tests.acceptance.product import Product, free_port, until
from tests.acceptance.release_books import store_of
from tests.engine.kit_shadow import over_count
from tests.kit_policy import told_only

pytestmark = pytest.mark.slow

RUNS, ALONE = 1_000, 100
ENDS_SECONDS = 2_400.0
WORK = ([("look", {"n": "{input}"}), ("bank:balance", {"n": "{input}"})],
        [("post", {"n": "{input}"}), ("bank:book", {"n": "{input}"})], "Posted {input}: Zürich, 5 €.")  # fmt: skip
# The candidate also reads what was not read, pays, and repeats a write under other words.
OTHERWISE = ([("look", {"n": "{input}"}), ("bank:balance", {"n": "other {input}"})],
             [("post", {"n": "other {input}"}), ("pay", {"n": "other {input}"}), ("bank:book", {"n": "{input}"})],
             [("bank:transfer", {"n": "more {input}"})], "Otherwise {input}.")  # fmt: skip
BANK = ("balance", "book", "transfer")
BODY: dict[str, Any] = {
    "tools": ("look", "post", "pay"),
    "slots": [{"slot": "bank", "allow": [{"tool": name} for name in BANK]}],
    "gates": [{"name": "payments", "effects": ["irreversible"], "asks": ["owner"]}],
    "rules": {"flow": "off"},
}


@contextmanager
def bank(product: Product) -> Generator[Path]:
    """A real MCP server over HTTP, connected; yields the file of what it carried out."""
    port, lines = free_port(), product.folder / "bank.jsonl"
    server = Path(__file__).parents[1] / "acceptance" / "ledger_http.py"
    process = subprocess.Popen([sys.executable, str(server), str(lines), str(port)])
    address = f"http://127.0.0.1:{port}/mcp"

    def answers() -> bool:
        try:
            return httpx2.get(address, timeout=10).status_code > 0
        except httpx2.HTTPError:
            return False

    try:
        until(answers, "the bank to answer")
        wanted = {"environment": "production", "slug": "bank", "name": "Bank", "kind": "mcp_http",
                  "config": {"url": address}}  # fmt: skip
        made = product.post("connections", wanted)["id"]
        assert product.post(f"connections/{made}:discover")["ok"]
        for name, effect in zip(BANK, ("read", "write", "irreversible"), strict=True):
            product.post(f"connections/{made}/tools/{name}:effect", {"effect": effect})
        yield lines
    finally:
        process.terminate()
        process.wait()


def booked(lines: Path) -> list[tuple[str, str]]:
    """What the bank carried out, in its order."""
    return [(one["tool"], one["n"]) for one in map(json.loads, lines.read_text().splitlines())]


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


def inputs(count: int) -> list[str]:
    return [f"order {number}" for number in range(count)]


def answers(product: Product, store: Store, slug: str, count: int) -> dict[str, tuple[str, bytes]]:
    """Ask for so many runs; return state and output, as it is kept, by input, once all are over."""
    with ThreadPoolExecutor(4) as callers:
        runs = list(callers.map(lambda one: product.execute(slug, one)["id"], inputs(count)))
    assert len(set(runs)) == count

    def ended() -> int:
        with store.read() as session:
            return session.scalar(
                select(func.count()).where(Run.agent_slug == slug, Run.mode == "live", Run.ended_at.is_not(None))
            ) or 0  # fmt: skip

    until(lambda: ended() == count, "the answers", ENDS_SECONDS)
    with store.read() as session:
        kept = (type_coerce if store.is_sqlite else cast)(Run.output, Text)
        rows = session.execute(select(Run.input, Run.state, kept.label("kept")).where(Run.id.in_(runs))).all()
    return {row.input: (row.state, row.kept.encode()) for row in rows}


def test_a_thousand_answers_beside_a_candidate_are_what_they_are_alone_and_nothing_else_is_done(product: Product):
    with bank(product) as lines, store_of(product) as store:
        alone = product.agent("alone", model={"name": "scripted:work"}, **BODY)
        beside = product.agent("beside", model={"name": "scripted:work"}, **BODY)
        product.revise(beside, model={"name": "scripted:otherwise"}, **BODY)
        by_itself = answers(product, store, alone, ALONE)
        of_itself, booked_of_itself = product.ledger(), booked(lines)
        wanted = {"environment": "production", "revision": "2", "reason": "try it",
                  "strategy": {"shadow": {"days": 1, "daily_usd": 1_000}}}  # fmt: skip
        release = product.post(f"agents/{beside}/releases", wanted)["id"]
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
        heard = [(line["tool"], line["args"]["n"]) for line in product.ledger()[len(of_itself) :]]
        heard_by_bank = booked(lines)[len(booked_of_itself) :]
    # Byte by byte what production alone answers, and what it would for the others.
    assert {one: given[one] for one in by_itself} == by_itself
    state, first = by_itself["order 0"]
    assert given == {one: (state, first.replace(b"order 0", one.encode())) for one in inputs(RUNS)}
    assert (state, json.loads(first)) == ("completed", "Posted order 0: Zürich, 5 €.")
    assert {pair.run_id for pair in pairs} == real
    assert {(pair.state, pair.is_equal) for pair in pairs} == {("compared", False)}
    assert {pair.output.split()[0] for pair in pairs} == {"Otherwise"}
    # The program heard of each answer once, and of no shadow: neither a write, nor a read made again.
    assert Counter(heard) == Counter((tool, one) for tool in ("look", "post") for one in inputs(RUNS))
    # So did the bank, but for the read that the answer had not made. It books and transfers nothing for a shadow.
    reads = Counter(("balance", f"{word}{one}") for word in ("", "other ") for one in inputs(RUNS))
    assert Counter(heard_by_bank) == reads + Counter(("book", one) for one in inputs(RUNS))
    assert asked == 0
