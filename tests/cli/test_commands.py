"""The command line, as an operator and as a client: what it prints, and the code it ends with."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from signoff.cli.commands import app
from signoff.cli.exits import guarded
from signoff.settings import Settings
from signoff.tables.people import Person, SecondFactor
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.api.world import BODY, make_world

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.fixture
def signoff(
    database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run a command on this test's database; return exit code, output, messages."""
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", database_url)

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["signoff", *words])
        code = guarded(lambda: app(standalone_mode=False))
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_the_first_run_makes_a_workspace_and_a_link(signoff: Callable[..., tuple[int, str, str]]) -> None:
    assert signoff("setup-link")[0] == 2
    code, out, _ = signoff("setup-link", "--email", "you@example.com", "--json")
    assert code == 0
    assert "/setup/set_" in json.loads(out)["link"]
    assert signoff("setup-link", "--email", "nobody@example.com")[0] == 11


def test_a_lost_second_factor_is_taken_away_by_the_operator(
    signoff: Callable[..., tuple[int, str, str]], database_url: str
) -> None:
    signoff("setup-link", "--email", "you@example.com")
    assert signoff("people", "reset-second-factor", "--email", "you@example.com")[0] == 13
    assert signoff("people", "reset-second-factor", "--email", "nobody@example.com")[0] == 11
    store = Store.open(database_url)
    with store.write() as session:
        person = session.scalars(select(Person)).one()
        session.add(
            SecondFactor(
                person_id=person.id,
                ciphertext=b"x",
                nonce=b"x",
                key_id="x",
                last_step=0,
                created_at=person.created_at,
                confirmed_at=person.created_at,
            )
        )
    code, out, _ = signoff("people", "reset-second-factor", "--email", "You@example.com", "--json")
    assert (code, json.loads(out)) == (0, {"email": "you@example.com", "second_factor": "off"})
    with store.read() as session:
        assert session.scalars(select(SecondFactor)).all() == []
    store.close()
    assert '"second_factor.reset"' in signoff("audit", "export")[1]


def test_keys_are_made_listed_rotated_and_revoked(signoff: Callable[..., tuple[int, str, str]]) -> None:
    signoff("setup-link", "--email", "you@example.com")
    made = json.loads(signoff("keys", "create", "robot", "--preset", "read-only", "--json")[1])
    assert made["key"].startswith("so_")
    listed = json.loads(signoff("keys", "list", "--json")[1])
    assert [(key["id"], key["role"], key["state"]) for key in listed] == [(made["id"], "viewer", "active")]
    rotated = json.loads(signoff("keys", "rotate", made["id"], "--json")[1])
    assert rotated["key"] != made["key"]
    assert signoff("keys", "revoke", made["id"])[0] == 0
    assert signoff("keys", "rotate", made["id"])[0] == 13
    assert signoff("keys", "revoke", "key_none")[0] == 11
    assert signoff("keys", "create", "x", "--preset", "root")[0] == 12
    assert json.loads(signoff("audit", "verify", "--json")[1])["first_broken_seq"] is None
    assert '"key.rotated"' in signoff("audit", "export")[1]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["nonsense"], 2),
        (["runs", "--limit", "0"], 2),
        (["run", "x", "--input", "{"], 2),
        (["run", "x", "--input", "@/nowhere"], 2),
        (["runs"], 11),
        (["runs", "--url", "http://127.0.0.1:1"], 10),
        (["runs", "--url", "http://127.0.0.1:1", "--key", "so_x"], 15),
        (["runs", "--url", "nonsense", "--key", "so_x"], 15),
        (["apply", "/nowhere"], 12),
    ],
)
def test_a_mistake_is_one_line_and_a_code(
    signoff: Callable[..., tuple[int, str, str]], words: list[str], code: int
) -> None:
    found, out, err = signoff(*words)
    assert (found, out) == (code, "")
    assert err.startswith("signoff: ")
    assert "Traceback" not in err


def test_an_unmigrated_database_is_refused_with_the_next_command(
    signoff: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", f"sqlite:///{tmp_path / 'new.sqlite'}")
    code, _, err = signoff("serve", "--port", "0")
    assert code == 14
    assert "signoff migrate" in err
    assert signoff("migrate", "--check")[0] == 1
    assert signoff("migrate")[0] == 0
    assert "already" in signoff("migrate")[1]
    assert signoff("migrate", "--check")[:2] == (0, "Nothing is pending.\n")


def test_a_check_says_how_many_steps_are_pending_and_which_and_changes_nothing(
    signoff: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database_url: str
) -> None:
    place = tmp_path / "new.sqlite"
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", f"sqlite:///{place}")
    code, out, _ = signoff("migrate", "--check", "--json")
    told = json.loads(out)
    assert (code, told["schema"]) == (1, "empty")
    assert told["pending"] == len(told["steps"]) >= 25
    assert not place.exists()
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", database_url)
    store = Store.open(database_url)
    with store.engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '0024'"))
    code, out, _ = signoff("migrate", "--check")
    assert code == 1
    assert "pending  0025 Releases" in out
    with store.engine.connect() as connection:
        assert connection.scalar(text("select version_num from alembic_version")) == "0024"
    store.close()


def test_agents_as_code_and_runs_on_the_machine_and_on_a_server(
    signoff: Callable[..., tuple[int, str, str]],
    settings: Settings,
    serving: Callable[[Any], AbstractContextManager[str]],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    world = make_world(settings)
    monkeypatch.setenv("SIGNOFF_DATA_DIR", str(settings.data_dir))
    here = ("--workspace", "acme")
    assert signoff("runs")[0] == 2  # Two workspaces: which one?
    assert "helper" in signoff("runs", *here)[1]
    assert signoff("export", str(tmp_path / "code"), *here)[0] == 0
    sop = tmp_path / "code" / "helper" / "sop.md"
    assert signoff("apply", str(tmp_path / "code"), *here)[2] == "0 of 1 agents changed.\n"
    sop.write_text("Answer politely, and briefly.")
    assert "new revision" in signoff("apply", str(tmp_path / "code"), "--dry-run", *here)[1]
    code, out, _ = signoff("run", "helper", "--input", '{"text": "hi"}', "--sticky", "case-1", *here)
    assert (code, out[:4]) == (0, "run_")
    with serving(world.app) as address:
        there = ("--url", address, "--key", world.keys["admin"])
        assert signoff("apply", str(tmp_path / "code"), *there)[2] == "1 of 1 agents changed.\n"
        assert signoff("apply", str(tmp_path / "code"), *there)[2] == "0 of 1 agents changed.\n"
        run = signoff("run", "helper", "--input", '{"text": "hi"}', "--sticky", "case-2", *there)[1].strip()
        assert [row["id"] for row in json.loads(signoff("runs", "--limit", "1", "--json", *there)[1])] == [run]
        assert signoff("run", "nobody", *there)[0] == 11
        with world.store.read() as session:
            kept = {row.id: row.sticky_key for row in session.scalars(select(Run))}
        assert (kept[out.strip()], kept[run]) == ("case-1", "case-2")
        assert signoff("runs", "--url", address, "--key", "so_aaaaaaaaaa_x")[0] == 10
    world.close()
    assert BODY["sop"] != sop.read_text()


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_port_that_is_in_use_is_told_in_one_line(
    signoff: Callable[..., tuple[int, str, str]], command: str, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, out, told = signoff(command, "--port", str(port), "--data", str(tmp_path / "data"))
    assert (code, out) == (13, "")
    assert told.count("\n") == 1
    assert f"Port {port} of 127.0.0.1 is in use." in told
    assert f'make {command} ARGS="--port N"' in told
    assert not (tmp_path / "data").exists()


def test_an_address_that_is_not_here_is_told_in_one_line(signoff: Callable[..., tuple[int, str, str]]) -> None:
    code, _, told = signoff("serve", "--host", "192.0.2.7", "--port", "8399")
    assert code == 12
    assert "Nothing can listen on 192.0.2.7, port 8399" in told


@pytest.mark.parametrize("command", ["checkpoint", "export"])
def test_a_file_that_cannot_be_written_is_named_before_the_audit_is_taken(
    signoff: Callable[..., tuple[int, str, str]], tmp_path: Path, command: str
) -> None:
    signoff("setup-link", "--email", "you@example.com")
    rows = signoff("audit", "verify")[1]
    code, _, err = signoff("audit", command, "--to", str(tmp_path / "nowhere" / "kept"))
    assert (code, "cannot be written" in err) == (2, True)
    assert signoff("audit", "verify")[1] == rows


def test_a_checkpoint_that_was_kept_elsewhere_tells_of_rows_that_were_cut_off(
    signoff: Callable[..., tuple[int, str, str]], database_url: str, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    signoff("setup-link", "--email", "you@example.com")
    assert signoff("audit", "checkpoint", "--to", str(kept))[0] == 0
    signoff("keys", "create", "robot", "--preset", "runner")
    assert signoff("audit", "checkpoint", "--to", str(kept))[0] == 0
    assert len(kept.read_text().splitlines()) == 2
    assert signoff("audit", "verify", "--against", str(kept))[0] == 0
    store = Store.open(database_url)
    with store.write() as session:
        for name in session.scalars(text("select name from sqlite_master where type='trigger'")).all():
            session.execute(text(f'drop trigger "{name}"'))
        session.execute(text("delete from audit where seq > 2"))
        session.execute(text("update audit_heads set seq = 2, hash = (select hash from audit where seq = 2)"))
    store.close()
    assert signoff("audit", "verify")[0] == 0
    code, out, _ = signoff("audit", "verify", "--against", str(kept), "--json")
    assert (code, json.loads(out)["first_broken_seq"]) == (1, 3)
    assert signoff("audit", "verify", "--against", str(tmp_path / "none"))[0] == 11
