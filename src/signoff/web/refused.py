"""A form that was refused, on a page with several: which one, why, and what was typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from signoff.kit.errors import Malformed
from signoff.web.forms import Form

AMOUNT_CHARS_MAX = 30


@dataclass(frozen=True, slots=True)
class Refused:
    """A form that was refused: which one, why, and what was typed."""

    which: str = ""
    problem: str = ""
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    form: Form = field(default_factory=Form)

    def errors_of(self, which: str, name: str) -> Sequence[str]:
        """Return the sentences for a field of a form."""
        return self.errors.get(name, ()) if self.which == which else ()

    def text(self, which: str, name: str, default: str = "") -> str:
        """Return what was typed into a field of a form."""
        return self.form.text(name, default) if self.which == which else default


NOT_REFUSED = Refused()


def amount(fields: Form, name: str) -> Decimal:
    """Return an amount of dollars as a person typed it.

    Raises:
        Malformed: it is none.
    """
    text = fields.text(name).strip().removeprefix("$").replace(",", "")
    try:
        if len(text) > AMOUNT_CHARS_MAX:
            raise InvalidOperation
        return Decimal(text)
    except InvalidOperation:
        sentence = "Write an amount of dollars, such as 25 or 0.15."
        raise Malformed(sentence, errors={name: [sentence]}) from None
