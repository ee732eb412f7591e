"""The forms of a dataset as values."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from signoff.evaluations.states import Every, Split
from signoff.kit.errors import Malformed
from signoff.web.forms import Form, NotJson, parse_json


def input_from(form: Form) -> Any:
    """Return the input: JSON, or a text where it does not look like JSON.

    Raises:
        Malformed: there is none, or it is JSON with a mistake.
    """
    text = form.text("input").strip()
    if not text:
        raise Malformed("Say what the agent is asked.", errors={"input": ["Say what the agent is asked."]})
    return _value(text, "input")


def expected_from(form: Form) -> Any:
    """Return what is expected; None for nothing. As `input_from`."""
    text = form.text("expected").strip()
    return _value(text, "expected") if text else None


def split_from(form: Form) -> Split:
    """Return which part of the dataset an example belongs to."""
    return "holdout" if form.is_on("is_holdout") else "dev"


def tolerance_from(form: Form) -> float:
    """Return how far a mean may fall.

    Raises:
        Malformed: it is no number.
    """
    value = parse_json(form.text("tolerance").strip() or "0")
    if isinstance(value, NotJson | bool) or not isinstance(value, int | float):
        words = "Give a number from 0 to 1, such as 0.02."
        raise Malformed(words, errors={"tolerance": [words]})
    return float(value)


def hour_from(form: Form) -> int:
    """Return the hour of a schedule; what is none is refused by the action."""
    text = form.text("at_hour")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 else -1


def every_from(form: Form) -> Every | None:
    """Return how often the clock asks; None: not at all."""
    found: dict[str, Every] = {"day": "day", "week": "week"}
    return found.get(form.text("every"))


def cap_from(form: Form) -> Decimal | None:
    """Return what an evaluation may cost; None: what is usual.

    Raises:
        Malformed: it is no amount.
    """
    text = form.text("cap_usd").strip().removeprefix("$")
    try:
        return Decimal(text) if text else None
    except InvalidOperation:
        words = "Give dollars, such as 5 or 0.50."
        raise Malformed(words, errors={"cap_usd": [words]}) from None


def _value(text: str, field: str) -> Any:
    value = parse_json(text)
    if not isinstance(value, NotJson):
        return value
    # What begins as JSON was meant as JSON: a brace forgotten at its end must not become a text.
    if text[0] in '{["':
        sentence = f"This is not JSON. {value.sentence} A plain text needs no quotes."
        raise Malformed(sentence, errors={field: [sentence]})
    return text
