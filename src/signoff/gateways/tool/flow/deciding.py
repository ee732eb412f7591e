"""The decision on one call: the first rule that matches counts, and the same call gets the same answer each time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from signoff.agents.part import Effect
from signoff.agents.rules import FlowProfile
from signoff.connections.labels import DEFAULT_LABELS, ToolLabels
from signoff.gateways.tool.flow.arguments import Leaf, blanks, is_named_like_an_address, leaves, sinks_among
from signoff.gateways.tool.flow.labels import TRUSTED, Label, join
from signoff.gateways.tool.flow.vocabulary import NOTHING, Vocabulary
from signoff.kit.typed_values import addresses_in, endorsement_key, host_in, is_within, looks_like_target, typed

Rule = Literal[
    "off", "approved", "nothing_untrusted", "reads", "address_not_named", "stays_inside", "written_not_named",
    "targets_named", "target_not_named", "no_target", "target_not_fixed", "private", "preapproved", "irreversible",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class FlowCall:
    """One call, as far as this policy looks at it.

    Args:
        effect: the class of effect that counts for it, see `agents/part.py`.
        labels: what its connection says, tightened by the revision.
        described: the arguments the tool describes; None when it describes none.
        preapproved: the revision says that it asks nobody as long as all targets are fixed.
    """

    tool: str
    effect: Effect
    args: Mapping[str, Any]
    labels: ToolLabels = DEFAULT_LABELS
    described: frozenset[str] | None = None
    preapproved: bool = False


@dataclass(frozen=True, slots=True)
class FlowContext:
    """What is known when a call is decided.

    Args:
        label: of all that the model was shown before it asked for the call.
        fixed: the values that the SOP or the revision names.
        named: the values that a person typed, or a trusted tool gave, in this run.
        accepted: keys of values that an approver accepted for the run.
        domains: argument → domains within which the revision lets it read.
        is_approved: a person approved this very call.
    """

    profile: FlowProfile = "recommended"
    label: Label = TRUSTED
    fixed: Vocabulary = NOTHING
    named: Vocabulary = NOTHING
    accepted: frozenset[str] = frozenset()
    domains: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    is_approved: bool = False

    def after(self, value: Any, label: Label) -> FlowContext:
        """Return the context once the model was shown a result. Only a trusted one can name anything."""
        named = self.named.plus(Vocabulary.of(value)) if label.is_trusted else self.named
        return replace(self, label=join(self.label, label), named=named)


@dataclass(frozen=True, slots=True)
class Unsure:
    """A value for which nobody vouches, or not enough."""

    argument: str
    value: Any


@dataclass(frozen=True, slots=True)
class FlowDecision:
    """What the policy says: `allow`, or `ask` a person; by which rule, and because of which values."""

    kind: Literal["allow", "ask"]
    rule: Rule
    unsure: tuple[Unsure, ...] = ()


def decide(call: FlowCall, context: FlowContext) -> FlowDecision:
    """Return the decision on a call. Nothing untrusted that was read can turn an `ask` into an `allow`."""
    if context.is_approved:
        return FlowDecision("allow", "approved")
    if context.profile == "off":
        return FlowDecision("allow", "off")
    if context.label.is_trusted:
        return FlowDecision("allow", "nothing_untrusted")
    found = leaves(dict(call.args))
    match call.effect:
        case "read":
            return _read(call, context, found)
        case "write":
            return _write(call, context, found)
        case "send":
            return _send(call, context, found)
        case _:
            return _irreversible(call, context, found)


def _read(call: FlowCall, context: FlowContext, found: Sequence[Leaf]) -> FlowDecision:
    """An address that is fetched carries out what is written in it."""
    sinks = sinks_among(found, call.labels, call.described)
    is_declared = call.labels.sinks is not None
    addresses = [leaf for leaf in sinks if _is_address(leaf, is_declared=is_declared)]
    unsure = [leaf for leaf in addresses if not (_is_endorsed_target(leaf, context) or _is_in_domain(leaf, context))]
    return _ask("address_not_named", unsure) if unsure else FlowDecision("allow", "reads")


def _write(call: FlowCall, context: FlowContext, found: Sequence[Leaf]) -> FlowDecision:
    """What stays inside and can be taken back is done; strictly, only with what somebody named. A call that says
    nothing, or empties something, was named by nobody.
    """
    if context.profile == "recommended":
        return FlowDecision("allow", "stays_inside")
    unsure = [leaf for leaf in _all_said(call, found) if not _is_endorsed(leaf, context)]
    if unsure or not found:
        return _ask("written_not_named", unsure)
    return FlowDecision("allow", "stays_inside")


def _send(call: FlowCall, context: FlowContext, found: Sequence[Leaf]) -> FlowDecision:
    sinks = sinks_among(found, call.labels, call.described)
    if not _has_target(call, found):
        # It goes somewhere all the same, and nobody said where.
        return _ask("no_target", ())
    unsure = [leaf for leaf in sinks if not _is_endorsed_target(leaf, context)]
    if unsure:
        return _ask("target_not_named", unsure)
    if context.profile == "strict":
        # What goes out may be what the text that was read wants to go out.
        unsure = [leaf for leaf in _all_said(call, found) if not _is_endorsed(leaf, context)]
        if context.label.is_private or unsure or not found:
            return _ask("private" if context.label.is_private else "written_not_named", unsure or sinks)
    elif context.label.is_private:
        unsure = [leaf for leaf in sinks if not (_is_fixed_target(leaf, context) or _is_accepted(leaf, context))]
        if unsure:
            return _ask("target_not_fixed", unsure)
    return FlowDecision("allow", "targets_named")


def _irreversible(call: FlowCall, context: FlowContext, found: Sequence[Leaf]) -> FlowDecision:
    sinks = sinks_among(found, call.labels, call.described)
    bounded = _all_said(call, found) if context.profile == "strict" else sinks
    unsure = [leaf for leaf in bounded if not (_is_fixed_target if leaf in sinks else _is_fixed)(leaf, context)]
    if call.preapproved and not unsure and _has_target(call, found):
        return FlowDecision("allow", "preapproved")
    return _ask("irreversible", unsure)


def _all_said(call: FlowCall, found: Sequence[Leaf]) -> list[Leaf]:
    """Return all values of a call, with those that are empty: they may empty what was there."""
    return [*found, *blanks(dict(call.args))]


def _has_target(call: FlowCall, found: Sequence[Leaf]) -> bool:
    """Whether the call says where it goes, by what the connection itself calls a target, or is said to go nowhere."""
    labels = call.labels.own or call.labels
    return labels.sinks == () or bool(sinks_among(found, labels, call.described))


def _ask(rule: Rule, unsure: Iterable[Leaf]) -> FlowDecision:
    return FlowDecision("ask", rule, tuple(Unsure(leaf.argument, leaf.value) for leaf in unsure))


def _is_fixed(leaf: Leaf, context: FlowContext) -> bool:
    return context.fixed.has(leaf.argument, leaf.value)


def _is_accepted(leaf: Leaf, context: FlowContext) -> bool:
    return endorsement_key(leaf.value) in context.accepted


def _is_endorsed(leaf: Leaf, context: FlowContext) -> bool:
    return _is_fixed(leaf, context) or context.named.has(leaf.argument, leaf.value) or _is_accepted(leaf, context)


def _is_fixed_target(leaf: Leaf, context: FlowContext) -> bool:
    return context.fixed.has_target(leaf.argument, leaf.value)


def _is_endorsed_target(leaf: Leaf, context: FlowContext) -> bool:
    """Whether somebody named where it goes. An SOP is prose, so its plain words name nobody; who typed an input did."""
    named = context.named.has(leaf.argument, leaf.value)
    return _is_fixed_target(leaf, context) or named or _is_accepted(leaf, context)


def _is_address(leaf: Leaf, *, is_declared: bool) -> bool:
    """Whether a value is an address that would be fetched. What only looks like a host (`report.pdf`) is one where
    somebody, or the argument's name, says that it takes addresses.
    """
    if not isinstance(leaf.value, str):
        return False
    if addresses_in(leaf.value) or _is_of_the_web(leaf.value):
        return True
    if not (is_declared or is_named_like_an_address(leaf)):
        return False
    return typed(leaf.value) is None or looks_like_target(leaf.value)


def _is_of_the_web(text: str) -> bool:
    """Whether a text without a scheme is an address all the same: no file is called so."""
    found = typed(text)
    is_query = found is not None and found.kind == "url" and "?" in text
    return is_query or (looks_like_target(text) and text.strip().casefold().startswith("www."))


def _is_in_domain(leaf: Leaf, context: FlowContext) -> bool:
    host = host_in(leaf.value)
    allowed = context.domains.get(leaf.argument, ())
    return host is not None and any(is_within(host, domain) for domain in allowed)
