"""One step of a run, whole: what was asked, what came back, what every policy said, and why it did not act."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from sqlalchemy.orm import Session

from signoff.connections.doctor import diagnosis_of
from signoff.kit import clock
from signoff.people.access import Principal, can
from signoff.runs import queries
from signoff.runs.live_text import text_so_far
from signoff.runs.views import EffectRow, RunDetail, StepDetail, StepRow
from signoff.web.filters import count, duration, money
from signoff.web.pages.run_detail.conversation import Said, mapping, said_in
from signoff.web.pages.run_detail.timeline import step_names

MESSAGES_SIZE = 20
_POLICIES = {
    "revocation": "Revocation",
    "recording": "Replay",
    "budget": "Budget",
    "cache": "Cache",
    "grant": "Grant",
    "freeze": "Freeze",
    "loop": "Loop",
    "sandbox": "Sandbox",
    "shadow": "Shadow",
    "values": "Allowed values",
    "requires": "Precondition",
    "window": "Hours",
    "cap": "Volume cap",
}
_NOT_ACTED = {
    "deny": "It was not done: a policy refused it",
    "stop": "It was not done, and the run was ended",
    "hold": "It is held for a person",
    "defer": "It is put off until its hours",
    "simulate": "Nothing was sent: it was simulated",
    "answer": "Nothing was sent: the answer was known",
}
_TONES = {"defer": "note", "deny": "wait", "stop": "bad", "hold": "wait", "simulate": "note", "answer": "note"}


@dataclass(frozen=True, slots=True)
class Why:
    """Why a step did not act, or what came of it, in a sentence."""

    tone: str
    title: str
    text: str
    is_policy: bool = False
    """A policy is the reason, so that the list of them is worth opening."""
    diagnosis: str = ""
    """What is wrong with the connection, where that is why; `fix` is what to do about it."""
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try: of which model, how long, and what was wrong with it."""

    number: int
    model: str
    took: str
    error: str
    code: str


@dataclass(frozen=True, slots=True)
class StepView:
    """A step as its pane shows it. Addresses lie below the workspace."""

    id: str
    address: str
    number: int
    total: int
    kind: str
    name: str
    about: str
    state: str
    facts: Sequence[tuple[str, str]]
    why: Why | None
    verdicts: Sequence[tuple[str, str, str]]
    attempts: Sequence[Attempt]
    request: Any
    response: Any
    answers: Sequence[Said]
    system: str
    shown: Sequence[Said]
    shown_text: str
    earlier: str | None
    later: str | None
    effect_class: str
    effect: EffectRow | None
    effect_path: str
    live_text: str
    labels: Sequence[str]
    evidence: Sequence[tuple[str, str, str]]
    is_going_on: bool


def load_step(
    session: Session,
    viewer: Principal,
    found: RunDetail,
    steps: Sequence[StepRow],
    step_id: str,
    messages_from: int | None = None,
) -> StepView:
    """Return one step.

    Raises:
        NotFound: the run has no such step.
    """
    run = found.run
    detail = queries.step(session, viewer, run.id, step_id, messages_from=messages_from, messages_size=MESSAGES_SIZE)
    step, address = detail.step, f"/runs/{run.id}"
    is_model = step.kind == "model"
    effect = next((one for one in found.effects if one.key == step.key), None)
    shown = [said for message in detail.messages for said in said_in(message.body)]
    request = mapping(detail.request)
    names = step_names(steps)
    return StepView(
        id=step.id, address=address, number=step.seq, total=max((one.seq for one in steps), default=step.seq),
        kind=step.kind if step.kind in ("model", "tool") else "guard", name=names.get(step.id, step.name),
        about=_about(step, detail), state=step.state, facts=_facts(step, found), why=_why(step, effect),
        verdicts=[_verdict(one) for one in step.verdicts], attempts=_attempts(detail),
        request=request.get("args", {}) if step.kind == "tool" else dict(request),
        response=detail.response, answers=said_in(detail.response) if is_model else (),
        system=detail.instructions or "",
        shown=shown if is_model else (), shown_text=_shown_text(detail),
        earlier=_page(address, step.id, detail.messages_from - MESSAGES_SIZE) if detail.messages_from > 0 else None,
        later=_later(address, detail), effect_class=step.effect or "", effect=effect,
        effect_path=f"/reconciliation/{effect.key}" if effect and can(viewer, "effect.read") else "",
        live_text=_live_text(session, viewer, run.id, step), labels=_labels(detail), evidence=_evidence(detail),
        is_going_on=step.state == "running",
    )  # fmt: skip


def _about(step: StepRow, detail: StepDetail) -> str:
    if step.kind != "model":
        return "Tool call"
    request = mapping(detail.request)
    asked = str((request.get("models") or [step.name])[0])
    served = step.model or asked
    return f"Model call · {served}" if served == asked else f"Model call · {asked} was asked, {served} answered"


def _facts(step: StepRow, found: RunDetail) -> list[tuple[str, str]]:
    start = found.run.started_at or found.run.created_at
    end = step.ended_at or clock.now()
    facts = [
        ("Time", duration((end - step.started_at).total_seconds() * 1000)),
        ("Started", f"+{duration(max((step.started_at - start).total_seconds(), 0) * 1000)}"),
    ]
    if step.kind == "model":
        known = step.cost_usd is not None or step.tokens_in is None
        facts.append(("Cost", money(step.cost_usd, known)))
        was_told = step.tokens_in is not None or step.tokens_out is not None
        tokens = f"{count(step.tokens_in or 0)} in, {count(step.tokens_out or 0)} out"
        facts.append(("Tokens", tokens if was_told else "–"))
    if step.attempts > 1:
        facts.append(("Tried", f"{step.attempts} times"))
    if step.leg > 1:
        facts.append(("Leg", str(step.leg)))
    return facts


def _verdict(plain: Mapping[str, Any]) -> tuple[str, str, str]:
    policy = str(plain.get("policy", ""))
    return str(plain.get("kind", "allow")), _POLICIES.get(policy, policy.capitalize()), str(plain.get("reason") or "")


def _why(step: StepRow, effect: EffectRow | None) -> Why | None:
    why, found = _reason(step, effect), diagnosis_of(step.code) if step.kind == "tool" else None
    return replace(why, fix=found.fix, diagnosis=found.title) if why is not None and found is not None else why


def _reason(step: StepRow, effect: EffectRow | None) -> Why | None:
    objection = next((one for one in step.verdicts if one.get("kind") != "allow"), None)
    if objection is not None:
        kind = str(objection.get("kind"))
        policy = _verdict(objection)[1]
        title = _NOT_ACTED.get(kind, "It was not done")
        return Why(_TONES.get(kind, "note"), title, f"{policy}: {objection.get('reason') or step.reason or ''}", True)
    if step.state == "failed":
        return Why("bad", "It failed", step.reason or "No reason was given.")
    if step.state == "stopped":
        return Why("bad", "It was stopped", step.reason or "")
    if step.state == "waiting" and effect is not None and effect.settlement is not None:
        title = "It happened" if effect.settlement == "happened" else "It did not happen"
        who = effect.settled_by_name or "A person"
        return Why("note", title, f"Its answer never came. {who} looked and settled it.")
    if step.state == "waiting" and effect is not None:
        return Why("wait", "Nobody knows whether this happened", step.reason or effect.reason or "")
    if step.state == "waiting":
        return Why("wait", "It waits", step.reason or "")
    return None


def _attempts(detail: StepDetail) -> list[Attempt]:
    found: Any = detail.detail.get("attempts")
    plain = [mapping(one) for one in cast("list[Any]", found)] if isinstance(found, list) else []
    tries = [
        Attempt(
            number, str(one.get("model") or ""), duration(_number(one.get("seconds")) * 1000),
            str(one.get("error") or ""), str(one.get("code") or ""),
        )
        for number, one in enumerate(plain[:50], 1)
    ]  # fmt: skip
    return tries if len(tries) > 1 or any(one.error for one in tries) else []


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0


def _labels(detail: StepDetail) -> list[str]:
    known = (
        ("is_scripted", "Scripted model"),
        ("is_truncated", "Shortened to fit"),
        ("is_usage_estimated", "Tokens are estimated"),
        ("is_cost_estimated", "Cost is estimated"),
        ("is_price_unknown", "Price unknown"),
        ("late_answer", "Answered late"),
    )
    return [words for key, words in known if detail.detail.get(key)]


def _evidence(detail: StepDetail) -> list[tuple[str, str, str]]:
    """Return the calls that a policy's objection rests on: number, name, state."""
    found: Any = mapping(detail.detail.get("evidence")).get("calls")
    calls = [mapping(one) for one in cast("list[Any]", found)] if isinstance(found, list) else []
    return [(str(one.get("step", "")), str(one.get("call", "")), str(one.get("state", ""))) for one in calls[:50]]


def _shown_text(detail: StepDetail) -> str:
    total, shown = detail.messages_before or 0, len(detail.messages)
    if not total:
        return ""
    if shown == total:
        return f"{total:,} messages" if total != 1 else "1 message"
    return f"{detail.messages_from + 1:,} to {detail.messages_from + shown:,} of {total:,} messages"


def _page(address: str, step_id: str, first: int) -> str:
    return f"{address}?step={step_id}&from={max(first, 0)}"


def _later(address: str, detail: StepDetail) -> str | None:
    end = detail.messages_from + len(detail.messages)
    return _page(address, detail.step.id, end) if end < (detail.messages_before or 0) else None


def _live_text(session: Session, viewer: Principal, run_id: str, step: StepRow) -> str:
    """Return what a model that is still writing has written; the pieces are kept until its leg ends."""
    if step.kind != "model" or step.state != "running":
        return ""
    return text_so_far(session, viewer, run_id, step.key)
