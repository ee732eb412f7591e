"""Examples as JSON lines: every bad line is told, and what is written is read as the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from signoff.evaluations.actions import NewExample
from signoff.evaluations.example_lines import read_lines, write_line
from signoff.kit.errors import Malformed

# No half of a pair and no NUL: no database takes them.
TEXT = some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
JSON = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**53), 2**53) | TEXT,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
EXAMPLES = some.builds(
    NewExample, input=JSON, expected=JSON, is_critical=some.booleans(), split=some.sampled_from(["dev", "holdout"]),
    tags=some.lists(TEXT, max_size=3).map(tuple), note=TEXT,
)  # fmt: skip


@given(some.lists(EXAMPLES, max_size=5))
def test_what_is_written_is_read_as_the_same(examples: list[NewExample]):
    found = read_lines("\n\n".join(write_line(one) for one in examples))
    assert (list(found.examples), found.bad) == (examples, ())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"input": 1', "The body is not JSON at character 11."),
        ("7", "it is no object. Write"),
        ('{"expected": 1}', "it has no input."),
        ('{"input": 1, "inputs": 2}', 'it has a field "inputs"; an example has input, expected'),
        ('{"input": 1, "critical": "yes"}', "critical is true or false."),
        ('{"input": 1, "split": "test"}', "split is dev or holdout."),
        ('{"input": 1, "split": ["dev"]}', "split is dev or holdout."),
        ('{"input": 1, "tags": "a"}', "tags is a list of texts."),
        ('{"input": 1, "tags": [1]}', "tags is a list of texts."),
        ('{"input": 1, "note": 3}', "note is a text."),
        ('{"input": 1, "input": 2}', "A name stands twice"),
        ('{"input": NaN}', "NaN is not JSON."),
        ('{"input": "\\u0000"}', "holds a NUL"),
    ],
)
def test_a_line_that_is_no_example_says_why_and_which(line: str, words: str):
    found = read_lines(f'{{"input": 0}}\n\n{line}\n{{"input": 2}}')
    assert [one.number for one in found.bad] == [3]
    assert words in found.bad[0].why
    assert [one.input for one in found.examples] == [0, 2]
    with pytest.raises(Malformed) as raised:
        found.or_refuse()
    assert raised.value.errors["lines"] == [f"Line 3: {found.bad[0].why}"]


def test_there_is_an_end_to_lines_and_to_mistakes():
    assert len(read_lines("[]\n" * 1_000).bad) == 50
    many = read_lines('{"input": 1}\n' * 501)
    assert (len(many.examples), [one.number for one in many.bad]) == (500, [501])


def test_nothing_is_told_as_nothing():
    nothing: Any = read_lines("\n  \n")
    with pytest.raises(Malformed) as raised:
        nothing.or_refuse()
    assert "Write one example on each line" in raised.value.detail
