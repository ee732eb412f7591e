"""Where each argument of a call came from: what a person who is asked about it wants to know first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from signoff.gateways.tool.flow.arguments import Leaf, leaves, sinks_among
from signoff.gateways.tool.flow.deciding import FlowCall, FlowContext
from signoff.kit.typed_values import endorsement_key, values_of

Source = Literal["approver", "sop", "revision", "input", "result", "model"]
# In a longer text a shorter value would be found by chance.
_IN_TEXT_CHARS_MIN = 3


@dataclass(frozen=True, slots=True)
class Result:
    """What one earlier tool call gave. `where` is the name people know it by."""

    where: str
    value: Any
    is_trusted: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything an argument may have come from.

    Args:
        sop, revision: the instructions; values in what the revision says of this call's arguments.
        input: what the run was given, by `input_by`, who may be somebody nobody vouches for.
        results: what was read before, in order.
    """

    sop: str = ""
    revision: Any = None
    input: Any = None
    input_by: str = ""
    is_input_trusted: bool = False
    results: Sequence[Result] = ()


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one value came from.

    Args:
        where: who or what, in words: a name, the name of a tool.
        is_trusted: somebody vouches for it.
        is_sink: it chooses the target of the call.
    """

    argument: str
    value: Any
    source: Source
    where: str
    is_trusted: bool
    is_sink: bool

    def as_plain(self) -> dict[str, Any]:
        """Return plain JSON, for a request's card."""
        return {
            "argument": self.argument, "value": self.value, "source": self.source, "where": self.where,
            "is_trusted": self.is_trusted, "is_sink": self.is_sink,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Place:
    """One place in which values are looked for, made ready once for all of them."""

    source: Source
    where: str
    is_trusted: bool
    texts: tuple[str, ...]
    others: tuple[Any, ...]

    @staticmethod
    def of(source: Source, where: str, whole: Any, *, is_trusted: bool) -> _Place:
        found = [leaf.value for leaf in leaves(whole)]
        texts = tuple(" ".join(one.split()).casefold() for one in found if isinstance(one, str))
        return _Place(source, where, is_trusted, texts, tuple(one for one in found if not isinstance(one, str)))

    def has(self, value: Any) -> bool:
        if isinstance(value, bool):
            return False
        if not isinstance(value, str) and any(one == value and not isinstance(one, bool) for one in self.others):
            return True
        forms = _forms(value)
        return any(_stands_in(form, text) for text in self.texts for form in forms)


def origins(call: FlowCall, context: FlowContext, seen: Seen) -> list[Origin]:
    """Return the origin of each value in the call's arguments; what is found nowhere was made up by the model."""
    found = leaves(dict(call.args))
    sinks = {id(leaf) for leaf in sinks_among(found, call.labels, call.described)}
    by = f"the input, from {seen.input_by}" if seen.input_by else "the input"
    places = [
        _Place.of("sop", "the SOP", seen.sop, is_trusted=True),
        _Place.of("revision", "the revision", seen.revision, is_trusted=True),
        _Place.of("input", by, seen.input, is_trusted=seen.is_input_trusted),
        *(_Place.of("result", one.where, one.value, is_trusted=one.is_trusted) for one in seen.results),
    ]
    return [_origin(leaf, context, places, is_sink=id(leaf) in sinks) for leaf in found]


def _origin(leaf: Leaf, context: FlowContext, places: Sequence[_Place], *, is_sink: bool) -> Origin:
    def of(source: Source, where: str, *, is_trusted: bool) -> Origin:
        return Origin(leaf.argument, leaf.value, source, where, is_trusted, is_sink)

    if endorsement_key(leaf.value) in context.accepted:
        return of("approver", "an approver, for this run", is_trusted=True)
    holding = [place for place in places if place.has(leaf.value)]
    # Who can be believed is named first; of the others the first that said it.
    best = next((place for place in holding if place.is_trusted), holding[0] if holding else None)
    if best is None:
        return of("model", "the model", is_trusted=context.label.is_trusted)
    return of(best.source, best.where, is_trusted=best.is_trusted)


def by_argument(found: Sequence[Origin]) -> dict[str, dict[str, str]]:
    """Return, for each argument of the call, where it came from and its label: that of its worst value."""
    cards: dict[str, dict[str, str]] = {}
    for origin in sorted(found, key=lambda one: one.is_trusted):
        name = origin.argument.split(".", 1)[0]
        label = "trusted" if origin.is_trusted else "untrusted"
        cards.setdefault(name, {"origin": origin.where, "label": label})
    return cards


def _forms(value: Any) -> list[str]:
    plain = " ".join(str(value).split()).casefold()
    if len(plain) < (_IN_TEXT_CHARS_MIN if isinstance(value, str) else 1):
        return []
    return list(dict.fromkeys((plain, *(one.text.casefold() for one in values_of(value) or ()))))


def _stands_in(form: str, text: str) -> bool:
    """Whether it stands there as a whole: `12` is not in `INV-123`, nor `a@b.example` in `aa@b.example`."""
    return form in text and re.search(rf"(?<![\w@.+-]){re.escape(form)}(?![\w@]|[.-]\w)", text) is not None
