"""The form of an evaluator: its fields make settings, and settings make its fields."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.evaluations.scoring import EVALUATOR_KINDS, EvaluatorKind, read_settings
from signoff.kit.errors import Malformed
from signoff.web.assets import icon
from signoff.web.evaluator_form import KINDS, errors_of, form_from_settings, kind_of, settings_from, settings_words
from signoff.web.forms import Form

EACH: list[tuple[EvaluatorKind, dict[str, Any]]] = [
    ("equals", {"ignores_case": True}),
    ("field", {"path": "total", "value": 7, "within": 0.5}),
    ("field", {"path": "state", "value": "paid"}),
    ("contains", {"texts": ["paid", "on Monday"], "path": "mail", "ignores_case": False}),
    ("matches", {"pattern": r"^INV-\d+$"}),
    ("schema", {"schema": {"type": "object", "required": ["total"]}}),
    (
        "calls",
        {"calls": [{"tool": "find"}, {"tool": "book", "args": {"amount": 10}}], "never": ["pay"], "is_all": True},
    ),
    ("cost", {"cost_usd_max": 0.05}),
    ("duration", {"seconds_max": 30}),
    ("judge", {"agent": "judge", "revision": 3, "criteria": "Is it\npolite?"}),
]


def test_every_kind_has_its_words_and_an_icon_that_is_there():
    assert set(KINDS) == set(EVALUATOR_KINDS)
    assert all(icon(words.icon) and words.title and words.about for words in KINDS.values())


@pytest.mark.parametrize(("kind", "settings"), EACH)
def test_settings_come_back_from_their_form_and_are_taken(kind: EvaluatorKind, settings: dict[str, Any]):
    assert settings_from(form_from_settings(kind, settings), kind) == settings
    assert read_settings(kind, settings)
    assert settings_words(kind, settings)


def test_what_is_left_empty_is_not_said_and_a_box_begins_as_the_kind_has_it():
    assert settings_from(Form(), "field") == {}
    assert settings_from(form_from_settings("contains", {}), "contains") == {"ignores_case": True}
    assert settings_from(Form(), "contains") == {"ignores_case": False}
    assert settings_words("equals", {"ignores_case": False}) == ""
    assert kind_of("telepathy") == "equals"


@pytest.mark.parametrize(
    ("kind", "name", "text", "words"),
    [
        ("field", "value", "paid", "This is not JSON. Line 1, column 1"),
        ("field", "within", "much", "Give a number"),
        ("calls", "calls", "book 10", "After a tool come its arguments as a JSON object: book"),
    ],
)
def test_a_field_that_is_not_what_it_has_to_be_says_so(kind: EvaluatorKind, name: str, text: str, words: str):
    with pytest.raises(Malformed) as raised:
        settings_from(Form({f"set.{name}": (text,)}), kind)
    assert words in errors_of(raised.value.errors, name)[0]
    assert errors_of({"settings.calls.0.tool": ["field required"]}, "calls") == ["field required"]
