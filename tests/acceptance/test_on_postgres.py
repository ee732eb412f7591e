"""The checks whose answer could differ on Postgres, and those that need a database that goes away."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Generator

import pytest

from tests import kit_postgres
from tests.acceptance.line import Line, line_to
from tests.acceptance.product import Product, until
from tests.acceptance.scripts import acts, asked, gated, turns
from tests.acceptance.test_agents import check_one_live
from tests.acceptance.test_starting import check_one_effect
from tests.fake_provider import FakeProvider, text, tool_calls
from tests.kit_required import absent

pytestmark = pytest.mark.postgres

Make = Callable[..., Product]
# The row's own number.
OUTAGE_SECONDS = 60.0


@pytest.fixture(scope="module")
def cluster(postgres_cluster: kit_postgres.Cluster | None) -> kit_postgres.Cluster:
    """The tests' own Postgres server."""
    if postgres_cluster is None:
        absent(kit_postgres.ABSENT)
    return postgres_cluster


@pytest.fixture(scope="module")
def line(cluster: kit_postgres.Cluster) -> Generator[Line]:
    """The line on which the product reaches its database."""
    with line_to(cluster.host, cluster.port) as running:
        yield running


@pytest.fixture(scope="module")
def on_postgres(cluster: kit_postgres.Cluster, line: Line, own_product: Make) -> Product:
    url = cluster.create("acceptance").replace(f":{cluster.port}/", f":{line.port}/")
    product = own_product(url).start()
    product.connect()
    return product


def test_d4_of_callers_that_promote_at_once_one_wins_on_postgres(on_postgres: Product):
    check_one_live(on_postgres)


def test_c8_the_same_input_at_once_has_one_effect_on_postgres(on_postgres: Product, provider: FakeProvider):
    check_one_effect(on_postgres, provider, "c8-postgres")


def test_a14_another_worker_takes_over_on_postgres(on_postgres: Product, provider: FakeProvider):
    slug = on_postgres.agent("a14", tools=("post", "look"))
    gate = threading.Event()
    look = gated(gate, tool_calls(("erp_look", {"n": "a14"})))
    provider.will(slug, turns(tool_calls(("erp_post", {"n": "a14"})), look, text("done")))
    run = on_postgres.execute(slug)["id"]
    until(lambda: provider.calls(slug) == 2, "the run to be between its acts")
    second = on_postgres.popen("worker")
    until(lambda: "Working as" in on_postgres.log(), "the second worker to work")
    (first,) = (process for process in on_postgres.processes if process is not second)
    first.send_signal(signal.SIGKILL)
    first.wait()
    gate.set()
    on_postgres.processes.remove(first)
    on_postgres.start("--no-worker")
    assert on_postgres.ended(run)["run"]["state"] == "completed"
    assert on_postgres.done("post", "a14") == 1
    on_postgres.stop()
    on_postgres.start()


def health(product: Product) -> tuple[int, int]:
    """Is it ready, is it alive."""
    return tuple(product.call("GET", path, key="").status_code for path in ("/v1/health", "/v1/health/live"))  # pyright: ignore[reportReturnType]


@pytest.mark.slow
def test_a6_health_is_not_well_without_the_database(on_postgres: Product, line: Line):
    assert health(on_postgres) == (200, 200)
    line.cut()
    try:
        until(lambda: health(on_postgres) == (503, 200), "health to say so")
        told = on_postgres.call("GET", "/v1/health", key="").json()
        assert "database" in str(told)
    finally:
        line.mend()
    until(lambda: health(on_postgres) == (200, 200), "health to be well again")


@pytest.mark.slow
def test_c22_an_outage_of_the_database_loses_no_record(on_postgres: Product, line: Line, provider: FakeProvider):
    slug = on_postgres.agent("c22", tools=("post", "look"))
    gate = threading.Event()
    first = gated(gate, lambda body, number: tool_calls(("erp_post", {"n": asked(body)}))(body, number))
    provider.will(slug, turns(first, acts("post", "look"), text("done")))
    names = [f"c22-{number}" for number in range(5)]
    runs = [on_postgres.execute(slug, name, inputKey=name)["id"] for name in names]
    until(lambda: provider.calls(slug) >= len(runs), "all runs to be at their first model call")
    line.cut()
    gate.set()
    started = time.monotonic()
    try:
        # Whoever asks during the outage is told to come back; nothing of it is kept.
        late = {"input": "c22-late", "inputKey": "c22-late"}
        refused = on_postgres.call("POST", f"agents/{slug}:execute", json=late)
        assert (refused.status_code, refused.headers["Retry-After"].isdigit()) == (503, True)
        until(lambda: time.monotonic() - started > OUTAGE_SECONDS, "the outage to be over", OUTAGE_SECONDS * 2)
    finally:
        line.mend()
    until(lambda: health(on_postgres) == (200, 200), "health to be well again")
    for run in runs:
        found = on_postgres.ended(run)
        assert found["run"]["state"] == "completed", found["run"]["reason"]
        kinds = [step["kind"] for step in on_postgres.steps(run)]
        assert kinds == ["model", "tool", "model", "tool", "model"]
    asked_again = on_postgres.run(slug, "c22-late", inputKey="c22-late")
    assert asked_again["run"]["state"] == "completed"
    assert [on_postgres.done("post", name) for name in [*names, "c22-late"]] == [1] * 6
    assert on_postgres.get("audit:verify")["first_broken_seq"] is None
