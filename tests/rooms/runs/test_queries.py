"""The reads of runs: what each filter shows, and to whom."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from signoff.kit import clock
from signoff.kit.errors import NotAllowed, NotFound
from signoff.people.access import Principal
from signoff.record import trace
from signoff.runs import queries
from signoff.runs.queries import RunFilter
from signoff.tables.runs import Run, RunMessage
from signoff.tables.session import Store
from tests.engine.kit_engine import House, agent, house
from tests.rooms.runs.kit_runs import effect_row, put, revision_of, run_row


@pytest.fixture
def at(store: Store) -> House:
    return house(store, "nothing")


@pytest.fixture
def runs(store: Store, at: House) -> list[Run]:
    """Ten runs, the newest last."""
    other = agent(store, at, "nothing", slug="other")
    revision = revision_of(store, at)
    base = clock.now() - timedelta(hours=10)
    made: list[Run] = []
    for number in range(10):
        values: dict[str, Any] = {}
        if number % 2:
            values |= {"agent_id": other, "agent_slug": "other", "source": "api"}
        if number in (3, 6):
            values |= {"state": "failed", "code": "boom", "failed_step": "m:1:2", "reason": f"No {number}.",
                       "needs_attention": True}  # fmt: skip
        if number == 8:
            values |= {"state": "completed", "started_at": base, "ended_at": base + timedelta(seconds=9)}
        if number == 9:
            values |= {"origin": "test", "requested_by": "mem_m", "revision_number": 2}
        made.append(run_row(at, number, moment=base + timedelta(hours=number), revision_id=revision, **values))
    return put(store, *made)


def numbers(store: Store, who: Principal, **wanted: Any) -> list[int]:
    with store.read() as session:
        page = queries.runs_page(session, who, RunFilter(**wanted))
    return [int(row.title.split()[1]) for row in page.rows]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({}, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ({"agent": "other"}, [9, 7, 5, 3, 1]),
        ({"states": ("failed", "completed")}, [8, 6, 3]),
        ({"needs_attention": True}, [6, 3]),
        ({"needs_attention": True, "agent": "other"}, [3]),
        ({"source": "api", "origin": "test"}, [9]),
        ({"revision": 2}, [9]),
        ({"revision": "rev_none"}, []),
        ({"environment": "production", "states": ("completed",)}, [8]),
        ({"environment": "staging"}, []),
        ({"agent": "nobody"}, []),
        ({"text": "NO7E"}, [7]),
        ({"text": "no5e  clerk"}, [5]),
        ({"text": "100%"}, []),
        ({"text": "_"}, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
    ],
)
def test_filters_combine(store: Store, at: House, runs: list[Run], wanted: dict[str, Any], found: list[int]):
    assert numbers(store, at.who, **wanted) == found


def test_a_span_of_time(store: Store, at: House, runs: list[Run]):
    assert numbers(store, at.who, since=runs[3].created_at, until=runs[6].created_at) == [5, 4, 3]


def test_pages_go_both_ways(store: Store, at: House, runs: list[Run]):
    with store.read() as session:
        first = queries.runs_page(session, at.who, RunFilter(), size=4)
        second = queries.runs_page(session, at.who, RunFilter(), first.next_cursor, size=4)
        third = queries.runs_page(session, at.who, RunFilter(), second.next_cursor, size=4)
        back = queries.runs_page(session, at.who, RunFilter(), second.previous_cursor, size=4)
    assert [row.title for page in (first, second, third) for row in page.rows] == [f"Run {n}" for n in range(9, -1, -1)]
    assert third.next_cursor is None
    assert first.previous_cursor is None
    assert back.rows == first.rows


def test_everybody_sees_what_they_may(store: Store, at: House, runs: list[Run]):
    member = Principal("member", "mem_m", "Max", at.workspace_id, "member")
    stranger = Principal("member", "mem_s", "Sid", "ws_other", "owner")
    key = replace(at.who, kind="key", environment_id="env_other")
    assert numbers(store, member) == [9]
    assert numbers(store, stranger) == numbers(store, key) == []
    with store.read() as session:
        assert queries.run(session, member, runs[9].id).run.title == "Run 9"
        with pytest.raises(NotAllowed):
            queries.run(session, member, runs[8].id)
        for who in (stranger, key):
            with pytest.raises(NotFound):
                queries.run(session, who, runs[9].id)
        assert queries.counts_by_state(session, member)["queued"] == 1


def test_counts_and_medians(store: Store, at: House, runs: list[Run]):
    with store.read() as session:
        counts = queries.counts_by_state(session, at.who)
        assert {state: number for state, number in counts.items() if number} == {
            "queued": 7,
            "failed": 2,
            "completed": 1,
        }
        assert queries.attention_count(session, at.who) == 2
        assert queries.oldest_queued_seconds(session, at.who) == pytest.approx(36_000, abs=60)
        assert queries.median_duration(session, at.who, at.agent_id) == 9.0
        cluster = queries.failure_clusters(session, at.who, clock.now() - timedelta(days=1))
    assert [(found.code, found.failed_step, found.runs, found.agents) for found in cluster] == [("boom", "m:1:2", 2, 2)]
    assert (cluster[0].example_id, cluster[0].example_reason) == (runs[6].id, "No 6.")


def test_a_step_shows_what_the_model_was_shown(store: Store, at: House, runs: list[Run]):
    run = runs[0]
    with store.write() as session:
        for number in range(6):
            session.add(
                RunMessage(run_id=run.id, seq=number, workspace_id=at.workspace_id, leg=1, body={"n": number},
                           created_at=clock.now())
            )  # fmt: skip
        step_id = trace.begin_step(
            session, workspace_id=at.workspace_id, run_id=run.id, leg=1, key="m:1:3", kind="model", name="x:y",
            messages_before=5,
        )  # fmt: skip
    with store.read() as session:
        detail = queries.step(session, at.who, run.id, step_id)
        assert [message.body["n"] for message in detail.messages] == [0, 1, 2, 3, 4]
        last = queries.step(session, at.who, run.id, step_id, messages_size=2)
        assert ([message.seq for message in last.messages], last.messages_from) == ([3, 4], 3)
        page = queries.step(session, at.who, run.id, step_id, messages_from=1, messages_size=2)
        assert [message.seq for message in page.messages] == [1, 2]
        with pytest.raises(NotFound):
            queries.step(session, at.who, runs[1].id, step_id)


def test_a_step_that_runs_again_keeps_its_row_and_its_cost(store: Store, at: House, runs: list[Run]):
    from decimal import Decimal

    run = runs[0]
    for _ in range(2):
        with store.write() as session:
            trace.begin_step(
                session, workspace_id=at.workspace_id, run_id=run.id, leg=1, key="m:1:1", kind="model", name="x:y"
            )
            trace.end_step(
                session, run_id=run.id, key="m:1:1", state="completed", cost_usd=Decimal("0.25"), tokens_in=10,
                tokens_out=5,
            )  # fmt: skip
    with store.read() as session:
        steps = queries.steps(session, at.who, run.id)
        detail = queries.run(session, at.who, run.id)
        events = queries.events_after(session, at.who, run.id)
        assert [event.kind for event in events] == ["step"] * 4
        assert queries.events_after(session, at.who, run.id, events[2].id) == [events[3]]
    assert [(step.attempts, step.cost_usd, step.tokens_in) for step in steps] == [(2, Decimal("0.5"), 20)]
    assert (detail.run.cost_usd, detail.run.tokens_in, detail.run.model_calls) == (Decimal("0.5"), 20, 2)


def test_open_effects(store: Store, at: House, runs: list[Run]):
    put(store, effect_row(at, runs[0], "a"), effect_row(at, runs[1], "b"), effect_row(at, runs[1], "c", state="done"))
    with store.read() as session:
        page = queries.open_effects_page(session, at.who, size=1)
        rest = queries.open_effects_page(session, at.who, page.next_cursor, size=1)
        assert [row.call_id for row in (*page.rows, *rest.rows)] == ["b", "a"]
        assert rest.next_cursor is None
        assert queries.open_effects_count(session, at.who) == 2
        detail = queries.run(session, at.who, runs[1].id)
    assert sorted((effect.call_id, effect.state) for effect in detail.effects) == [("b", "unknown"), ("c", "done")]
