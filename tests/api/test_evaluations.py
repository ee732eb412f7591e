"""What the API takes for an example, and how it says no."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.world import World

ACME = "/v1/acme"


@pytest.mark.parametrize(
    "body",
    [{}, {"run": "run_1", "examples": [{"input": 1}]}, {"examples": [{"expected": 1}]}, {"examples": [{"in": 1}]}],
)
def test_it_is_a_run_or_examples_each_with_an_input(world: World, body: dict[str, Any]) -> None:
    with world.client(key=world.keys["admin"]) as client:
        answer = client.post(f"{ACME}/datasets/{world.ids['dataset']}/examples", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"]


def test_the_settings_of_an_evaluator_are_told_by_where_they_are_wrong(world: World) -> None:
    wanted = {"name": "Total", "kind": "field", "settings": {"path": "total", "withn": 1}}
    with world.client(key=world.keys["admin"]) as client:
        answer = client.post(f"{ACME}/agents/helper/evaluators", json=wanted)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == ["settings.withn"]


def test_many_examples_come_with_their_ids_in_order(world: World) -> None:
    path = f"{ACME}/datasets/{world.ids['dataset']}/examples"
    with world.client(key=world.keys["admin"]) as client:
        made = client.post(path, json={"examples": [{"input": one} for one in ("a", "b")]}).json()["ids"]
        found = client.get(path).json()["items"]
    assert [(one["id"], one["input"]) for one in found[1:]] == list(zip(made, ("a", "b"), strict=True))


def test_a_key_without_the_right_evaluates_nothing(world: World) -> None:
    with world.client(key=world.keys["runner"]) as client:
        answer = client.post(f"{ACME}/agents/helper:evaluate", json={"dataset": world.ids["dataset"]})
    assert answer.status_code == 403
    assert answer.json()["required"] == "evaluation.run"


def test_a_list_is_filtered_by_state_and_agent(world: World) -> None:
    with world.client(key=world.keys["admin"]) as client:
        here = client.get(f"{ACME}/evaluations?agent=helper&state=pending").json()["items"]
        none = client.get(f"{ACME}/evaluations?state=completed").json()["items"]
    assert [one["id"] for one in here] == [world.ids["evaluation"]]
    assert none == []
