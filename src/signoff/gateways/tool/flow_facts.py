"""What the information-flow policy decides by, for one call. Nothing is read for a call that it lets by anyway."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from signoff.agents.body import AllowedTool
from signoff.connections.labels import ToolLabels, arguments_of
from signoff.gateways.tool.call import ToolCall
from signoff.gateways.tool.flow.arguments import leaves
from signoff.gateways.tool.flow.deciding import FlowCall, FlowContext, FlowDecision, decide
from signoff.gateways.tool.flow.labels import Label
from signoff.gateways.tool.flow.origins import Origin, Result, Seen, origins
from signoff.gateways.tool.flow.vocabulary import NOTHING, Vocabulary
from signoff.gateways.tool.flow.words import asked_because, asked_for
from signoff.gateways.tool.own_tools import MEMORY_FORGET, is_memory
from signoff.gateways.tool.vouching import Recent, named_by_tools
from signoff.kit.typed_values import endorsement_key
from signoff.memories.places import NoMemory
from signoff.runs.facts import RunContext
from signoff.runs.marks import Mark, Marks, is_marked, note_marks
from signoff.tables.approvals import Endorsement
from signoff.tables.prepared import Prepared
from signoff.tables.runs import HoldAnswer, Run, Step

if TYPE_CHECKING:
    from signoff.gateways.tool.facts import ToolFacts

# Of a run that called so many tools, the first so many are looked through; a value from a later one is asked about.
_RESULTS_MAX = 200
_ACCEPTED_MAX = 1_000
_GIVEN = Prepared(
    select(Run.input, Run.requested_by_name, Run.source).where(Run.id == bindparam("of_run"))
)  # fmt: skip
_RESULTS = Prepared(
    select(Step.name, Step.response, Step.reason, Step.detail)
    .where(Step.run_id == bindparam("of_run"), Step.kind == "tool", Step.ended_at.is_not(None))
    .order_by(Step.seq)
    .limit(_RESULTS_MAX)
)
_ACCEPTED = Prepared(
    select(Endorsement.value).where(Endorsement.run_id == bindparam("of_run")).limit(_ACCEPTED_MAX)
)  # fmt: skip
_ANSWERED = Prepared(select(HoldAnswer.answer).where(HoldAnswer.run_id == bindparam("of_run")).limit(_ACCEPTED_MAX))


@dataclass(frozen=True, slots=True)
class FlowFacts:
    """What the policy says of a call, and why.

    Args:
        labels: of the tool, tightened by the revision; what it gives is marked with them.
        origins: where each argument came from; read only when somebody is to be asked.
        reason, title: in words, when somebody is to be asked.
    """

    labels: ToolLabels
    decision: FlowDecision
    label: Label
    origins: tuple[Origin, ...] = ()
    reason: str = ""
    title: str = ""


def flow_facts(session: Session, run: RunContext, call: ToolCall, facts: ToolFacts) -> FlowFacts | None:
    """Return what the policy says. Most calls need no question to the database: they read, or nothing was read yet."""
    allowed, marks = facts.allowed, facts.standing.flow
    asked = _asked(call, facts)
    if asked is None:
        return None
    labels = asked.labels
    label = label_of(marks, before_turn=call.turn)
    bare = FlowContext(profile=run.body.rules.flow, label=label, is_approved=bool(facts.approvals))
    decision = decide(asked, bare)
    # What is allowed with nothing named is allowed whatever is; and what has ended is not decided about again.
    if decision.kind == "allow" or facts.finished is not None:
        return FlowFacts(labels, decision, label)
    context = _context(session, run, call, bare, marks, allowed)
    decision = decide(asked, context)
    if decision.kind == "allow":
        return FlowFacts(labels, decision, label)
    found = tuple(origins(asked, context, _seen(session, run, call, marks, allowed)))
    why = asked_because(asked, context, decision, found)
    return FlowFacts(labels, decision, label, found, why, asked_for(asked, decision))


def _asked(call: ToolCall, facts: ToolFacts) -> FlowCall | None:
    """Return the call as the policy looks at it; None when there is nothing it could do."""
    tool, allowed = facts.tool, facts.allowed
    if tool is not None:
        return FlowCall(
            tool=call.name,
            effect=facts.effect,
            args=call.args,
            labels=tightened(tool.labels, allowed),
            described=arguments_of(tool.definition),
            preapproved=allowed is not None and allowed.preapproved,
        )
    if not is_memory(call) or facts.memory is None or isinstance(facts.memory.place, NoMemory):
        return None
    # What is erased is gone for good; nothing in a memory leaves the house.
    effect = "irreversible" if call.tool == MEMORY_FORGET else facts.effect
    return FlowCall(tool=call.name, effect=effect, args=call.args, labels=ToolLabels(sinks=()))


def tightened(labels: ToolLabels, allowed: AllowedTool | None) -> ToolLabels:
    """Return the labels of a tool as the revision tightens them."""
    if allowed is None:
        return labels
    own = allowed.labels
    return labels.tightened(result=own.result, confidentiality=own.confidentiality, sinks=own.sinks)


def label_of(marks: Marks | None, *, before_turn: int) -> Label:
    """Return the label of everything the model was shown before it asked for the calls of a turn."""

    def has(mark: Mark) -> bool:
        return is_marked(marks, mark, before_turn=before_turn)

    return Label(
        "untrusted" if has("untrusted") else "trusted",
        "restricted" if has("restricted") else "workspace" if has("workspace") else "public",
    )


def note_result(session: Session, run: RunContext, call: ToolCall, marks: Marks | None, labels: ToolLabels) -> None:
    """Keep that the model is shown a result with these labels."""
    new: dict[str, int] = {labels.result: call.turn}
    if labels.confidentiality != "public":
        new["workspace"] = call.turn
    if labels.confidentiality == "restricted":
        new["restricted"] = call.turn
    note_marks(session, run.run_id, marks, new)


def _context(
    session: Session,
    run: RunContext,
    call: ToolCall,
    bare: FlowContext,
    marks: Marks | None,
    allowed: AllowedTool | None,
) -> FlowContext:
    named = _named_by_input(session, run) if not is_marked(marks, "untrusted", before_turn=1) else NOTHING
    if is_marked(marks, "trusted", before_turn=call.turn):
        named = named.plus(named_by_tools(session, run, call, marks))
    accepted: frozenset[str] = frozenset()
    # Nobody can have accepted or answered anything before the run waited for the first time.
    if run.leg > 1:
        accepted = _accepted(session, run)
        named = named.plus(_answered(session, run))
    return replace(
        bare,
        fixed=_named_in(run.body.sop).plus(_fixed_by_revision(allowed)),
        named=named,
        accepted=accepted,
        domains=_domains(allowed),
    )


@lru_cache(maxsize=256)
def _named_in(sop: str) -> Vocabulary:
    """Return what an SOP names. Frozen ones never change, and one is asked about with every call of its runs."""
    return Vocabulary.of(sop)


_inputs: Recent[Vocabulary] = Recent()


def _named_by_input(session: Session, run: RunContext) -> Vocabulary:
    """Return what the input names, which is the same for as long as the run lives."""
    known = _inputs.get(run.run_id)
    if known is None:
        row = _GIVEN.first(session, {"of_run": run.run_id})
        known = Vocabulary.of(row.input) if row is not None else NOTHING
        _inputs.put(run.run_id, known)
    return known


def _fixed_by_revision(allowed: AllowedTool | None) -> Vocabulary:
    """Return the values to which the revision itself bounds an argument; of these an id counts, too."""
    if allowed is None:
        return NOTHING
    exact: dict[str, list[Any]] = {}
    for name, schema in allowed.args.items():
        if "const" in schema:
            exact.setdefault(name, []).append(schema["const"])
        if isinstance(schema.get("enum"), list):
            exact.setdefault(name, []).extend(schema["enum"])
    for name, rule in allowed.values.items():
        if rule.kind in ("exact", "email"):
            exact.setdefault(name, []).extend(rule.allow or ())
    return (
        Vocabulary.of([value for values in exact.values() for value in values], exact=exact, are_literals=True)
        if exact
        else NOTHING
    )


def _domains(allowed: AllowedTool | None) -> dict[str, tuple[str, ...]]:
    rules = allowed.values.items() if allowed is not None else ()
    return {name: tuple(rule.allow or ()) for name, rule in rules if rule.kind == "domain"}


def _accepted(session: Session, run: RunContext) -> frozenset[str]:
    found: set[str] = set()
    for row in _ACCEPTED.all(session, {"of_run": run.run_id}):
        found.add(endorsement_key(row.value))
        # Of an argument with several values each was accepted.
        found.update(endorsement_key(leaf.value) for leaf in leaves(_parsed(row.value)))
    return frozenset(found)


def _answered(session: Session, run: RunContext) -> Vocabulary:
    rows = _ANSWERED.all(session, {"of_run": run.run_id})
    return Vocabulary.of([row.answer.get("value") for row in rows if row.answer.get("outcome") == "answered"])


def _parsed(text: str) -> Any:
    if not text.startswith(("[", "{")):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _shown(session: Session, run: RunContext, call: ToolCall) -> list[Result]:
    rows = _RESULTS.all(session, {"of_run": run.run_id})
    return [
        Result(row.name, row.response if row.response is not None else row.reason, _is_trusted(row.detail))
        for row in rows
        # What a policy refused was answered in our own words, which repeat the value.
        if row.detail.get("turn", 0) < call.turn and "settled_by" not in row.detail
    ]


def _is_trusted(detail: dict[str, Any]) -> bool:
    flow: dict[str, Any] = detail.get("flow") or {}
    return flow.get("integrity") == "trusted"


def _seen(session: Session, run: RunContext, call: ToolCall, marks: Marks | None, allowed: AllowedTool | None) -> Seen:
    row = _GIVEN.first(session, {"of_run": run.run_id})
    own = allowed.model_dump(mode="json", include={"args", "values"}) if allowed is not None else None
    return Seen(
        sop=run.body.sop,
        revision=own,
        input=row.input if row is not None else None,
        input_by=f"{row.requested_by_name} ({row.source})" if row is not None else "",
        is_input_trusted=not is_marked(marks, "untrusted", before_turn=1),
        results=_shown(session, run, call),
    )
