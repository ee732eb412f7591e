"""Expand, then contract: no step takes away what the release before it reads, or asks for what that one leaves out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from signoff.tables import migrate as migrations
from signoff.tables.migrations import CONTRACTING, FLOOR
from signoff.tables.schema import head
from signoff.tables.session import open_engine

# The first step that is held to it: before, no database kept the oldest release that may work on it.
FIRST = "0025"


@dataclass(frozen=True)
class Shape:
    """What a table asks of who writes it, and gives to who reads it."""

    columns: dict[str, tuple[str, bool, bool]]  # name → type, whether it may be empty, whether it has a default
    unique: frozenset[tuple[str, ...]]
    checks: frozenset[str]
    references: frozenset[tuple[str, ...]]


def shapes(connection: Connection) -> dict[str, Shape]:
    found = inspect(connection)
    return {table: _shape(found, table) for table in found.get_table_names() if table != "alembic_version"}


def _shape(found: Any, table: str) -> Shape:
    columns = {
        each["name"]: (str(each["type"]), each["nullable"], each["default"] is not None)
        for each in found.get_columns(table)
    }
    unique = [each["column_names"] for each in found.get_unique_constraints(table)]
    unique += [each["column_names"] for each in found.get_indexes(table) if each["unique"]]
    return Shape(
        columns,
        frozenset(tuple(sorted(name or "" for name in names)) for names in unique),
        frozenset(str(each["sqltext"]) for each in found.get_check_constraints(table)),
        frozenset(tuple(sorted(each["constrained_columns"])) for each in found.get_foreign_keys(table)),
    )


def taken(before: dict[str, Shape], after: dict[str, Shape]) -> list[str]:
    """Return what a step takes from code that knows only the schema before it."""
    lost = [f"table {table} is gone" for table in sorted(set(before) - set(after))]
    for table in sorted(set(before) & set(after)):
        lost += [f"{table}: {words}" for words in _taken_from(before[table], after[table])]
    return lost


def _taken_from(old: Shape, new: Shape) -> list[str]:
    lost = [f"column {name} is gone" for name in sorted(set(old.columns) - set(new.columns))]
    for name, (kind, may_be_empty, has_default) in sorted(new.columns.items()):
        if name not in old.columns:
            if not may_be_empty and not has_default:
                lost.append(f"column {name} must be filled, and is not known to older code")
            continue
        if kind != old.columns[name][0]:
            lost.append(f"column {name} becomes {kind}")
        if not may_be_empty and old.columns[name][1]:
            lost.append(f"column {name} must be filled now")
    lost += [f"a new check {each}" for each in sorted(new.checks - old.checks)]
    for word, more in (("unique", new.unique - old.unique), ("reference", new.references - old.references)):
        # Of a new column that may be empty, older code leaves it empty.
        lost += [f"a new {word} {each}" for each in sorted(more) if set(each) <= set(old.columns)]
    return lost


def steps() -> list[str]:
    found = ScriptDirectory.from_config(migrations._config()).walk_revisions()
    return sorted(script.revision for script in found if script.revision >= FIRST)


def test_no_step_takes_away_what_the_release_before_it_needs(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'steps.sqlite'}")
    broken: dict[str, list[str]] = {}
    with engine.connect() as connection:
        command.upgrade(migrations._config(connection), f"{int(FIRST) - 1:04}")
        before = shapes(connection)
        for step in steps():
            command.upgrade(migrations._config(connection), step)
            after = shapes(connection)
            if lost := taken(before, after):
                broken[step] = lost
            before = after
    engine.dispose()
    assert {step: lost for step, lost in broken.items() if step not in CONTRACTING} == {}, (
        "See signoff/tables/migrations/__init__.py: a release that no longer needs it comes first."
    )
    assert sorted(CONTRACTING) == sorted(broken), "CONTRACTING lists steps that take nothing away."


def test_a_step_that_takes_something_away_raises_the_floor() -> None:
    assert head() >= FLOOR >= FIRST
    assert all(len(reason) > 40 for reason in CONTRACTING.values())
    # A release that lacks a contracting step's predecessor reads what that step took away.
    assert [step for step in CONTRACTING if int(FLOOR) < int(step) - 1] == []


UNKNOWN = "column more must be filled, and is not known to older code"
OLD = Shape({"id": ("TEXT", False, False), "note": ("TEXT", True, False)}, frozenset(), frozenset(), frozenset())


@pytest.mark.parametrize(
    ("new", "lost"),
    [
        ({**OLD.columns, "more": ("TEXT", True, False)}, []),
        ({**OLD.columns, "more": ("TEXT", False, True)}, []),
        ({**OLD.columns, "more": ("TEXT", False, False)}, [f"t: {UNKNOWN}"]),
        ({"id": OLD.columns["id"]}, ["t: column note is gone"]),
        ({**OLD.columns, "note": ("INTEGER", True, False)}, ["t: column note becomes INTEGER"]),
        ({**OLD.columns, "note": ("TEXT", False, False)}, ["t: column note must be filled now"]),
    ],
)  # fmt: skip
def test_each_way_to_take_something_away_is_seen(new: dict[str, tuple[str, bool, bool]], lost: list[str]) -> None:
    after = Shape(new, OLD.unique, OLD.checks, OLD.references)
    assert taken({"t": OLD}, {"t": after}) == lost
    assert taken({"t": OLD}, {"t": Shape(OLD.columns, frozenset({("note",)}), OLD.checks, OLD.references)}) != []
    assert taken({"t": OLD, "gone": OLD}, {"t": OLD}) == ["table gone is gone"]
