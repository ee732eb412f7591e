"""In what a revision reaches further than the one that serves."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.agents.body import Body
from signoff.watch.probes.widening import widenings
from tests.rooms.watch.kit_probes import body

CAP = {"effects": ["send"], "most": 10, "per": "day"}
GATE = {"name": "pay", "effects": ["irreversible"]}
OLD: dict[str, Any] = {
    "tools": [{"slot": "erp", "allow": [{"tool": "look"}, {"tool": "post"}]}],
    "gates": [GATE],
    "rules": {"caps": [CAP], "windows": [{"effects": ["send"]}]},
    "sub_agents": [],
}


def changed(**changes: Any) -> Body:
    return body(**{**OLD, **changes})


def effect_of(slot: str, tool: str) -> str:
    return "read" if tool == "look" else "write"


def test_the_same_widens_nothing():
    assert widenings(changed(), changed(sop="Other words."), effect_of) == ()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tools": [{"slot": "erp", "allow": [{"tool": "post"}, {"tool": "pay"}]}]}, "it may act with erp.pay"),
        ({"gates": []}, "nobody is asked by the gate pay any more"),
        ({"rules": {"caps": [{**CAP, "most": 11}], "windows": [{"effects": ["send"]}]}},
         "it may act up to 11 per day, 10 before"),
        ({"rules": {"caps": [], "windows": [{"effects": ["send"]}]}}, "it may act without a cap per day, 10 before"),
        ({"rules": {"caps": [CAP]}}, "it acts at all hours"),
        ({"memory": {"scope": "shared"}}, "its memory is shared by all"),
        ({"sub_agents": [{"agent": "helper", "tool": "ask_helper", "description": "Helps."}]},
         "it calls the agent helper"),
    ],
)  # fmt: skip
def test_each_way_of_reaching_further_is_named(changes: dict[str, Any], told: str):
    assert widenings(changed(), changed(**changes), effect_of) == (told,)


def test_reading_more_or_doing_less_widens_nothing():
    more = [
        {"slot": "erp", "allow": [{"tool": "look"}, {"tool": "post"}]},
        {"slot": "crm", "allow": [{"tool": "look"}]},
    ]
    assert widenings(changed(), changed(tools=more), effect_of) == ()
    fewer = {"caps": [{**CAP, "most": 5}], "windows": [{"effects": ["send"]}]}
    assert widenings(changed(), changed(rules=fewer, tools=[]), effect_of) == ()


def test_a_cap_of_the_first_weeks_ends_anyway():
    first = {"caps": [{**CAP, "until": "2027-01-31"}], "windows": [{"effects": ["send"]}]}
    assert widenings(changed(rules=first), changed(rules={"windows": [{"effects": ["send"]}]}), effect_of) == ()
