"""Why a call is asked about, in words for whoever runs the process."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from signoff.gateways.tool.flow.deciding import FlowCall, FlowContext, FlowDecision
from signoff.gateways.tool.flow.origins import Origin
from signoff.kit.text import shortened
from signoff.kit.visible import visible

_VALUE_CHARS = 120
_VALUES_MAX = 4
_DOES = {
    "read": "fetches from an address",
    "write": "writes",
    "send": "shows something to others",
    "irreversible": "cannot be undone",
}
_ASKS = {"read": "fetch", "write": "write", "send": "send", "irreversible": "do what cannot be undone"}
_TO = {"read": " ", "write": " ", "send": " to ", "irreversible": ": "}
_TITLE_VALUE_CHARS = 60
_TITLE_VALUES_MAX = 2
_BECAUSE = {
    "address_not_named": "An address that is fetched can carry out what is written into it.",
    "written_not_named": "The strict profile asks about everything that nobody has named.",
    "target_not_named": "Neither the SOP nor a person has named where it goes.",
    "no_target": "Nothing in the call says where it goes.",
    "target_not_fixed": "It has read what is not for everybody, and where it goes does not stand in the SOP.",
    "private": "It has read what is not for everybody; the strict profile then asks about everything that goes out.",
    "irreversible": "Somebody looks at it first.",
}


def asked_because(call: FlowCall, context: FlowContext, decision: FlowDecision, found: Sequence[Origin]) -> str:
    """Return the reason of a decision to ask: the argument, its value, and why it is not trusted."""
    begun = f"The agent has read what nobody vouches for, and {call.tool} {_DOES[call.effect]}."
    known = {(origin.argument, _key(origin.value)): origin for origin in found}
    about = [
        _about(unsure.argument, unsure.value, known.get((unsure.argument, _key(unsure.value))))
        for unsure in decision.unsure[:_VALUES_MAX]
    ]
    parts = [begun, _BECAUSE.get(decision.rule, ""), *about]
    if len(decision.unsure) > _VALUES_MAX:
        parts.append(f"And {len(decision.unsure) - _VALUES_MAX} more values.")
    return " ".join(part for part in parts if part)


def asked_for(call: FlowCall, decision: FlowDecision) -> str:
    """Return what is asked, as a question: the heading of a request whose gate has no title."""
    named = [
        shortened(visible(" ".join(str(unsure.value).split())), _TITLE_VALUE_CHARS)
        for unsure in decision.unsure[:_TITLE_VALUES_MAX]
    ]
    more = len(decision.unsure) - len(named)
    about = " and ".join(named) + (f" and {more} more" if more else "")
    do = _ASKS.get(call.effect, "call")
    return f"May it {do}{_TO[call.effect]}{about}, with {call.tool}?" if about else f"May it {do}, with {call.tool}?"


def _about(argument: str, value: Any, origin: Origin | None) -> str:
    shown = f"{visible(argument)} is “{shortened(visible(' '.join(str(value).split())), _VALUE_CHARS)}”"
    if origin is None or origin.source == "model":
        return f"{shown}, which the model wrote itself."
    if origin.is_trusted:
        return f"{shown}, from {origin.where}: ids, numbers and free text are not vouched for by standing there."
    return f"{shown}, from {origin.where}, which is not trusted."


def _key(value: Any) -> str:
    return f"{type(value).__name__}:{value}"
