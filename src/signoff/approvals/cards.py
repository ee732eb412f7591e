"""What the reader of a request decides by, gathered when it is made, because later it would be something else.

The card is plain JSON:
    badges: `{kind, word}`: `effect`, `reversibility`, `outside`, `value`; what makes it grave, the gravest first
    arguments: `{name, text, is_cut, is_plain, origin, label}`: each as a person can read it, invisible characters
        written out; `origin` is where it came from, `label` is `trusted` or `untrusted`, which it is until known better
    read_before: `{seq, name, state}`: the last calls of the run, whose results the agent had read
    similar: `{approved, denied}`: how such requests of this agent for this tool ended
    last_approved: `{id, at, by}` of the last one that was approved, or null
    changes: `{name, before, after}`: in what this call differs from that one
    endorsable: names of arguments whose values may be accepted for the rest of the run
    questions: `{header, question, options, is_multiple}`: for a question
    connection: the slot that needs a login: for a login
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from signoff.agents.gates import Gate
from signoff.approvals import binding
from signoff.approvals.templates import as_text
from signoff.kit.text import shortened
from signoff.kit.visible import is_plain, visible
from signoff.runs.facts import RunContext
from signoff.tables.approvals import Approval
from signoff.tables.prepared import Prepared
from signoff.tables.runs import Step

_ARGUMENTS_MAX = 60
_TEXT_CHARS = 4_000
_READ_MAX = 20
_SIMILAR_MAX = 1_000
UNKNOWN_ORIGIN = "unknown"
UNTRUSTED = "untrusted"
_EFFECT_WORDS = {"read": "reads", "write": "changes data", "send": "sends", "irreversible": "irreversible"}
_REVERSIBILITY = {
    "write": "can be changed back by hand",
    "send": "cannot be called back",
    "irreversible": "cannot be undone",
}
_OUTSIDE = frozenset(("send", "irreversible"))
_MONEY_NAME = re.compile(
    r"(?:^|[_\W])(?:amount|total|sum|price|value|cost|fee|refund|payment|usd|eur|betrag)(?:$|[_\W])", re.IGNORECASE
)
_NUMBER = re.compile(r"-?\d{1,15}(?:[.,]\d{1,9})?")

_READ = Prepared(
    select(Step.seq, Step.name, Step.state)
    .where(Step.run_id == bindparam("of_run"), Step.kind == "tool", Step.key != bindparam("of_key"))
    .order_by(Step.seq.desc())
    .limit(_READ_MAX)
)


def card_of(
    session: Session,
    run: RunContext,
    *,
    key: str,
    tool: str,
    effect: str,
    args: Mapping[str, Any],
    rule: Gate,
    origins: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the card of a call. `args` are masked already.

    Args:
        origins: argument → `{origin, label}`, from whoever follows what flows through a run; what is not said is
            untrusted.
    """
    similar, last = _before(session, run.agent_id, tool)
    return {
        "badges": _badges(effect, args),
        "arguments": [_argument(name, value, origins or {}) for name, value in list(args.items())[:_ARGUMENTS_MAX]],
        "read_before": _read_before(session, run.run_id, key),
        "similar": similar,
        "last_approved": None if last is None else {"id": last.id, "at": _moment(last), "by": last.decided_by_name},
        "changes": _shown(binding.changes(last.args or {}, args)) if last is not None else [],
        "endorsable": [name for name in rule.may_endorse if name in args],
    }


def _badges(effect: str, args: Mapping[str, Any]) -> list[dict[str, str]]:
    found = [{"kind": "effect", "word": _EFFECT_WORDS.get(effect, effect)}]
    if effect in _REVERSIBILITY:
        found.append({"kind": "reversibility", "word": _REVERSIBILITY[effect]})
    if effect in _OUTSIDE:
        found.append({"kind": "outside", "word": "visible outside"})
    if value := money_in(args):
        found.append({"kind": "value", "word": value})
    return found


def money_in(args: Mapping[str, Any]) -> str:
    """Return the amount a call is about, with its currency where one is said; empty when no argument looks like one."""
    for name, value in args.items():
        spelt = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
        if isinstance(value, bool) or not _MONEY_NAME.search(spelt):
            continue
        text = str(value).strip()
        if _NUMBER.fullmatch(text):
            currency = args.get("currency")
            unit = f" {visible(currency)}" if isinstance(currency, str) and 0 < len(currency) <= 5 else ""
            return f"{text}{unit}"
    return ""


def _argument(name: str, value: Any, origins: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    whole = as_text(value)
    known = origins.get(name, {})
    return {
        "name": visible(name),
        "text": shortened(visible(whole), _TEXT_CHARS),
        "is_cut": len(whole) > _TEXT_CHARS,
        "is_plain": is_plain(whole) and is_plain(name),
        "origin": known.get("origin", UNKNOWN_ORIGIN),
        "label": known.get("label", UNTRUSTED),
    }


def _read_before(session: Session, run_id: str, key: str) -> list[dict[str, Any]]:
    rows = _READ.all(session, {"of_run": run_id, "of_key": key})
    return [{"seq": row.seq, "name": visible(row.name), "state": row.state} for row in reversed(rows)]


def _before(session: Session, agent_id: str, tool: str) -> tuple[dict[str, int], Approval | None]:
    """Return how the last such requests ended, and the newest that was approved."""
    ended = (
        select(Approval.state)
        .where(Approval.agent_id == agent_id, Approval.tool == tool, Approval.state.in_(("approved", "denied")))
        .limit(_SIMILAR_MAX)
        .subquery()
    )
    counted = session.execute(select(ended.c.state, func.count()).group_by(ended.c.state))
    numbers = {"approved": 0, "denied": 0} | {row[0]: row[1] for row in counted}
    if not numbers["approved"]:
        return numbers, None
    last = session.scalar(
        select(Approval)
        .where(Approval.agent_id == agent_id, Approval.tool == tool, Approval.state == "approved")
        .order_by(Approval.id.desc())
        .limit(1)
    )
    return numbers, last


def _shown(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "name": visible(one["name"]),
            "before": _side(one["before"]),
            "after": _side(one["after"]),
        }
        for one in found[:_ARGUMENTS_MAX]
    ]


def _side(value: Any) -> str | None:
    return None if value is None else shortened(visible(as_text(value)), _TEXT_CHARS)


def _moment(row: Approval) -> str | None:
    return row.decided_at.isoformat() if row.decided_at else None
