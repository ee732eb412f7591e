"""`signoff datasets`, `evaluate`, `evaluations`: on this machine, and over the API of a running server."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from signoff.cli.commands import app
from signoff.cli.exits import CONFLICT, FAILED, NOT_FOUND, OK, USAGE, VALIDATION, guarded
from signoff.settings import Settings
from signoff.tables.evaluations import Evaluation
from signoff.tables.runs import Run
from tests.api.world import make_world
from tests.kit_server import serving

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def world(settings: Settings) -> Generator[Any]:
    made = make_world(settings)
    yield made
    made.close()


@pytest.fixture
def signoff(
    database_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Run a command; return exit code, output, messages."""
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", database_url)
    monkeypatch.setenv("SIGNOFF_DATA_DIR", str(settings.data_dir))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["signoff", *words])
        code = guarded(lambda: app(standalone_mode=False))
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


@pytest.fixture(params=["here", "there"])
def where(request: pytest.FixtureRequest, world: Any) -> Generator[tuple[str, ...]]:
    """The words that say where a command works: on the database, or on a server."""
    if request.param == "here":
        yield ("--workspace", "acme")
    else:
        with serving(world.app) as address:
            yield ("--url", address, "--key", world.keys["admin"])


def test_examples_go_in_and_out_as_lines(world: Any, signoff: Command, where: tuple[str, ...], tmp_path: Path):
    assert signoff("datasets", "create", "helper", "Hard ones", "--golden", *where)[0] == OK
    file = tmp_path / "examples.jsonl"
    file.write_text(
        '{"input": {"text": "hi"}, "expected": "ho", "critical": true}\n{"input": {"text": "\\u001b[31m"}}\n'
    )
    code, _, said = signoff("datasets", "import", "helper", "hard-ones", str(file), *where)
    assert (code, said) == (OK, "2 examples added.\n")
    one = ("--input", '{"text": "again"}', "--expected", "a text", "--holdout", "--note", "by hand")
    code, out, _ = signoff("datasets", "add", "helper", "hard-ones", *one, *where)
    assert (code, out[:4]) == (OK, "exa_")
    code, out, _ = signoff("datasets", "export", "helper", "hard-ones", *where)
    assert [json.loads(line) for line in out.splitlines()] == [
        {"input": {"text": "hi"}, "expected": "ho", "critical": True},
        {"input": {"text": "\u001b[31m"}},
        {"input": {"text": "again"}, "expected": "a text", "split": "holdout", "note": "by hand"},
    ]
    # What a terminal would obey is escaped.
    assert "\u001b" not in out
    (row,) = [row for row in json.loads(signoff("datasets", "list", "helper", "--json", *where)[1]) if row["is_golden"]]
    assert (row["slug"], row["examples"], row["critical"]) == ("hard-ones", 3, 1)
    shown = signoff("datasets", "show", "helper", "hard-ones", *where)
    assert "3 examples, 1 critical." in shown[1] + shown[2]
    assert len(json.loads(signoff("datasets", "show", "helper", row["id"], "--json", *where)[1])["items"]) == 3


def test_a_bad_line_and_what_is_not_there_are_told(
    world: Any, signoff: Command, where: tuple[str, ...], tmp_path: Path
):
    assert signoff("datasets", "create", "helper", "Hard ones", *where)[0] == OK
    file = tmp_path / "bad.jsonl"
    file.write_text('{"input": 1}\n{"inputs": 2}\n')
    code, _, said = signoff("datasets", "import", "helper", "hard-ones", str(file), *where)
    assert code == VALIDATION
    assert 'Line 2: it has a field "inputs"' in said
    code, _, said = signoff("datasets", "show", "helper", "other", *where)
    assert (code, "It has golden, hard-ones" in said) == (NOT_FOUND, True)
    assert signoff("datasets", "add", "helper", "hard-ones", *where)[0] == USAGE
    assert signoff("datasets", "add", "helper", "hard-ones", "--input", "{", *where)[0] == USAGE
    code, _, said = signoff("evaluate", "helper@1", "--dataset", "hard-ones", *where)
    assert (code, "The dataset has no examples" in said) == (CONFLICT, True)
    assert signoff("evaluate", "helper@1", "--draft", "--dataset", "hard-ones", *where)[0] == USAGE
    assert signoff("evaluate", "helper@1", "--cap", "a lot", "--dataset", "hard-ones", *where)[0] == USAGE
    assert signoff("datasets", "list", "nobody", *where)[0] == NOT_FOUND


def test_a_run_is_added_once(world: Any, signoff: Command, where: tuple[str, ...]):
    assert signoff("datasets", "create", "helper", "From runs", *where)[0] == OK
    with world.store.write() as session:
        session.execute(update(Run).where(Run.id == world.ids["run"]).values(state="completed", output="done"))
    add = ("datasets", "add", "helper", "from-runs", "--run", world.ids["run"], "--critical", *where)
    first, again = signoff(*add), signoff(*add)
    assert (first[0], again[0], first[1]) == (OK, OK, again[1])


def ended(world: Any, **values: Any) -> threading.Thread:
    """End the next evaluation as the engine would, as soon as there is one."""

    def work() -> None:
        done = 0
        while not done:
            with world.store.write() as session:
                wanted = (Evaluation.state == "pending", Evaluation.id != world.ids["evaluation"])
                found = session.execute(update(Evaluation).where(*wanted).values(**values))
                done = found.rowcount

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_waiting_ends_by_the_verdict(world: Any, signoff: Command):
    with serving(world.app) as address:
        there = ("--url", address, "--key", world.keys["admin"])
        signoff("datasets", "create", "helper", "Hard ones", "--golden", *there)
        signoff("datasets", "add", "helper", "hard-ones", "--input", '{"text": "hi"}', *there)
        code, out, _ = signoff("evaluate", "helper@1", "--dataset", "hard-ones", "--cap", "0.50", *there)
        assert (code, out[:4]) == (OK, "evl_")
        ended(world, state="cancelled", reason="Called off.").join(30)
        ask = ("evaluate", "helper@1", "--dataset", "hard-ones", "--wait", *there)
        for verdict, wanted, reason in (
            ("promotable", OK, "As good as what serves."),
            ("not_promotable", VALIDATION, "It fails 1 of 1 critical example."),
        ):
            thread = ended(world, state="completed", verdict=verdict, score=0.5, baseline_score=0.25, reasons=[reason])
            code, out, said = signoff(*ask)
            thread.join(30)
            assert (code, reason in said, verdict.replace("_", " ") in out) == (wanted, True, True)
        thread = ended(world, state="failed", reason="Every run failed.")
        code, _, said = signoff(*ask)
        thread.join(30)
        assert (code, "Every run failed." in said) == (FAILED, True)
        rows = json.loads(signoff("evaluations", "--agent", "helper", "--json", *there)[1])
        # The newest first, and behind them the one there was.
        assert [row["state"] for row in rows] == ["failed", "completed", "completed", "cancelled", "pending"]
        assert len(json.loads(signoff("evaluations", "--workspace", "acme", "--json")[1])) >= 4
