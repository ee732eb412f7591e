"""States, moves and rules: pure."""

from __future__ import annotations

import pytest

from signoff.incidents.rules import rules
from signoff.incidents.states import INCIDENT_STATES, SEVERITIES, SYMPTOMS, is_worse, may_move


def test_an_incident_goes_onward_and_never_back():
    legal = {
        (state, move)
        for state in INCIDENT_STATES
        for move in ("acknowledged", "mitigated", "resolved", "reviewed")
        if may_move(state, move)
    }
    assert legal == {
        ("open", "acknowledged"), ("open", "mitigated"), ("open", "resolved"), ("acknowledged", "mitigated"),
        ("acknowledged", "resolved"), ("mitigated", "resolved"), ("resolved", "reviewed"),
    }  # fmt: skip


def test_sev1_is_the_worst():
    assert is_worse("sev1", "sev2")
    assert is_worse("sev2", "sev3")
    assert not is_worse("sev2", "sev2")


def test_what_is_seen_decides_the_severity():
    assert {name: rules().of_symptom(name).severity for name in SYMPTOMS} == {
        "unavailable": "sev1", "errors": "sev2", "other": "sev3",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "detail", "symptom", "opens"),
    [
        ("process_crashing", {}, "unavailable", True),
        ("provider_failing", {"provider": "x"}, "unavailable", True),
        ("slo_burning", {"objective": "requests_answered"}, "unavailable", True),
        ("slo_burning", {"objective": "runs_begin_soon"}, "errors", True),
        ("release_rolled_back", {}, "errors", True),
        ("effect_contradicted", {}, "other", True),
        ("key_expiring", {}, "other", False),
        ("nobody_has_heard_of_it", {}, "other", False),
    ],
)
def test_an_alert_is_a_sign_of_what_its_rule_says(kind: str, detail: dict[str, str], symptom: str, opens: bool):
    rule = rules().of_alert(kind, detail)
    assert (rule.symptom, rule.opens) == (symptom, opens)


def test_every_severity_has_a_checklist_that_begins_with_somebody_who_sees_to_it():
    lists = {severity: [one.key for one in rules().checklist(severity)] for severity in SEVERITIES}
    assert {one[0] for one in lists.values()} == {"acknowledge"}
    assert set(lists["sev3"]) < set(lists["sev2"]) <= set(lists["sev1"])
