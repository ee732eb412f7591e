"""`contains`: texts that must stand in the output."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import Field

from signoff.evaluations.scoring.observed import Mark, Observed
from signoff.evaluations.scoring.settings import Path, Settings
from signoff.evaluations.scoring.values import READ_CHARS, named, part_of, shown, text_of
from signoff.kit.dotted import MISSING

TEXTS_MAX = 50
_Text = Annotated[str, Field(min_length=1, max_length=2_000)]


class Contains(Settings):
    """The share of the texts that were found.

    Args:
        texts: what must stand there in every example; none: the example's expected text, or each of its expected list.
        path: where to look; the whole output when it is empty.
        ignores_case: small and capital letters are the same.
    """

    texts: tuple[_Text, ...] = Field(default=(), max_length=TEXTS_MAX, strict=False)
    path: Path = ""
    ignores_case: bool = True

    def mark(self, observed: Observed, expected: Any) -> Mark:
        """Look for each text."""
        wanted = list(self.texts or _texts(expected))
        if not wanted:
            return Mark(None, "The example expects no text, or list of texts, to look for.")
        where = part_of(observed.output, self.path)
        if where is MISSING:
            return Mark(0.0, f"Nothing is at {named(self.path)}.")
        text = self._folded(text_of(where)[:READ_CHARS])
        missing = [one for one in wanted if self._folded(one) not in text]
        if not missing:
            return Mark(1.0, "All is there." if len(wanted) > 1 else f"{shown(wanted[0])} is there.")
        words = f"{shown(missing[0])} is not in {named(self.path)}"
        more = f", and {len(missing) - 1} more of {len(wanted)}." if len(missing) > 1 else "."
        return Mark((len(wanted) - len(missing)) / len(wanted), words + more)

    def _folded(self, text: str) -> str:
        return text.casefold() if self.ignores_case else text


def _texts(expected: Any) -> tuple[str, ...]:
    found = cast("list[Any]", expected) if isinstance(expected, list) else [expected]
    texts = tuple(one for one in found if isinstance(one, str) and one)
    return texts[:TEXTS_MAX] if len(texts) == len(found) else ()
