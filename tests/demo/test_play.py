"""The demo as a person meets it: one command, killed when it suits nobody, started again."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from rich.console import Console

from signoff.demo.erp import tally
from signoff.demo.erp.database import connect
from signoff.demo.play import run_demo
from signoff.kit.errors import Malformed
from signoff.settings import Settings

PROGRAM = Path(__file__).with_name("kit_program.py")
SECONDS_MAX = 240


@contextmanager
def program(data: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """The demo in a process of its own."""
    with subprocess.Popen(
        [sys.executable, str(PROGRAM), str(data), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def play(data: Path, *arguments: str) -> tuple[int, str]:
    with program(data, *arguments) as process:
        output, _ = process.communicate(timeout=SECONDS_MAX)
        return process.returncode, output


def runs(data: Path) -> list[dict[str, Any]]:
    connection = sqlite3.connect(data / "signoff.sqlite")
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute("SELECT * FROM runs ORDER BY id")]
    finally:
        connection.close()


def effects(data: Path) -> int:
    try:
        return len(tally.effects(data / "erp.sqlite")) if (data / "erp.sqlite").exists() else 0
    except sqlite3.OperationalError:
        return 0  # The ERP is making its tables.


def bills(data: Path) -> int:
    with connect(data / "erp.sqlite") as connection:
        return connection.execute("SELECT count(*) FROM bills WHERE idempotency_key IS NOT NULL").fetchone()[0]


def kill_after(data: Path, count: int) -> None:
    """Start the demo and kill it hard once `count` things have been done in the ERP."""
    with program(data) as process:
        until = time.monotonic() + SECONDS_MAX
        while process.poll() is None and time.monotonic() < until:
            if effects(data) >= count:
                break
            time.sleep(0.02)
        process.kill()


@pytest.mark.slow
def test_killed_three_times_it_still_does_everything_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    for count in (1, 6, 12):
        kill_after(data, count)
    code, output = play(data)
    assert code == 0, output
    assert {run["state"] for run in runs(data)} == {"completed"}
    assert len(runs(data)) == 32
    assert bills(data) == 12
    assert tally.totals(data / "erp.sqlite")["flagged"] == 8
    assert tally.doubles(data / "erp.sqlite") == []
    assert "The ERP has 12 bills and 8 flags from this demo" in output


@pytest.mark.slow
def test_started_again_it_does_nothing_again(tmp_path: Path) -> None:
    data = tmp_path / "data"
    first_code, first = play(data, "-", "6")
    before = runs(data)
    second_code, second = play(data, "-", "6")
    assert (first_code, second_code) == (0, 0), first + second
    assert "6 new" in first
    assert "0 new, 6 asked for before" in second
    assert runs(data) == before
    assert all(run["is_scripted"] and run["source"] == "demo" and run["revision_number"] == 1 for run in before)
    assert "offline scripted model" in second


@pytest.mark.slow
def test_files_that_hold_no_message_are_reported(tmp_path: Path) -> None:
    mail = tmp_path / "mail"
    mail.mkdir()
    (mail / "1.eml").write_bytes(b"From: a@b.example\r\nSubject: When?\r\n\r\nWhen will you pay?\r\n")
    (mail / "empty.eml").write_bytes(b"")
    code, output = play(tmp_path / "data", str(mail))
    assert code == 0, output
    assert "1 messages" in output
    assert "empty.eml: the file is empty" in " ".join(output.split())
    connection = sqlite3.connect(tmp_path / "data" / "signoff.sqlite")
    assert connection.execute("SELECT text FROM alerts").fetchall() == [("empty.eml: the file is empty",)]
    connection.close()


@pytest.mark.slow
def test_one_mbox_file_is_a_mailbox(tmp_path: Path) -> None:
    message = "From a Mon Jan  1 00:00:00 2026\nFrom: a@b.example\nSubject: Question {n}\n\nWhen, number {n}?\n\n"
    (tmp_path / "box.mbox").write_text("".join(message.replace("{n}", str(n)) for n in range(3)))
    code, output = play(tmp_path / "data", str(tmp_path / "box.mbox"))
    assert code == 0, output
    assert sorted(run["title"] for run in runs(tmp_path / "data")) == ["Question 0", "Question 1", "Question 2"]


def test_a_real_model_without_its_key_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="OPENAI_API_KEY.*offline scripted"):
        run_demo(Settings(data_dir=tmp_path, port=0), model="openai:gpt-5-mini", console=Console(quiet=True))
    assert not (tmp_path / "signoff.sqlite").exists()


def test_a_folder_that_is_not_there_is_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="There is no .*nowhere"):
        run_demo(Settings(data_dir=tmp_path, port=0), mail=tmp_path / "nowhere", console=Console(quiet=True))


@pytest.mark.slow
def test_the_printed_link_opens_the_product_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "signoff.cli", "demo", "--data", str(tmp_path / "data"), "--port", "0", "--limit", "2"],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            lines: list[str] = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith("Serving."):
                    break
            link = next(line.strip() for line in lines if "/setup/" in line)
            with urlopen(link, timeout=30) as page:
                assert page.status == 200
                assert "text/html" in page.headers["content-type"]
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == 0
        finally:
            process.kill()
