"""What somebody says to a request, checked against what the request and the revision allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NoReturn, cast

from sqlalchemy.orm import Session

from signoff.agents.gates import Gate
from signoff.approvals import questions
from signoff.approvals.amounts import amount_of
from signoff.approvals.binding import binding_of, changes
from signoff.approvals.schemas import problems_of
from signoff.approvals.states import Verdict, may_answer
from signoff.connectors.plain import cleaned_object
from signoff.kit.errors import Malformed
from signoff.kit.money import as_text
from signoff.kit.text import shortened, storable
from signoff.tables.approvals import Approval

_REASON_CHARS = 2_000
_ENDORSED_MAX = 50


@dataclass(frozen=True, slots=True)
class Said:
    """An answer that fits.

    Args:
        args: the arguments instead of those asked about; None: those asked about.
        binding: what it is bound to when it is not what was asked about.
        value: what the model gets as the answer to its question.
        endorsed: argument and value, for each value that is accepted for the rest of the run.
    """

    verdict: Verdict
    decision: dict[str, Any]
    reason: str | None = None
    reason_code: str | None = None
    args: dict[str, Any] | None = None
    binding: str | None = None
    value: Any = None
    endorsed: tuple[tuple[str, str], ...] = ()
    amount_usd: Decimal | None = None


def said_of(
    session: Session,
    row: Approval,
    verdict: Verdict,
    *,
    args: Mapping[str, Any] | None,
    answers: Sequence[Mapping[str, Any]] | None,
    amount_usd: Decimal | None,
    endorse: Sequence[str],
    reason: str | None,
    reason_code: str | None,
) -> Said:
    """Return an answer that fits the request.

    Raises:
        Malformed: it does not; `errors` says where.
    """
    rule = Gate.model_validate(row.rule)
    if not may_answer(row.kind, verdict):
        _wrong("verdict", f"A request of the kind {row.kind} cannot be answered with {verdict}.")
    words = shortened(storable(reason or "").strip(), _REASON_CHARS) or None
    code = _code(rule, reason_code)
    if verdict == "deny":
        if rule.denial_reason == "required" and not (words or code):
            _wrong("reason", "Say why: the agent is told, and the audit keeps it.")
        return Said(verdict, {}, words, code)
    if verdict == "answer":
        return _answered(row, answers, words, code)
    return _approved(session, row, rule, args, amount_usd, endorse, words, code)


def _answered(row: Approval, answers: Sequence[Mapping[str, Any]] | None, words: str | None, code: str | None) -> Said:
    if row.kind == "login":
        value: Any = {"status": "ready", "note": words or "A person says that the login works now."}
        return Said("answer", {}, words, code, value=value)
    asked: list[dict[str, Any]] = row.args["questions"]
    value = questions.answered(asked, answers)
    return Said("answer", {"answers": value}, words, code, value=value)


def _approved(
    session: Session,
    row: Approval,
    rule: Gate,
    args: Mapping[str, Any] | None,
    amount_usd: Decimal | None,
    endorse: Sequence[str],
    words: str | None,
    code: str | None,
) -> Said:
    decision: dict[str, Any] = {}
    edited, binding = _edited(session, row, rule, args)
    if edited is not None:
        decision = {"args": edited, "changes": changes(row.args or {}, edited), "asked_binding": row.binding}
    if row.kind == "budget":
        amount_usd = amount_of(row, amount_usd)
        decision["amount_usd"] = as_text(amount_usd)
    elif amount_usd is not None:
        _wrong("amount_usd", "Only a request for money is answered with an amount.")
    if endorse and row.asked_by_policy != "flow":
        _wrong("endorse", "This was not asked about because of a value, so accepting one would change nothing.")
    endorsed = _endorsed(rule, edited if edited is not None else row.args, endorse)
    if endorsed:
        decision["endorsed"] = [name for name, _ in endorsed]
    return Said("approve", decision, words, code, edited, binding, endorsed=endorsed, amount_usd=amount_usd)


def _edited(
    session: Session, row: Approval, rule: Gate, args: Mapping[str, Any] | None
) -> tuple[dict[str, Any] | None, str | None]:
    if args is None:
        return None, None
    edited = cleaned_object(dict(args))
    if edited == row.args:
        return None, None
    if row.kind != "approval" or not rule.may_edit:
        _wrong("args", "The arguments of this call cannot be changed. Approve it as it is, or deny it.")
    if row.quorum > 1:
        _wrong("args", "Several people have to agree to the same arguments, so none can change them. Deny it instead.")
    if found := problems_of(session, row, edited):
        raise Malformed("The arguments do not fit: " + "; ".join(found), errors={"args": found})
    return edited, binding_of(row.tool or "", edited, revision_id=row.revision_id, run_id=row.run_id)


def _endorsed(rule: Gate, args: Any, endorse: Sequence[str]) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    for name in dict.fromkeys(endorse):
        if name not in rule.may_endorse or not isinstance(args, dict) or name not in args:
            _wrong("endorse", f"The gate does not let {shortened(name, 80)!r} be accepted for the whole run.")
        value: Any = cast("dict[str, Any]", args)[name]
        items = cast("list[Any]", value) if isinstance(value, list) else [value]
        found += [(name, item if isinstance(item, str) else str(item)) for item in items]
    if len(found) > _ENDORSED_MAX:
        _wrong("endorse", f"At most {_ENDORSED_MAX} values can be accepted at once.")
    return tuple(found)


def _code(rule: Gate, code: str | None) -> str | None:
    if not code:
        return None
    if code not in rule.reason_codes:
        known = ", ".join(rule.reason_codes) or "none"
        _wrong("reason_code", f"The gate knows no such reason code. It knows: {known}.")
    return code


def _wrong(field: str, sentence: str) -> NoReturn:
    raise Malformed(sentence, errors={field: [sentence]})
