"""`serve --workers N`: workers beside the serving process are started again when one ends, and end with it."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from signoff.cli import crew
from signoff.cli.crew import Crew
from signoff.settings import Settings
from tests.acceptance.product import Product, until
from tests.fake_provider import fake_provider

# Says that it lives, and does until its input ends.
CHILD = """
import os, pathlib, sys
(pathlib.Path(sys.argv[1]) / str(os.getpid())).touch()
sys.stdin.read()
"""


@pytest.fixture
def living(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which every child leaves its number."""
    place = tmp_path / "living"
    place.mkdir()
    monkeypatch.setattr(crew, "_command", lambda _: [sys.executable, "-c", CHILD, str(place)])
    monkeypatch.setattr(crew, "_PAUSE_SECONDS_MAX", 0.0)
    return place


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_a_worker_that_ends_is_started_again_and_all_end_with_the_crew(settings: Settings, living: Path) -> None:
    here = Crew(settings, 2)
    here.start()
    children = list(here._children)
    try:
        until(lambda: len(list(living.iterdir())) == 2, "two workers")
        children = list(here._children)
        children[0].kill()
        until(lambda: len(list(living.iterdir())) == 3, "a third in the place of the first")
        children = list(here._children)
        assert len(children) == 2
    finally:
        here.end()
    assert [child.poll() for child in children] == [-signal.SIGTERM] * 2


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are looked up in /proc")
def test_workers_of_a_server_carry_its_runs_out_and_end_with_it_however_it_ends(tmp_path: Path) -> None:
    with fake_provider() as provider:
        product = Product(tmp_path / "served", provider, None).prepare()
        try:
            product.start("--workers", "1")
            server = product.processes[-1]
            worker = until(lambda: children(server.pid), "a worker beside the server")[0]
            until(lambda: product.client.get(f"{product.address}/v1/health/ready").status_code == 200, "readiness")
            server.kill()
            server.wait()
            until(lambda: is_over(worker), "the worker to end")
        finally:
            product.close()
    assert is_over(worker)


def children(parent: int) -> list[int]:
    """The processes that this one started and has not waited for."""
    found = [(int(stat.parent.name), stat_of(int(stat.parent.name))) for stat in Path("/proc").glob("[0-9]*/stat")]
    return [pid for pid, fields in found if fields and int(fields[1]) == parent]


def is_over(pid: int) -> bool:
    return not (fields := stat_of(pid)) or fields[0] == "Z"


def stat_of(pid: int) -> list[str]:
    """State, parent and so on; nothing when there is no such process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
