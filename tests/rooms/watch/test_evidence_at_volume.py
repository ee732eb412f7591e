"""Evidence of a revision that runs a lot: many runs of one kind hide none of another."""

from __future__ import annotations

from typing import Any

from signoff.kit import clock, ids
from signoff.tables.agents import Agent
from signoff.tables.runs import Run
from signoff.tables.session import Store
from signoff.watch.probes import load_runs, recent
from tests.rooms.watch.kit_probes import DAY
from tests.rooms.watch.test_evidence import Scene, add_run, result, scene

__all__ = ["scene"]  # The fixture.


def add_many(store: Store, like: str, count: int, **values: Any) -> None:
    """Add many runs like one, in one go."""
    with store.write() as session:
        row = session.get_one(Run, like)
        kept = {column.key: getattr(row, column.key) for column in Run.__table__.columns}
        session.add_all([Run(**{**kept, "id": ids.new_id("run"), **values}) for _ in range(count)])


def test_thousands_of_shadows_hide_no_run_that_was_tried_before(store: Store, scene: Scene):
    tried = [add_run(store, scene) for _ in range(3)]
    items = ("testing.end_to_end", "product.staging_smoke", "budgets.run_limit_fits", "testing.no_unexplained_error")
    before = {item: result(store, scene, item).status for item in items}
    assert set(before.values()) == {"true"}
    add_many(store, tried[0], recent.RUNS_MAX + 1, mode="shadow", environment_id=scene.production)
    assert {item: result(store, scene, item).status for item in items} == before


def test_a_canarys_runs_hide_no_run_in_staging(store: Store, scene: Scene):
    tried = add_run(store, scene)
    add_many(store, tried, recent.RUNS_MAX + 1, origin="production", environment_id=scene.production)
    assert result(store, scene, "product.staging_smoke").measured == "The last run outside production completed."


def test_a_failure_nobody_looked_at_is_not_hidden_by_those_that_came_after(store: Store, scene: Scene):
    failed = add_run(store, scene, state="failed", needs_attention=True, code="tool_error")
    add_many(store, failed, recent.RUNS_MAX + 1, state="completed", needs_attention=False, code=None)
    assert result(store, scene, "testing.no_unexplained_error").status == "false"


def test_the_busiest_day_is_counted_whole_however_many_runs_there_are(store: Store, scene: Scene, monkeypatch: Any):
    monkeypatch.setattr(load_runs, "HERE_MAX", 20)
    first, noon = add_run(store, scene, "production", origin="production"), clock.now() - 3 * DAY
    noon = noon.replace(hour=12, minute=0, second=0, microsecond=0)
    for _ in range(30):
        run_id = ids.first_at("run", noon) + ids.new_id("run")[-16:]
        add_many(store, first, 1, created_at=noon, started_at=noon, ended_at=noon, id=run_id)
    add_many(store, first, 25)
    with store.read() as session:
        agent, now = session.get_one(Agent, scene.agent), clock.now()
        _, here = load_runs.both(session, agent, scene.production, scene.revision, now)
        found = load_runs.busiest(session, agent, scene.production, here, "Europe/Berlin", now)
    # Looked at one by one are the newest twenty alone; three days ago there were thirty.
    assert (len(here), found) == (20, 30)
