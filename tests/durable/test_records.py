"""What the engine keeps, and on which SQLite."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from types import SimpleNamespace

import pytest
from sqlalchemy import create_engine

from signoff.durable import sqlite
from signoff.durable.serializer import JsonSerializer
from signoff.kit.errors import StoreError


@pytest.mark.parametrize("value", [None, 1, "x", [1, {"a": None}], {"kind": "value", "value": "ü\x00"}])
def test_records_are_plain_json(value: object):
    kept = JsonSerializer().serialize(value)
    assert JsonSerializer().deserialize(kept) == value


def test_an_error_is_kept_in_words():
    back = JsonSerializer().deserialize(JsonSerializer().serialize(ValueError("no such thing")))
    assert isinstance(back, RuntimeError)
    assert str(back) == "ValueError: no such thing"


def test_what_is_not_plain_is_refused():
    with pytest.raises(TypeError):
        JsonSerializer().serialize({"a": object()})


def test_the_file_is_in_wal_mode(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'deep' / 'engine.sqlite'}"
    engine = create_engine(url, **sqlite.engine_options(url))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 1
    engine.dispose()


def test_an_old_sqlite_is_named_in_one_sentence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sqlite, "sys", SimpleNamespace(version_info=VersionInfo((3, 12, 0))))
    monkeypatch.setattr(sqlite, "sqlite3", SimpleNamespace(sqlite_version_info=(3, 40, 1), sqlite_version="3.40.1"))
    monkeypatch.setattr(sqlite.importlib, "import_module", missing)
    with pytest.raises(StoreError, match=r"SQLite 3\.40\.1.*needs 3\.42"):
        sqlite.driver()


def test_a_newer_sqlite_beside_it_is_used(monkeypatch: pytest.MonkeyPatch):
    newer = SimpleNamespace(sqlite_version_info=(3, 46, 0))
    monkeypatch.setattr(sqlite, "sys", SimpleNamespace(version_info=VersionInfo((3, 12, 0))))
    monkeypatch.setattr(sqlite, "sqlite3", SimpleNamespace(sqlite_version_info=(3, 40, 1), sqlite_version="3.40.1"))
    monkeypatch.setattr(sqlite.importlib, "import_module", lambda name: newer)
    assert sqlite.driver() is newer


def test_this_machine_is_fit():
    assert sqlite.driver().sqlite_version_info >= (3, 35) or sqlite.driver() is sqlite3


class VersionInfo(tuple[int, int, int]):
    """A version of Python that is not this one."""

    __slots__ = ()

    @property
    def major(self) -> int:
        return self[0]

    @property
    def minor(self) -> int:
        return self[1]


def missing(name: str) -> None:
    raise ImportError(name)
