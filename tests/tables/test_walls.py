"""On Postgres a transaction sees the rows of the workspace it is bound to, and no other's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, func, inspect, select, text, update
from sqlalchemy.exc import ProgrammingError

from signoff.kit import clock
from signoff.kit.errors import NotFound
from signoff.people.access import Principal
from signoff.people.actions import found_workspace
from signoff.people.queries import workspaces_of
from signoff.tables.all_tables import METADATA
from signoff.tables.migrate import migrate
from signoff.tables.people import Environment, Member, Workspace
from signoff.tables.session import Store, lifted, narrow, open_engine
from signoff.tables.walls import OUTSIDE, bind, bound_to, column_of, everywhere, is_bypassed, raise_walls, walled_tables

on_postgres = pytest.mark.parametrize("backend", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)


@pytest.fixture
def two(store: Store) -> tuple[str, str, str]:
    """Two workspaces with one owner, and the owner's id as a person."""
    with store.write() as session:
        made = [
            found_workspace(session, slug=slug, name=slug, owner_email="alice@x.example", owner_name="Alice")
            for slug in ("acme", "other")
        ]
        session.execute(update(Member).values(accepted_at=clock.now()))
    return made[0].workspace_id, made[1].workspace_id, made[0].person_id


@pytest.fixture
def walled(store: Store) -> Store:
    """The store that requests get."""
    return store.for_requests()


def _needed() -> set[str]:
    return {
        table.name for table in METADATA.sorted_tables if column_of(table.name, set(table.columns.keys())) is not None
    }


@on_postgres
def test_every_table_of_a_workspace_stands_behind_the_wall(empty_url: str, database_url: str) -> None:
    migrate(empty_url)
    for url in (empty_url, database_url):
        engine = open_engine(url)
        with engine.connect() as connection:
            assert set(walled_tables(connection)) == _needed(), "see tables/walls.py"
        engine.dispose()


def test_what_stands_outside_the_wall_is_reasoned() -> None:
    without = {table.name for table in METADATA.sorted_tables} - _needed()
    assert without == set(OUTSIDE), "a new table needs a workspace_id, or its reason in tables/walls.py"
    assert all(len(reason) > 40 for reason in OUTSIDE.values())


@on_postgres
def test_a_table_made_without_its_wall_gets_it_when_migrating(store: Store) -> None:
    with store.engine.begin() as connection:
        connection.execute(text("create table notes (id text primary key, workspace_id text not null)"))
        assert raise_walls(connection) == ["notes"]
        assert raise_walls(connection) == []
        assert "notes" in walled_tables(connection)


@on_postgres
def test_the_role_of_these_tests_is_bound_like_the_role_in_production(store: Store) -> None:
    with store.engine.connect() as connection:
        assert not is_bypassed(connection)


@on_postgres
def test_a_request_that_is_bound_to_nothing_sees_nothing(walled: Store, two: tuple[str, str, str]) -> None:
    assert walled.is_walled
    with walled.read() as session:
        for table in _needed():
            assert session.scalar(select(func.count()).select_from(METADATA.tables[table])) == 0, table


@on_postgres
def test_a_bound_request_sees_its_own_workspace_whatever_it_asks(walled: Store, two: tuple[str, str, str]) -> None:
    acme, other, _ = two
    with bound_to(acme), walled.read() as session:
        assert session.scalars(select(Workspace.id)).all() == [acme]
        assert set(session.scalars(select(Environment.workspace_id))) == {acme}
        assert session.scalar(select(func.count()).select_from(Environment)) == 2
        assert session.get(Workspace, other) is None
        assert session.scalars(text("select id from workspaces where id = :id"), {"id": other}).all() == []
    with bound_to(other), walled.read() as session:
        assert session.scalars(select(Workspace.id)).all() == [other]
    with everywhere(), walled.read() as session:
        assert set(session.scalars(select(Workspace.id))) == {acme, other}
    with walled.read() as session:  # A pooled connection carried nothing over.
        assert session.scalars(select(Workspace.id)).all() == []


@on_postgres
def test_nothing_is_written_into_another_workspace(walled: Store, two: tuple[str, str, str]) -> None:
    acme, other, _ = two
    strange = Environment(id="env_x", workspace_id=other, slug="x", name="X", created_at=clock.now())
    with pytest.raises(ProgrammingError, match="row-level security"), bound_to(acme), walled.write() as session:
        session.add(strange)
    with pytest.raises(ProgrammingError, match="row-level security"), bound_to(acme), walled.write() as session:
        session.execute(update(Environment).values(workspace_id=other))
    with bound_to(acme), walled.write() as session:
        changed: Any = session.execute(update(Workspace).where(Workspace.id == other).values(name="Taken over"))
        assert changed.rowcount == 0


@pytest.mark.anyio
@on_postgres
async def test_the_threads_of_the_store_know_the_workspace(walled: Store, two: tuple[str, str, str]) -> None:
    bind(two[1])
    assert await walled.read_async(lambda session: session.scalars(select(Workspace.id)).all()) == [two[1]]
    bind("")
    assert await walled.read_async(lambda session: session.scalars(select(Workspace.id)).all()) == []


def test_a_persons_workspaces_are_found_from_within_one(walled: Store, two: tuple[str, str, str]) -> None:
    acme, other, person = two
    viewer = Principal("member", "mem_x", "Alice", acme, "owner", person_id=person)
    with bound_to(acme), walled.read() as session:
        assert {found.id for found in workspaces_of(session, viewer)} == {acme, other}
        if walled.is_walled:
            assert set(session.scalars(select(Member.workspace_id))) == {acme}
    with everywhere(), walled.read() as session:
        narrow(session, acme)
        assert len(workspaces_of(session, viewer)) == 2
        if walled.is_walled:
            assert session.scalars(select(Workspace.id)).all() == [acme]
    with bound_to(acme), walled.read() as session:
        assert [found.id for found in workspaces_of(session, replace(viewer, is_bound=True))] == [acme]


@on_postgres
def test_what_fails_while_lifted_leaves_nothing_open(walled: Store, two: tuple[str, str, str]) -> None:
    def fails() -> None:
        with bound_to(two[0]), walled.write() as session, lifted(session):
            session.execute(update(Workspace).values(name="Everyone's"))
            raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        fails()
    with everywhere(), walled.read() as session:
        assert set(session.scalars(select(Workspace.name))) == {"acme", "other"}
    with bound_to(two[0]), walled.read() as session:
        assert session.scalars(select(Workspace.id)).all() == [two[0]]


@on_postgres
def test_after_a_refusal_and_when_lifted_twice_it_is_bound_as_before(walled: Store, two: tuple[str, str, str]) -> None:
    everybody = select(Workspace.id)
    with bound_to(two[0]), walled.read() as session:
        with pytest.raises(NotFound), lifted(session):
            raise NotFound("Not here.")
        assert session.scalars(everybody).all() == [two[0]]
        with lifted(session):
            with lifted(session):
                pass
            assert len(session.scalars(everybody).all()) == 2
        assert session.scalars(everybody).all() == [two[0]]


@on_postgres
def test_the_engines_store_sees_all_and_asks_nothing_more(store: Store, two: tuple[str, str, str]) -> None:
    assert not store.is_walled
    with store.read() as session:
        assert set(session.scalars(select(Workspace.id))) == set(two[:2])


@on_postgres
def test_options_in_the_address_stay(database_url: str) -> None:
    engine = open_engine(f"{database_url}?options=-c%20statement_timeout%3D4321", is_walled=True)
    with engine.connect() as connection:
        assert _show(connection, "statement_timeout") == "4321ms"
        assert _show(connection, "signoff.workspace") == ""
    engine.dispose()


def _show(connection: Connection, name: str) -> str:
    return str(connection.execute(text("select current_setting(:name)"), {"name": name}).scalar_one())


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_sqlite_has_no_such_wall_and_keeps_its_connections(store: Store) -> None:
    assert store.for_requests().engine is store.engine
    with store.engine.connect() as connection:
        assert raise_walls(connection) == []
        assert inspect(connection).has_table("workspaces")
