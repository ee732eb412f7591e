"""Examples as JSON lines: one object on each line. Every bad line is told; what is written is read as the same."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from signoff.evaluations.actions.examples import NewExample
from signoff.evaluations.limits import EXAMPLES_MAX
from signoff.evaluations.states import SPLITS, Split
from signoff.kit import strict_json
from signoff.kit.errors import Malformed

FIELDS = ("input", "expected", "critical", "split", "tags", "note")
# A file with nothing but mistakes is not worth more sentences than this.
BAD_LINES_MAX = 50


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that is no example, and why. `number` counts from 1."""

    number: int
    why: str

    @property
    def sentence(self) -> str:
        """Return it for a person."""
        return f"Line {self.number}: {self.why}"


@dataclass(frozen=True, slots=True)
class Lines:
    """What stands in a text of JSON lines. Empty lines are passed over."""

    examples: tuple[NewExample, ...]
    bad: tuple[BadLine, ...]

    def or_refuse(self) -> tuple[NewExample, ...]:
        """Return the examples.

        Raises:
            Malformed: a line is none; `errors["lines"]` has a sentence for each.
        """
        if self.bad:
            words = "1 line is no example" if len(self.bad) == 1 else f"{len(self.bad)} lines are no examples"
            raise Malformed(f"{words}. Nothing was added.", errors={"lines": [one.sentence for one in self.bad]})
        if not self.examples:
            words = 'Write one example on each line, such as {"input": "…", "expected": "…"}.'
            raise Malformed(words, errors={"lines": [words]})
        return self.examples


def read_lines(text: str) -> Lines:
    """Return the examples of a text, and the lines that are none; of these at most 50."""
    found: list[NewExample] = []
    bad: list[BadLine] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        if len(found) >= EXAMPLES_MAX:
            bad.append(BadLine(number, f"a dataset has at most {EXAMPLES_MAX} examples; leave out the rest."))
            break
        try:
            found.append(_example(strict_json.loads(line.encode("utf-8", "surrogatepass"))))
        except Malformed as refusal:
            bad.append(BadLine(number, refusal.detail))
            if len(bad) >= BAD_LINES_MAX:
                break
    return Lines(tuple(found), tuple(bad))


def write_line(example: NewExample) -> str:
    """Return an example as the line that `read_lines` reads as the same."""
    said: dict[str, Any] = {"input": example.input}
    if example.expected is not None:
        said["expected"] = example.expected
    if example.is_critical:
        said["critical"] = True
    if example.split != "dev":
        said["split"] = example.split
    if example.tags:
        said["tags"] = list(example.tags)
    if example.note:
        said["note"] = example.note
    return json.dumps(said, ensure_ascii=False)


def _example(value: Any) -> NewExample:
    if not isinstance(value, dict):
        raise Malformed('it is no object. Write {"input": …, "expected": …}.')
    members = cast("dict[str, Any]", value)
    unknown = [name for name in members if name not in FIELDS]
    if unknown:
        raise Malformed(f"it has a field {json.dumps(unknown[0][:80])}; an example has {', '.join(FIELDS)}.")
    if "input" not in members:
        raise Malformed("it has no input.")
    critical, tags, note = members.get("critical", False), members.get("tags", []), members.get("note", "")
    if not isinstance(critical, bool):
        raise Malformed("critical is true or false.")
    if not isinstance(note, str):
        raise Malformed("note is a text.")
    return NewExample(
        input=members["input"], expected=members.get("expected"), is_critical=critical,
        split=_split(members.get("split", "dev")), tags=_texts(tags), note=note,
    )  # fmt: skip


def _split(word: Any) -> Split:
    for known in SPLITS:
        if word == known:
            return known
    raise Malformed("split is dev or holdout.")


def _texts(value: Any) -> tuple[str, ...]:
    given: Iterable[Any] = cast("list[Any]", value) if isinstance(value, list) else (None,)
    found = tuple(given)
    if not all(isinstance(one, str) for one in found):
        raise Malformed("tags is a list of texts.")
    return cast("tuple[str, ...]", found)
