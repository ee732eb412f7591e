"""The application's own filter switched off: on Postgres, row-level security alone still shows nothing of others."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from sqlalchemy import func, select, text

from signoff.api import identity
from signoff.people.access import Principal
from signoff.tables import walls
from signoff.tables.all_tables import METADATA
from tests.api.sweep import ask, of_workspaces
from tests.api.world import World

pytestmark = pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


@pytest.fixture
def without_filter(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Every query believes that Charlie is Alice, in her workspace; only the database knows where he belongs."""
    narrowed = identity.narrowed

    def believed(principal: Principal, words: Iterable[str]) -> Principal:
        alice = replace(world.alice, person_id=principal.person_id)
        return narrowed(alice if principal.workspace_id == world.other.workspace_id else principal, words)

    monkeypatch.setattr(identity, "narrowed", believed)
    return world


def _traces(world: World) -> Iterator[str]:
    """What would show that something of Alice's was told: ids, names, addresses."""
    yield from (value for name, value in world.ids.items() if "_" in value and name not in ("step", "tenant"))
    yield from ("Helper", "hello", "alice@acme.example", "ERP_TOKEN", "canary-value-4711", world.acme.workspace_id)


def test_every_read_of_the_api_tells_nothing(without_filter: World) -> None:
    world = without_filter
    traces = set(_traces(world))
    asked = 0
    with world.client(session=world.tokens["charlie"]) as charlie:
        for operation in of_workspaces():
            if operation.method != "get":
                continue
            answer = ask(world, charlie, operation, ids={"workspace": "other"})
            # An id that the caller sent may come back in a sentence of refusal; what it names must not.
            told = answer.text if answer.status_code == 200 else re.sub(r'"instance":"[^"]*"', "", answer.text)
            found = {trace for trace in traces if trace in told and trace not in str(answer.request.url)}
            assert not found, (operation.name, answer.status_code, found)
            asked += 1
    assert asked > 25


def test_no_write_reaches_the_other_workspace(without_filter: World) -> None:
    world = without_filter
    before = _fingerprint(world)
    with world.client(session=world.tokens["charlie"]) as charlie:
        for operation in of_workspaces():
            if operation.method != "get":
                answer = ask(world, charlie, operation, ids={"workspace": "other"})
                assert answer.status_code >= 400 or operation.name in ("cancel_runs", "lint_draft", "verify_bundle"), (
                    operation.name
                )
    assert _fingerprint(world) == before


def _fingerprint(world: World) -> dict[str, int]:
    with world.store.read() as session:
        return {
            table.name: hash(tuple(sorted(repr(tuple(row)) for row in session.execute(
                table.select().where(table.c.workspace_id == world.acme.workspace_id)
            ))))
            for table in METADATA.sorted_tables
            if "workspace_id" in table.c and table.name not in walls.OUTSIDE
        }  # fmt: skip


def test_raw_sql_in_a_bound_transaction_counts_only_its_own(world: World) -> None:
    with walls.bound_to(world.other.workspace_id), world.house.store.read() as session:
        for table in METADATA.sorted_tables:
            if "workspace_id" in table.c and table.name not in walls.OUTSIDE:
                foreign = table.c.workspace_id != world.other.workspace_id
                assert session.scalar(select(func.count()).select_from(table).where(foreign)) == 0, table.name
        assert session.execute(text("select count(*) from runs")).scalar() == 0
        assert session.execute(text("select count(*) from workspaces")).scalar() == 1
        assert session.execute(text("select count(*) from runs where search_text ilike '%hello%'")).scalar() == 0
