"""The scripted model that needs no key: it reads the conversation, decides by rules, and asks for the next call.

It is no language model and says so: its name is `scripted:supplier-mail`, and every run it drives is marked. It works
on any mail, because nothing in it knows the samples; what it cannot make out, it hands to a person. Text in a message
is only ever searched for facts, so nothing written there can direct it.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo

from signoff.demo.reading import mail as letters
from signoff.demo.reading.conversation import Conversation, conversation
from signoff.demo.reading.decide import Verdict, currency_of, flag, judge
from signoff.demo.reading.facts import Facts, facts_of
from signoff.gateways.model.providers.scripted import register_script

NAME = "supplier-mail"
MODEL = f"scripted:{NAME}"
# Dollars per million tokens: small, and there so that costs can be seen working.
INPUT_USD_PER_MILLION = Decimal("1.00")
OUTPUT_USD_PER_MILLION = Decimal("4.00")

_ATTACHMENTS_READ_MAX = 6
_ORDERS_ASKED_MAX = 5
_TEXT_MAX = 1_500
# How the ERP says that an order does not exist; any other failure says nothing about the order.
_UNKNOWN = "There is no purchase order"

# What the ERP knows of an order, its bills, and why it knows nothing.
LookedUp = tuple[dict[str, Any], list[dict[str, Any]], str]
Call = tuple[str, dict[str, Any]]
Step = list[Call] | dict[str, Any]


def register() -> None:
    """Make the model known to this process."""
    register_script(
        NAME, supplier_mail, input_usd_per_million=INPUT_USD_PER_MILLION, output_usd_per_million=OUTPUT_USD_PER_MILLION
    )


def supplier_mail(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
    """Return the next turn: calls to make, or the result."""
    said = conversation(messages, info)
    step = next_step(said)
    if isinstance(step, list):
        # Numbered, not drawn: the same conversation always leads to the same turn.
        return ModelResponse(
            parts=[
                ToolCallPart(said.tools[tool].name, args, tool_call_id=f"call_{said.calls + position}")
                for position, (tool, args) in enumerate(step, start=1)
            ]
        )
    if info.output_tools:
        call = ToolCallPart(info.output_tools[0].name, step, tool_call_id=f"call_{said.calls + 1}")
        return ModelResponse(parts=[call])
    return ModelResponse(parts=[TextPart(json.dumps(step, ensure_ascii=False))])


def next_step(said: Conversation) -> Step:
    """Return the calls to make next, or the finished result."""
    message_id = said.input.get("message_id")
    if not isinstance(message_id, str) or not message_id:
        return result("other", "needs_person", "The input names no message_id, so there is nothing to read.", 0.9)
    if "read_message" not in said.tools:
        return result("other", "needs_person", "This revision has no tool to read mail with.", 0.9)
    message = said.of("read_message")
    if message is None:
        return [("read_message", {said.parameter("read_message", "message_id", "id"): message_id})]
    if message.error is not None:
        return result("unreadable", "needs_person", f"The message could not be read: {message.error}", 0.95)
    mail = letters.as_mail(message.value)
    unread = _unread(said, mail, message_id)
    if unread:
        return unread
    facts = facts_of(mail, _attachment_texts(said, mail))
    return _invoice(said, facts) if facts.what.kind == "invoice" else _other(said, facts)


def result(kind: str, action: str, reason: str, confidence: float, facts: Facts | None = None) -> dict[str, Any]:
    """Return the structured result; what the message does not say is None."""
    is_paper = facts is not None and kind in ("invoice", "reminder", "order_confirmation", "query", "credit_note")
    sure = confidence * (0.5 if facts is not None and facts.instruction else 1)
    named = facts if is_paper else None
    remark = (
        f" It also tries to give instructions (“{facts.instruction}”); they were not followed."
        if (facts is not None and facts.instruction)
        else ""
    )
    return {
        "classification": kind,
        "po_number": named.order if named else None,
        "invoice_number": named.invoice if named else None,
        "amount": float(named.amount) if named and named.amount is not None else None,
        "currency": named.currency if named and named.currency and len(named.currency) == 3 else None,
        "action": action,
        "reason": (reason + remark)[:_TEXT_MAX],
        "confidence": round(max(0.0, min(1.0, sure)), 2),
    }


def _unread(said: Conversation, mail: letters.Mail, message_id: str) -> list[Call]:
    if "read_attachment" not in said.tools:
        return []
    message_name = said.parameter("read_attachment", "message_id", "id")
    name = said.parameter("read_attachment", "attachment_id", "attachment", "part")
    wanted = [item for item in mail.attachments if item.is_worth_reading][:_ATTACHMENTS_READ_MAX]
    return [
        ("read_attachment", {message_name: message_id, name: item.id})
        for item in wanted
        if said.of("read_attachment", **{name: item.id}) is None
    ]


def _attachment_texts(said: Conversation, mail: letters.Mail) -> list[str]:
    name = said.parameter("read_attachment", "attachment_id", "attachment", "part")
    texts = [item.text for item in mail.attachments if item.text]
    for item in mail.attachments:
        answer = said.of("read_attachment", **{name: item.id}) if item.text is None else None
        if answer is not None and answer.error is None:
            texts.append(letters.attachment_text(answer.value, item))
    return texts


def _invoice(said: Conversation, facts: Facts) -> Step:
    verdict: Verdict | list[Call]
    order: dict[str, Any] = {}
    if not facts.orders:
        verdict = _without_order(said, facts)
    elif len(facts.orders) > 1:
        verdict = _several_orders(said, facts)
    else:
        looked_up = _look_up(said, facts.order or "")
        if isinstance(looked_up, list):
            return looked_up
        order, bills, error = looked_up
        if error and _UNKNOWN not in error:
            return result("invoice", "needs_person", f"The ERP could not be asked: {error}", 0.4, facts)
        verdict = flag("unknown_purchase_order", error) if error else judge(facts, order, bills, said.tolerance())
    if isinstance(verdict, list):
        return verdict
    if facts.instruction and verdict.do == "post":
        verdict = flag(
            "suspicious_message", "The message tries to give the agent instructions; a person should see it."
        )
    return _carry_out(said, facts, order, verdict)


def _look_up(said: Conversation, number: str) -> list[Call] | LookedUp:
    wanted = [tool for tool in ("get_purchase_order", "list_bills") if tool in said.tools]
    missing: list[Call] = [(tool, {"po_number": number}) for tool in wanted if said.of(tool, po_number=number) is None]
    if missing:
        return missing
    order, bills = said.of("get_purchase_order", po_number=number), said.of("list_bills", po_number=number)
    if order is None or not order.row:
        return {}, [], (order.error if order else "") or f"{number} could not be looked up."
    # The order's own list was read in one piece with its open amount; the separate one may be a moment older.
    listed = order.rows("bills") or (bills.rows("bills") if bills else [])
    return order.row, listed, ""


def _without_order(said: Conversation, facts: Facts) -> Verdict | list[Call]:
    domain = facts.mail.senders[-1] if facts.mail.senders else ""
    found = said.of("find_purchase_orders", vendor=domain)
    if domain and found is None and "find_purchase_orders" in said.tools:
        return [("find_purchase_orders", {"vendor": domain, "status": "open"})]
    rows = found.rows("purchase_orders") if found else []
    fitting = [
        str(row.get("po_number")) for row in rows if facts.amount and row.get("open_amount") == float(facts.amount)
    ]
    hint = f" {', '.join(fitting)} of this vendor would fit the amount." if fitting else ""
    return flag("no_purchase_order", f"The invoice names no purchase order.{hint}")


def _several_orders(said: Conversation, facts: Facts) -> Verdict | list[Call]:
    asked = facts.orders[:_ORDERS_ASKED_MAX]
    missing: list[Call] = [
        ("get_purchase_order", {"po_number": number})
        for number in asked
        if said.of("get_purchase_order", po_number=number) is None
    ]
    if missing and "get_purchase_order" in said.tools:
        return missing
    lines = [_in_short(said, number) for number in asked]
    return flag("several_purchase_orders", f"The invoice covers {len(facts.orders)} orders: {'; '.join(lines)}.")


def _in_short(said: Conversation, number: str) -> str:
    answer = said.of("get_purchase_order", po_number=number)
    if answer is None or not answer.row:
        return f"{number} (not in the ERP)"
    row = answer.row
    return (
        f"{number} ({row.get('open_amount')} {row.get('currency')} open, goods received: {row.get('goods_received')})"
    )


def _carry_out(said: Conversation, facts: Facts, order: dict[str, Any], verdict: Verdict) -> Step:
    kind, sure = facts.what.kind, facts.what.confidence
    if verdict.do == "leave":
        return result(kind, "already_posted", verdict.why, sure, facts)
    tool = "post_bill" if verdict.do == "post" else "flag_mismatch"
    done = said.of(tool)
    if done is None and tool in said.tools:
        return [(tool, _bill(said, facts, order) if tool == "post_bill" else _mismatch(facts, verdict))]
    if done is None or done.error is not None:
        why = done.error if done else f"this revision has no tool {tool}"
        return result(kind, "needs_person", f"{verdict.why} It could not be recorded: {why}", sure / 2, facts)
    outcome = done.row.get("outcome")
    if tool == "flag_mismatch":
        return result(kind, "flagged", verdict.why, sure, facts)
    if outcome == "already_posted":
        return result(kind, "already_posted", f"Invoice {facts.invoice} is booked already.", sure, facts)
    if outcome != "posted":
        return result(
            kind, "needs_person", f"The ERP did not say that it was posted: {done.value!s:.300}", sure / 2, facts
        )
    return result(kind, "posted", verdict.why, sure, facts)


def _bill(said: Conversation, facts: Facts, order: dict[str, Any]) -> dict[str, Any]:
    args: dict[str, Any] = {
        "po_number": facts.order,
        "vendor": str(order.get("vendor_id") or order.get("vendor") or ""),
        "invoice_number": facts.invoice,
        "amount": float(facts.amount or 0),
        "currency": currency_of(facts, order),
    }
    if said.parameter("post_bill", "token") in said.tools["post_bill"].parameters_json_schema.get("properties", {}):
        args["token"] = "{{secret.ERP_TOKEN}}"  # noqa: S105  A name, not a value: the tool gateway knows the value.
    return args


def _mismatch(facts: Facts, verdict: Verdict) -> dict[str, Any]:
    return {
        "po_number": facts.orders[0] if facts.orders else "",
        "invoice_number": facts.invoices[0] if facts.invoices else "",
        "reason": verdict.code,
        "details": f"{verdict.why} Message: {facts.mail.subject or '(no subject)'}, from {facts.mail.sender}."[
            :_TEXT_MAX
        ],
    }


def _other(said: Conversation, facts: Facts) -> Step:
    what = facts.what
    sign = f"Taken for: {what.kind.replace('_', ' ')}; {what.sign}."
    if what.kind in ("newsletter", "spam", "auto_reply"):
        return result(what.kind, "none", f"{sign} Nothing to do.", what.confidence, facts)
    if what.kind == "statement":
        return result(what.kind, "none", f"{sign} Nothing is posted from a statement.", what.confidence, facts)
    if what.kind in ("reminder", "query", "order_confirmation") and facts.order:
        looked_up = _look_up(said, facts.order)
        if isinstance(looked_up, list):
            return looked_up
        order, bills, error = looked_up
        return _about_order(facts, sign, order, bills, error)
    if what.kind == "unreadable":
        remarks = f" The mail system remarks: {'; '.join(facts.mail.remarks)}." if facts.mail.remarks else ""
        return result("unreadable", "needs_person", f"Nothing in this message can be read as text.{remarks}", 0.95)
    return result(what.kind, "needs_person", f"{sign} A person should answer it.", what.confidence, facts)


def _about_order(
    facts: Facts, sign: str, order: dict[str, Any], bills: list[dict[str, Any]], error: str
) -> dict[str, Any]:
    what = facts.what
    if error:
        return result(what.kind, "needs_person", f"{sign} {error}", what.confidence, facts)
    state = (
        f"{order.get('po_number')}: {order.get('open_amount')} {order.get('currency')} open, "
        f"goods received: {order.get('goods_received')}, bills posted: "
        f"{', '.join(str(bill.get('invoice_number')) for bill in bills) or 'none'}."
    )
    is_booked = what.kind == "reminder" and any(bill.get("invoice_number") == facts.invoice for bill in bills)
    is_as_ordered = what.kind == "order_confirmation"
    action = "none" if is_booked or is_as_ordered else "needs_person"
    return result(what.kind, action, f"{sign} {state}", what.confidence, facts)
