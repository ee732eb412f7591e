"""The tools every agent may be given by its revision without a connection: asking a person. Their slot is empty, which
no connection's name can be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from signoff.agents.body import Body
from signoff.agents.gates import Gate
from signoff.approvals import questions
from signoff.approvals.states import ApprovalKind
from signoff.gateways.tool.call import ToolCall
from signoff.kit.json_schemas import problems

NO_SLOT = ""
ASK_PERSON = "ask_person"
REQUEST_LOGIN = "request_login"


@dataclass(frozen=True, slots=True)
class OwnTool:
    """One of our own tools, as the model sees it."""

    name: str
    kind: ApprovalKind
    description: str
    schema: dict[str, Any]


def is_own(call: ToolCall) -> bool:
    """Return whether a call is to one of our own tools."""
    return call.slot == NO_SLOT


def own_tools(body: Body) -> dict[str, OwnTool]:
    """Return the tools of ours that a revision gives its agent."""
    found: dict[str, OwnTool] = {}
    if body.asking.questions:
        found[ASK_PERSON] = OwnTool(
            ASK_PERSON, "question",
            "Ask a person, when you cannot go on without something only they can know or decide. The run waits for "
            "the answer. Ask everything you need at once.",
            questions.SCHEMA,
        )  # fmt: skip
    slots = [slot.slot for slot in body.tools]
    if body.asking.logins and slots:
        found[REQUEST_LOGIN] = OwnTool(
            REQUEST_LOGIN, "login",
            "Ask a person to set up or repair the login of a connection, when its calls fail because it is not "
            "signed in. The run waits until they say that it works.",
            {
                "type": "object",
                "properties": {
                    "connection": {"type": "string", "enum": slots},
                    "reason": {"type": "string", "minLength": 1, "maxLength": 1_000},
                },
                "required": ["connection", "reason"],
                "additionalProperties": False,
            },
        )  # fmt: skip
    return found


def rule_of(body: Body, kind: ApprovalKind) -> Gate:
    """Return by which rule a person is asked when the agent asks by itself."""
    asking = body.asking
    return Gate(
        name=kind, asks=list(asking.asks), deadline_minutes=asking.deadline_minutes, self_approval="allowed",
        may_edit=False, denial_reason="optional",
    )  # fmt: skip


def refused(body: Body, call: ToolCall) -> tuple[str, str] | None:
    """Return code and reason when a call to one of our own tools cannot be; None when it can."""
    own = own_tools(body).get(call.tool)
    if own is None:
        return "not_granted", f"This revision may not call {call.name}."
    wrong = problems(call.args, own.schema)
    return ("bad_arguments", "The arguments do not fit: " + "; ".join(wrong)) if wrong else None
