"""The questions an agent asks by itself: their shape, and whether an answer fits. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, cast

from signoff.kit.errors import Malformed
from signoff.kit.text import shortened, storable
from signoff.kit.visible import visible

QUESTIONS_MAX = 5
OPTIONS_MAX = 20
_TEXT_CHARS = 4_000

# What a model may ask.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "questions": {
            "type": "array",
            "minItems": 1,
            "maxItems": QUESTIONS_MAX,
            "items": {
                "type": "object",
                "properties": {
                    "header": {"type": "string", "maxLength": 80, "description": "A few words: what it is about."},
                    "question": {"type": "string", "minLength": 1, "maxLength": 2_000},
                    "options": {
                        "type": "array",
                        "items": {"type": "string", "minLength": 1, "maxLength": 200},
                        "maxItems": OPTIONS_MAX,
                        "description": "What can be chosen; left out, the answer is a text.",
                    },
                    "is_multiple": {"type": "boolean", "description": "Whether several options may be chosen."},
                },
                "required": ["question"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["questions"],
    "additionalProperties": False,
}


def shown(questions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return questions as the card keeps them. Options stay as they are: they are what is answered with."""
    return [
        {
            "header": visible(str(one.get("header") or "")),
            "question": visible(str(one["question"])),
            "options": [str(option) for option in cast("list[Any]", one.get("options") or [])],
            "is_multiple": bool(one.get("is_multiple")),
        }
        for one in questions
    ]


def answered(
    questions: Sequence[Mapping[str, Any]], answers: Sequence[Mapping[str, Any]] | None
) -> list[dict[str, Any]]:
    """Return each question with its answer, as the model gets it: `{question, options, text}`.

    Raises:
        Malformed: an answer is missing, or is none of the options; `errors` says which.
    """
    given = list(answers or [])
    if len(given) != len(questions):
        _wrong("answers", f"There are {len(questions)} questions and {len(given)} answers. Answer each, in its order.")
    return [
        _one(index, question, answer) for index, (question, answer) in enumerate(zip(questions, given, strict=True))
    ]


def _one(index: int, question: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    field, offered = f"answers[{index}]", list(question.get("options") or [])
    chosen: Any = answer.get("options") or []
    if not isinstance(chosen, list | tuple):
        _wrong(field, "The chosen options are a list.")
    picked = list(dict.fromkeys(str(one) for one in cast("Sequence[Any]", chosen)))
    if unknown := [one for one in picked if one not in offered]:
        _wrong(field, f"{shortened(unknown[0], 80)!r} is none of the options.")
    if len(picked) > 1 and not question.get("is_multiple"):
        _wrong(field, "Only one option can be chosen.")
    text = shortened(storable(str(answer.get("text") or "")).strip(), _TEXT_CHARS)
    if not picked and not text:
        _wrong(field, "Choose an option or write an answer." if offered else "Write an answer.")
    found: dict[str, Any] = {"question": question["question"], "options": picked}
    return {**found, "text": text} if text else found


def _wrong(field: str, sentence: str) -> NoReturn:
    raise Malformed(sentence, errors={field: [sentence]})
