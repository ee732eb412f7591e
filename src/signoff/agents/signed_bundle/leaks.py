"""No secret value leaves: everything a bundle would hold is looked through, in every form a value comes back in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, cast

from signoff.agents.findings import path_of
from signoff.kit.errors import Malformed
from signoff.kit.redact import Redactor

_MARK = re.compile(r"\{\{secret\.([^{}]*)\}\}")
_TOLD = 10


class SecretInBundle(Malformed):
    """A text of the revision holds the value of a secret. `errors` says where, and of which."""


def refuse_secrets(document: Any, redactors: Iterable[Redactor]) -> None:
    """Return quietly, or refuse to let a document go.

    Raises:
        SecretInBundle: a value of a known secret is in it; the value itself is not repeated.
    """
    masks = [redactor for redactor in redactors if not redactor.is_empty]
    found: dict[str, list[str]] = {}
    _walk(document, (), masks, found)
    if found:
        first = next(iter(found))
        raise SecretInBundle(
            f"Nothing was exported: {first or 'the document'} holds the value of a secret ({found[first][0]}). Write "
            "{{secret.NAME}} in its place, freeze, and export that revision. Consider the value known, and replace it.",
            errors={place: [f"holds the value of {name}" for name in names] for place, names in found.items()},
        )


def _walk(value: Any, place: tuple[str | int, ...], masks: list[Redactor], found: dict[str, list[str]]) -> None:
    if len(found) >= _TOLD:
        return
    if isinstance(value, dict):
        for name, item in cast("dict[str, Any]", value).items():
            if names := _named(name, masks):
                # The name is the secret: it must not be told as the place.
                found.setdefault(path_of(place) + ".(a name)", []).extend(names)
                continue
            _walk(item, (*place, name), masks, found)
    elif isinstance(value, list):
        for number, item in enumerate(cast("list[Any]", value)):
            _walk(item, (*place, number), masks, found)
    elif value is not None and not isinstance(value, bool):
        text = value if isinstance(value, str) else repr(value)
        if names := _named(text, masks):
            found.setdefault(path_of(place) + _line(text, masks), []).extend(names)


def _named(text: str, masks: list[Redactor]) -> list[str]:
    """Return the names of the secrets whose values are in a text."""
    names: list[str] = []
    for redactor in masks:
        masked = redactor.text(text)
        if masked != text:
            before = _MARK.findall(text)
            names += [name for name in _MARK.findall(masked) if name not in before] or ["a secret"]
    return list(dict.fromkeys(names))


def _line(text: str, masks: list[Redactor]) -> str:
    """Return the line of a longer text at which the value stands, where it stands in one."""
    lines = text.split("\n")
    if len(lines) < 2:
        return ""
    for number, line in enumerate(lines, 1):
        if _named(line, masks):
            return f" line {number}"
    return ""
