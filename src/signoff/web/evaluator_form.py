"""The form of an evaluator: for each kind its fields, the settings they make, and the settings in words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from signoff.evaluations.scoring import EvaluatorKind
from signoff.kit.errors import Malformed
from signoff.kit.text import shortened
from signoff.web.forms import Form, NotJson, json_text, parse_json

FieldKind = Literal["text", "lines", "json", "number", "check", "long"]


@dataclass(frozen=True, slots=True)
class SettingField:
    """One setting as a field of the form."""

    name: str
    label: str
    kind: FieldKind
    hint: str = ""
    is_required: bool = False
    placeholder: str = ""
    is_on: bool = False
    """Of a check box: ticked where nothing is said."""


@dataclass(frozen=True, slots=True)
class KindWords:
    """A kind in words: what it is called, what it says, what it takes."""

    title: str
    about: str
    icon: str
    fields: tuple[SettingField, ...]


_PATH = SettingField("path", "Where", "text", "Such as customer.email or lines.0.total. Empty: the whole output.")
_CASE = SettingField("ignores_case", "Small and capital letters are the same", "check")
_ANY_CASE = SettingField("ignores_case", "Small and capital letters are the same", "check", is_on=True)
KINDS: Mapping[EvaluatorKind, KindWords] = {
    "equals": KindWords("Equals", "The whole output is what the example expects.", "equal", (_CASE,)),
    "field": KindWords(
        "One field", "One value of the output is right, or a number near it.", "braces",
        (
            SettingField("path", "Field", "text", "Such as customer.email or lines.0.total.", is_required=True),
            SettingField("value", "Must be", "json", "As JSON. Empty: what the example expects at the same place."),
            SettingField("within", "Give or take", "number", "Of numbers: how far off is still right."),
        ),
    ),
    "contains": KindWords(
        "Contains", "The share of texts that stand in the output.", "text-search",
        (
            SettingField(
                "texts", "Texts", "lines",
                "One on each line. Empty: the text, or list of texts, that the example expects.",
            ),
            _PATH,
            _ANY_CASE,
        ),
    ),
    "matches": KindWords(
        "Matches a pattern", "A regular expression is found in the output.", "regex",
        (
            SettingField(
                "pattern", "Pattern", "text",
                "^ and $ tie it to the ends. Without look-around and back-references, so that it is always quick.",
                is_required=True, placeholder=r"^INV-\d+$",
            ),
            _PATH,
        ),
    ),
    "schema": KindWords(
        "Fits a schema", "The output fits a JSON Schema.", "file-json",
        (SettingField("schema", "JSON Schema", "json", is_required=True), _PATH),
    ),
    "calls": KindWords(
        "Calls", "It called the right tools. Nothing acts in an evaluation: simulated calls count.", "wrench",
        (
            SettingField(
                "calls", "Wanted calls", "lines",
                'One tool on each line, or with arguments: book {"amount": 10}',
            ),
            SettingField(
                "path", "Or where the example expects them", "text",
                "A place in the expected output that lists them, such as calls.",
            ),
            SettingField("never", "Never", "lines", "Tools that must not be called, one on each line."),
            SettingField("is_all", "No other calls than the wanted ones", "check"),
        ),
    ),
    "cost": KindWords(
        "Cost", "1 up to the most it may cost; twice as dear is 0.5.", "circle-dollar-sign",
        (SettingField("cost_usd_max", "At most, in dollars", "number", is_required=True, placeholder="0.05"),),
    ),
    "duration": KindWords(
        "Duration", "1 up to the longest it may take; twice as long is 0.5.", "timer",
        (SettingField("seconds_max", "At most, in seconds", "number", is_required=True, placeholder="30"),),
    ),
    "judge": KindWords(
        "Judge", "Another agent of this workspace says how good the answer is, from 0 to 1.", "gavel",
        (
            SettingField(
                "agent", "Agent", "text",
                "The name in its address. Its output: a score from 0 to 1, and a reason.", is_required=True,
            ),
            SettingField(
                "revision", "Revision", "number",
                "Pinned, so that a judge who changes does not change old scores.", is_required=True,
            ),
            SettingField("criteria", "What to look at", "long"),
        ),
    ),
}  # fmt: skip


def kind_of(word: str) -> EvaluatorKind:
    """Return the kind that a form or an address names; `equals` where it names none."""
    return cast("EvaluatorKind", word) if word in KINDS else "equals"


def settings_from(form: Form, kind: EvaluatorKind) -> dict[str, Any]:
    """Return the settings that a form describes. What is left empty is not said.

    Raises:
        Malformed: a field is not what it has to be; `errors` names it.
    """
    found: dict[str, Any] = {}
    for field in KINDS[kind].fields:
        text = form.text(f"set.{field.name}").strip()
        if field.kind == "check":
            found[field.name] = bool(text)
        elif text:
            found[field.name] = _READ[field.kind](field, text)
    return found


def form_from_settings(kind: EvaluatorKind, settings: Mapping[str, Any]) -> Form:
    """Return settings as the form that makes them; without any, the form to begin with."""
    given = {field.name: field.is_on for field in KINDS[kind].fields if field.kind == "check"} | dict(settings)
    as_json = {field.name for field in KINDS[kind].fields if field.kind == "json"}
    return Form(
        {f"set.{name}": (json_text(value) if name in as_json else _shown(value),) for name, value in given.items()}
    )


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list):
        return "\n".join(_line(one) for one in cast("list[Any]", value))
    return json_text(value)


def _line(value: Any) -> str:
    if isinstance(value, dict):
        call = cast("dict[str, Any]", value)
        args = call.get("args")
        return (
            f"{call.get('tool', '')} {json.dumps(args, ensure_ascii=False)}".strip() if args else str(call.get("tool"))
        )
    return str(value)


def settings_words(kind: str, settings: Mapping[str, Any]) -> str:
    """Return what an evaluator is told, in one line."""
    said: list[str] = []
    for field in KINDS[kind_of(kind)].fields:
        value = settings.get(field.name)
        if field.kind == "check":
            said += [field.label.lower()] if value else []
        elif field.name in settings and value not in ("", []):
            text = json.dumps(value, ensure_ascii=False) if field.kind == "json" else _shown(value).replace("\n", ", ")
            said.append(f"{field.label.lower()}: {shortened(text, 100)}")
    return "; ".join(said)


def _json(field: SettingField, text: str) -> Any:
    value = parse_json(text)
    if isinstance(value, NotJson):
        raise _wrong(field, f"This is not JSON. {value.sentence}")
    return value


def _number(field: SettingField, text: str) -> int | float:
    value = parse_json(text)
    if isinstance(value, NotJson | bool) or not isinstance(value, int | float):
        raise _wrong(field, "Give a number, such as 0.5.")
    return value


def _lines(field: SettingField, text: str) -> list[Any]:
    lines = [line.strip() for line in text.split("\n") if line.strip()]
    return [_call(field, line) for line in lines] if field.name == "calls" else lines


def _call(field: SettingField, line: str) -> dict[str, Any]:
    tool, _, args = line.partition(" ")
    if not args.strip():
        return {"tool": tool}
    value = parse_json(args)
    if isinstance(value, NotJson) or not isinstance(value, dict):
        raise _wrong(
            field, f'After a tool come its arguments as a JSON object: {shortened(tool, 60)} {{"name": "value"}}'
        )
    return {"tool": tool, "args": cast("dict[str, Any]", value)}


def _wrong(field: SettingField, sentence: str) -> Malformed:
    return Malformed(f"{field.label}: {sentence}", errors={f"settings.{field.name}": [sentence]})


def _as_is(field: SettingField, text: str) -> Any:
    return text


_READ: Mapping[FieldKind, Callable[[SettingField, str], Any]] = {
    "text": _as_is, "long": _as_is, "lines": _lines, "json": _json, "number": _number,
}  # fmt: skip


def errors_of(errors: Mapping[str, Sequence[str]], name: str) -> list[str]:
    """Return what is wrong with one setting, or with a part of it."""
    at = f"settings.{name}"
    return [text for place, texts in errors.items() if place == at or place.startswith(f"{at}.") for text in texts]
