"""What looks like a key in a text: it belongs into a secret, where nobody reads it.

Only forms that are hardly anything else. None can make a search slow: each is a fixed beginning and one run of letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

from signoff.agents.findings import Finding
from signoff.agents.lint.facts import LintFacts

_SHOWN_CHARS = 4
_PER_TEXT_MAX = 20
_FORMS = (
    r"sk-[A-Za-z0-9_-]{20,200}",
    r"[sr]k_(?:live|test)_[A-Za-z0-9]{16,200}",
    r"A(?:KI|SI)A[0-9A-Z]{16}",
    r"gh[pousr]_[A-Za-z0-9]{30,200}",
    r"github_pat_[A-Za-z0-9_]{30,200}",
    r"glpat-[A-Za-z0-9_-]{20,200}",
    r"xox[abeoprs]-[A-Za-z0-9-]{12,200}",
    r"AIza[0-9A-Za-z_-]{35}",
    r"so_[a-z0-9]{10}_[A-Za-z0-9_-]{40,60}",
    r"eyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,2000}",
    r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----",
)
KEY = re.compile(r"(?<![A-Za-z0-9_-])(?:" + "|".join(_FORMS) + ")")
# `password: hunter2isShort7`, `api_key = …`, `Bearer …`: a word for it, and a value with letters and digits.
NAMED = re.compile(
    r"\b(?:pass(?:word|wd|phrase)|passwort|api[ _-]?key|secret|token|bearer)\b\s{0,3}[:=]?\s{0,3}"
    r"[\"'`]?(?P<value>(?=[^\s\"'`{}<>]{0,200}[0-9])(?=[^\s\"'`{}<>]{0,200}[A-Za-z])[^\s\"'`{}<>]{12,200})",
    re.IGNORECASE,
)


def lint_typed_keys(body: dict[str, Any], facts: LintFacts) -> Iterator[Finding]:
    """Yield what looks like a key, in any text of a body. The finding shows the beginning only."""
    del facts
    for path, text in _texts(body, ""):
        for number, line in enumerate(text.split("\n"), start=1):
            for found in list(_keys(line))[:_PER_TEXT_MAX]:
                said = f"{found[:_SHOWN_CHARS]}… looks like a key or a password. Whoever may read the agent reads it."
                fix = "Store it as a secret, write {{secret.NAME}} in its place, and replace it where it is valid."
                yield Finding("looks_like_a_key", "warning", path, number if path == "sop" else None, said, fix)


def _keys(line: str) -> Iterator[str]:
    seen: list[tuple[int, int]] = []
    for match in KEY.finditer(line):
        seen.append(match.span())
        yield match.group()
    for match in NAMED.finditer(line):
        if not any(start < match.end() and match.start() < end for start, end in seen):
            yield match.group("value")


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for index, item in enumerate(cast("list[Any]", value)):
            yield from _texts(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, item in cast("dict[str, Any]", value).items():
            yield from _texts(item, f"{path}.{name}" if path else str(name))
