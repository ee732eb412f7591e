"""What flows through a tool: how far its results are believed, who may see them, which arguments choose the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast, get_args

from signoff.connections.states import KINDS_OF_OURS

ResultLabel = Literal["trusted", "untrusted"]
Confidentiality = Literal["public", "workspace", "restricted"]
# From harmless to not.
RESULT_LABELS: tuple[ResultLabel, ...] = get_args(ResultLabel)
CONFIDENTIALITIES: tuple[Confidentiality, ...] = get_args(Confidentiality)
ARGUMENTS_MAX = 50
ARGUMENT_CHARS_MAX = 200


def less_believed(one: ResultLabel, other: ResultLabel) -> ResultLabel:
    """Return the label of both together: trusted when both are."""
    return one if RESULT_LABELS.index(one) >= RESULT_LABELS.index(other) else other


def more_private(one: Confidentiality, other: Confidentiality) -> Confidentiality:
    """Return the label of both together: as private as the more private."""
    return one if CONFIDENTIALITIES.index(one) >= CONFIDENTIALITIES.index(other) else other


@dataclass(frozen=True, slots=True)
class ToolLabels:
    """The labels of one tool. What nobody has said is the strictest that makes sense.

    Args:
        result: whether what it gives is believed; trusted values may name the target of a later call.
        confidentiality: who may see what it gives.
        sinks: arguments that choose the target (`to`, `message.to`); None for all that are not `payload`. Empty: the
            tool has one target, which no argument changes.
        payload: arguments that are free text, and choose nothing.
        own: what the connection says, where somebody else has tightened it.
    """

    result: ResultLabel = "untrusted"
    confidentiality: Confidentiality = "workspace"
    sinks: tuple[str, ...] | None = None
    payload: tuple[str, ...] = ()
    own: ToolLabels | None = field(default=None, compare=False, repr=False)

    def as_plain(self) -> dict[str, Any]:
        """Return plain JSON, as the tool keeps it."""
        return {
            "result": self.result,
            "confidentiality": self.confidentiality,
            "sinks": None if self.sinks is None else list(self.sinks),
            "payload": list(self.payload),
        }

    def tightened(
        self,
        *,
        result: ResultLabel | None = None,
        confidentiality: Confidentiality | None = None,
        sinks: Sequence[str] | None = None,
    ) -> ToolLabels:
        """Return the stricter of these labels and of what somebody else says; never the looser."""
        return ToolLabels(
            result=less_believed(self.result, result or self.result),
            confidentiality=more_private(self.confidentiality, confidentiality or self.confidentiality),
            sinks=self.sinks if self.sinks is None or sinks is None else tuple(dict.fromkeys((*self.sinks, *sinks))),
            # What somebody else calls a target is one, whatever it was called here.
            payload=tuple(name for name in self.payload if not any(_overlap(name, sink) for sink in sinks or ())),
            # But a call that has no target by what is said here does not get one by what somebody else says.
            own=self.own or self,
        )


DEFAULT_LABELS = ToolLabels()


def labels_of(kept: Mapping[str, Any] | None) -> ToolLabels:
    """Return the labels that a tool keeps; of what cannot be read, the strictest."""
    if not kept:
        return DEFAULT_LABELS
    result, confidentiality = kept.get("result"), kept.get("confidentiality")
    sinks = kept.get("sinks")
    known: dict[Any, Confidentiality] = {one: one for one in CONFIDENTIALITIES}
    return ToolLabels(
        result="trusted" if result == "trusted" else "untrusted",
        confidentiality=known.get(confidentiality, "workspace") if isinstance(confidentiality, str) else "workspace",
        sinks=_names(sinks) if isinstance(sinks, list) else None,
        payload=_names(kept.get("payload")),
    )


def hinted(labels: ToolLabels, kind: str, annotations: Mapping[str, Any]) -> ToolLabels:
    """Return the labels as tight as the tool's own hints want: what comes from an open world is not believed.

    Of our own connectors the hint says what every tool of the kind has in common, and nothing about this system.
    """
    is_said = kind not in KINDS_OF_OURS and annotations.get("openWorldHint") is True
    return labels.tightened(result="untrusted") if is_said else labels


def after_change(labels: ToolLabels, kind: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> ToolLabels:
    """Return the labels of a tool whose definition changed. With other arguments, nobody has said what chooses the
    target: a new one may be a second recipient.
    """
    tight = hinted(labels, kind, after.get("annotations") or {})
    if arguments_of(before) == arguments_of(after):
        return tight
    return replace(tight, sinks=None, payload=())


def arguments_of(definition: Mapping[str, Any]) -> frozenset[str] | None:
    """Return the names of the arguments a tool describes; None when it describes none."""
    schema = definition.get("input_schema")
    known = cast("Mapping[str, Any]", schema).get("properties") if isinstance(schema, Mapping) else None
    return frozenset(map(str, cast("Mapping[str, Any]", known))) if isinstance(known, Mapping) else None


def _overlap(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def _names(kept: Any) -> tuple[str, ...]:
    return tuple(map(str, cast("list[Any]", kept))) if isinstance(kept, list) else ()
