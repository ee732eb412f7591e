"""Signals and comparisons over the API and the command line: what is there, and who may see it."""

from __future__ import annotations

import json
import sys

import pytest

from signoff.agents.actions import save_draft
from signoff.cli.commands import app
from signoff.cli.exits import guarded
from signoff.deployments.actions import freeze_and_serve_first
from signoff.record.actor import SYSTEM
from signoff.releases.actions import abort_release, request_release
from signoff.releases.strategy import read_strategy
from signoff.runs import actions
from signoff.tables.runs import Run
from tests.api.world import BODY, World


def released(world: World) -> str:
    """A canary of a second revision, and one run that came to an end; return the release's id."""
    with world.store.write() as session:
        abort_release(session, world.alice, world.ids["release"], reason="Another one is to be tried.")
        save_draft(session, world.alice, "helper", body={**BODY, "sop": "Answer politely, and briefly."}, version=1)
        freeze_and_serve_first(session, world.alice, "helper", reason="second")
        way = read_strategy({"canary": {"steps": [{"share_percent": 50, "minutes": 10}]}})
        made = request_release(
            session, world.alice, "helper", environment="production", revision=2, strategy=way, reason="Try it."
        )
        run = actions.request_run(session, world.alice, agent="helper", input={"text": "x"})
        session.get_one(Run, run.id).state = "running"
        session.flush()
        actions.complete_run(session, run.id, 1, by=SYSTEM, output="done")
    return made


def test_the_comparison_of_a_release_has_every_metric_and_strangers_get_404(world: World) -> None:
    made = released(world)
    path = f"/v1/acme/releases/{made}/comparison"
    with world.client(session=world.tokens["viewer"]) as viewer:
        found = viewer.get(path)
        assert found.status_code == 200, found.text
        body = found.json()
        assert (body["release_id"], body["state"], body["verdict"]) == (made, "canary", "inconclusive")
        assert [one["name"] for one in body["metrics"]] == [
            "errors", "needs input", "denials", "cost", "duration", "tool calls", "score", "pairs",
        ]  # fmt: skip
        assert body["split"]["is_broken"] is False
        assert viewer.get("/v1/acme/releases/rel_none/comparison").status_code == 404
    with world.client(key=world.keys["charlie"]) as charlie:
        assert charlie.get(path).status_code == 404
        assert charlie.get(path.replace("acme", "other")).status_code == 404


def test_signals_by_the_hour_can_be_narrowed_and_strangers_get_404(world: World) -> None:
    released(world)
    path = "/v1/acme/agents/helper/signals"
    with world.client(session=world.tokens["viewer"]) as viewer:
        whole = viewer.get(path, params={"environment": "production"})
        assert whole.status_code == 200, whole.text
        hours = whole.json()["hours"]
        assert sum(one["completed"] for one in hours) == 1
        assert viewer.get(path, params={"variant": "shadow"}).json()["hours"] == []
        assert viewer.get(path, params={"since": "2020-01-01T00:00:00Z"}).status_code == 422
        assert viewer.get(path, params={"variant": "other"}).status_code == 422
    with world.client(key=world.keys["charlie"]) as charlie:
        assert charlie.get(path).status_code == 404


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_the_command_line_shows_the_verdict(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made = released(world)
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", str(world.store.engine.url))
    monkeypatch.setenv("SIGNOFF_DATA_DIR", str(world.settings.data_dir))

    def signoff(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["signoff", *words])
        code = guarded(lambda: app(standalone_mode=False))
        told = capsys.readouterr()
        return code, told.out, told.err

    code, out, err = signoff("compare", made, "--workspace", "acme")
    assert (code, out.splitlines()[0].split()) == (0, ["METRIC", "VERDICT", "RUNS", "BESIDE", "DIFFERENCE"])
    assert err.startswith("inconclusive: Not enough is known")
    code, out, _ = signoff("compare", made, "--workspace", "acme", "--json")
    assert (code, json.loads(out)["release_id"]) == (0, made)
    assert signoff("compare", "rel_none", "--workspace", "acme")[0] == 11
