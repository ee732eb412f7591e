"""`signoff pairs`: the pairs of a release and how far they agree, on the machine."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from signoff.cli.commands import app
from signoff.cli.exits import guarded
from signoff.settings import Settings
from tests.api.world import make_world

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.fixture
def world(settings: Settings) -> Any:
    made = make_world(settings)
    yield made
    made.close()


def test_the_operator_reads_pairs_and_their_agreement(
    world: Any, database_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):  # fmt: skip
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", database_url)
    monkeypatch.setenv("SIGNOFF_DATA_DIR", str(settings.data_dir))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["signoff", "pairs", *words, "--workspace", "acme"])
        code = guarded(lambda: app(standalone_mode=False))
        told = capsys.readouterr()
        return code, told.out, told.err

    release = world.ids["release"]
    code, out, said = run(release)
    assert code == 0
    assert world.ids["run"] in out
    assert "1 compared on 1 days, 100.0% (20.7% to 100.0%) equal; none judged." in out + said
    (row,) = json.loads(run(release, "--json", "--unjudged")[1])
    assert (row["run_id"], row["is_equal"], row["named"]) == (world.ids["run"], True, [])
    assert run(release, "--differing")[1].startswith("(none)")
    assert run("rel_none")[0] == 11
