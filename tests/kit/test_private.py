"""What is kept on the machine is read by its own account only."""

from __future__ import annotations

from pathlib import Path

from signoff.demo.erp.database import prepare
from signoff.durable import sqlite
from signoff.kit.private import private_file, private_folder
from signoff.tables.migrate import migrate


def rights(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_the_databases_and_their_folder_are_private(tmp_path: Path) -> None:
    data = tmp_path / "data"
    migrate(f"sqlite:///{data / 'signoff.sqlite'}")
    sqlite.engine_options(f"sqlite:///{data / 'durable.sqlite'}")
    prepare(data / "erp.sqlite")
    found = {path.name: rights(path) for path in data.iterdir()}
    assert {"signoff.sqlite", "durable.sqlite", "erp.sqlite"} <= set(found)
    assert set(found.values()) == {0o600}
    assert rights(data) == 0o700


def test_what_is_there_keeps_its_rights_and_its_content(tmp_path: Path) -> None:
    folder, file = tmp_path / "shared", tmp_path / "shared" / "kept"
    folder.mkdir(mode=0o755)
    file.write_text("kept")
    file.chmod(0o640)
    private_folder(folder)
    private_file(file)
    assert (rights(folder), rights(file), file.read_text()) == (0o755, 0o640, "kept")


def test_a_file_that_cannot_be_made_is_left_to_whoever_opens_it(tmp_path: Path) -> None:
    private_file(tmp_path / "nowhere" / "file")
    assert not (tmp_path / "nowhere").exists()
