"""Looking after an installation: promises and how they are kept, maintenance, the way back, the runbook."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.product import Product, until
from tests.acceptance.releasing import aged, colleague, released, serving, tell_only
from tests.acceptance.scripts import acts
from tests.fake_provider import FakeProvider, text

Make = Callable[..., Product]


@pytest.fixture(scope="module")
def looked_after(own_product: Make) -> Product:
    """A served installation of its own, where the gate only tells."""
    made = own_product().start()
    made.connect()
    tell_only(made)
    return made


def smoke(product: Product, *words: str, code: int | None = 0) -> dict[str, bool]:
    """What `signoff smoke` finds, check by check."""
    asked = ("smoke", "--url", product.address, "--key", product.key, "--json", *words)
    return {one["check"]: one["ok"] for one in json.loads(product.cli(*asked, code=code).stdout)["checks"]}


def test_a32_one_command_goes_back_and_the_smoke_check_sees_it(looked_after: Product, provider: FakeProvider):
    slug = looked_after.agent("a32", sop="old words", tools=("post",))
    looked_after.revise(slug, sop="new words", tools=("post",))
    provider.will(slug, acts("post"))
    released(looked_after, slug, 2)
    plan = looked_after.cli_json("rollback", slug, "--reason", "Wrong accounts.", "--plan", *looked_after.here)
    assert (plan["from_number"], plan["target"]["number"], serving(looked_after, slug)) == (2, 1, 2)
    looked_after.cli("rollback", slug, "--reason", "Wrong accounts.", *looked_after.here)
    assert serving(looked_after, slug) == 1
    found = smoke(looked_after, "--agent", slug, "--input", '"a32"')
    assert found["movement"]
    assert all(found.values())
    run = looked_after.get("runs", agent=slug)["items"][0]
    assert (run["revision_number"], run["state"], looked_after.done("post", "a32")) == (1, "completed", 0)


def test_a33_under_maintenance_writes_are_503_reads_go_on_and_nothing_is_lost(
    looked_after: Product, provider: FakeProvider
):
    slug = looked_after.agent("a33", tools=("post",))
    provider.will(slug, acts("post"))
    wanted = {"input": "a33-held"}
    looked_after.cli("maintenance", "on", "--reason", "The schema goes back.")
    try:
        until(lambda: looked_after.call("POST", f"agents/{slug}:execute", json=wanted).status_code == 503, "the freeze")
        before = len(looked_after.get("runs", agent=slug)["items"])
        refused = looked_after.call("POST", f"agents/{slug}:execute", json=wanted)
        assert (refused.status_code, refused.json()["code"]) == (503, "maintenance")
        assert int(refused.headers["Retry-After"]) >= 1
        assert looked_after.call("PATCH", f"agents/{slug}", json={"name": "x"}).status_code == 503
        assert len(looked_after.get("runs", agent=slug)["items"]) == before
        assert not smoke(looked_after, code=1)["maintenance"]
    finally:
        looked_after.cli("maintenance", "off")
    until(lambda: smoke(looked_after, code=None)["maintenance"], "the end of it")
    assert looked_after.run(slug, "a33")["run"]["state"] == "completed"
    assert looked_after.done("post", "a33") == 1


def test_d121_the_runbook_is_filled_from_what_is_so(looked_after: Product, provider: FakeProvider):
    slug = looked_after.agent("d121", sop="Files bills.")
    looked_after.revise(slug, sop="Files bills in euros.")
    released(looked_after, slug, 2)
    provider.will(slug, text("done"))
    looked_after.run(slug)
    ada, ben = colleague(looked_after, "Ada Owner"), colleague(looked_after, "Ben Backup")
    ada.sit(slug, "build")
    ben.sit(slug, "backup")
    written = looked_after.cli("runbook", slug, *looked_after.here).stdout
    for words in (
        "Build owner: Ada Owner", "Backup: Ben Backup", "1 runs in the last 30 days", "They cost $",
        "Half of the completed runs take less than", "In production revision 1 served before",
        f"signoff rollback {slug}", f"signoff agents pause {slug}",
    ):  # fmt: skip
        assert words in written
    # It follows what is so.
    looked_after.post(f"agents/{slug}:pause", {"reason": "Year end."})
    assert "Year end." in looked_after.cli("runbook", slug, *looked_after.here).stdout


def test_a29_a30_promises_are_counted_and_a_burning_budget_alerts(own_product: Make, provider: FakeProvider):
    product = own_product(serve_words=("--no-worker",)).start()
    slug = product.agent("a30")
    provider.will(slug, text("done"))
    names = {one["name"]: one for one in product.get("objectives")["items"]}
    assert set(names) == {"runs_without_fault", "runs_begin_soon", "requests_answered"}
    assert {one["window_days"] for one in names.values()} == {30}
    for number in range(12):
        product.execute(slug, f"a30-{number}")
    # Nobody took them for two minutes; a promise is one.
    aged(product, "runs", "created_at", "-120 seconds", "state = 'queued'")
    product.popen("worker")

    def soon() -> Any:
        found = next(one for one in product.get("objectives")["items"] if one["name"] == "runs_begin_soon")
        return found if found["events"] == 12 else None

    kept = until(soon, "all twelve to have begun")
    assert (kept["bad"], kept["attained"]) == (12, 0.0)
    assert kept["budget_left"] < 0

    def burning() -> list[Any]:
        return [one for one in product.get("alerts")["items"] if one["kind"] == "slo_burning"]

    until(lambda: len(burning()) == 2, "the alerts", 150)
    # In an hour, and more slowly in six.
    assert {one["key"] for one in burning()} == {"slo:runs_begin_soon:fast", "slo:runs_begin_soon:slow"}
    assert "12 of 12" in burning()[0]["text"]
