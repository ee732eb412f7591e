"""What the forms of a card say, as the verb takes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy.orm import Session

from signoff.approvals import actions, queries
from signoff.approvals.actions.decide import Decided
from signoff.approvals.facts import ApprovalDetail
from signoff.approvals.states import VERDICTS
from signoff.kit.errors import Malformed
from signoff.people.access import Principal
from signoff.web.forms import Form, NotJson, parse_json
from signoff.web.refused import amount


def which_form(fields: Form) -> str:
    """Return which form of the card was sent."""
    if "args" in fields:
        return "edited"
    verdict = fields.text("verdict")
    return verdict if verdict in VERDICTS else "approve"


def answer(session: Session, viewer: Principal, approval_id: str, fields: Form) -> Decided:
    """Answer a request as a form says.

    Raises:
        Malformed: something does not fit.
        NotNow: somebody was first.
        NotAllowed: the viewer may not answer it.
        NotFound: the viewer has no such request.
    """
    detail = queries.approval(session, viewer, approval_id)
    verdict = fields.text("verdict")
    if verdict not in VERDICTS:
        raise Malformed("Choose an answer.")
    return actions.decide(
        session,
        viewer,
        approval_id,
        verdict=verdict,
        args=_args(fields) if verdict == "approve" else None,
        answers=_answers(fields, detail) if verdict == "answer" and detail.row.kind == "question" else None,
        amount_usd=amount(fields, "amount_usd") if verdict == "approve" and detail.row.kind == "budget" else None,
        endorse=fields.texts("endorse") if verdict == "approve" else (),
        reason=fields.text("reason") or None,
        reason_code=fields.text("reason_code") or None,
        via="page",
    )


def _args(fields: Form) -> dict[str, Any] | None:
    if "args" not in fields:
        return None
    found = parse_json(fields.text("args"))
    if isinstance(found, NotJson) or not isinstance(found, dict):
        raise Malformed("The changed arguments got lost on the way. Review the changes once more.")
    return cast("dict[str, Any]", found)


def _answers(fields: Form, detail: ApprovalDetail) -> Sequence[dict[str, Any]]:
    asked: Any = detail.card.get("questions")
    number = len(cast("list[Any]", asked)) if isinstance(asked, list) else 0
    return [
        {"options": list(fields.texts(f"q.{index}.option")), "text": fields.text(f"q.{index}.text").strip()}
        for index in range(number)
    ]
