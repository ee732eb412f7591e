"""Requests to people as the engine leaves them: a run that waits, the request, and who is asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import insert
from sqlalchemy.orm import Session

from signoff.agents.gates import Gate
from signoff.kit import clock, ids
from signoff.record import trace
from signoff.runs.holds import Hold, HoldKind
from signoff.tables.agents import Agent, Revision
from signoff.tables.approvals import Approval, ApprovalRecipient, ApprovalVote
from signoff.tables.runs import Leg, Run
from tests.web import seed as seeding
from tests.web.seed import Seeded

NASTY = "<script>alert(1)</script><img src=x onerror=alert(1)> \"'>{{ 7*7 }}"
BADGES = [
    {"kind": "effect", "word": "irreversible"},
    {"kind": "reversibility", "word": "cannot be undone"},
    {"kind": "outside", "word": "visible outside"},
    {"kind": "value", "word": "412.50 EUR"},
]
ARGS = {"order": "PO-88120", "amount": 412.5, "currency": "EUR", "note": "Invoice RE-2026-119, four lines"}


def card(args: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A card for these arguments: the order came from the input, the rest from a mail that nobody vouches for."""
    told = [
        {
            "name": name, "text": value if isinstance(value, str) else str(value), "is_cut": False, "is_plain": True,
            "origin": "input" if name == "order" else "mail.read_message",
            "label": "trusted" if name == "order" else "untrusted",
        }
        for name, value in args.items()
    ]  # fmt: skip
    return {
        "badges": BADGES, "arguments": told,
        "read_before": [{"seq": 1, "name": "mail.read_message", "state": "completed"}],
        "similar": {"approved": 12, "denied": 1}, "last_approved": None, "changes": [], "endorsable": [], **more,
    }  # fmt: skip


def ask(
    session: Session,
    seeded: Seeded,
    title: str = "Post bill RE-2026-119 over 412.50 EUR",
    *,
    asked: Sequence[str] = ("mei",),
    agent: str = "supplier-mail",
    hours_ago: float = 0.2,
    args: dict[str, Any] | None = None,
    rule: dict[str, Any] | None = None,
    **more: Any,
) -> str:
    """A request that these people are asked; its run waits for it. Returns its id."""
    kind, by = more.pop("kind", "approval"), seeded.people[more.pop("by", "ines")]
    run_id = more.pop("run_id", "") or seeding.run(
        session, seeded, seeded.agents[agent], f"Run of {title}"[:150], "waiting", waiting_for=kind,
        reason=f"Waits for a person: {title}"[:400], minutes_ago=hours_ago * 60 + 1, by=by, leg=1,
    )  # fmt: skip
    run = session.get_one(Run, run_id)
    revision = session.get_one(Revision, run.revision_id)
    call_id = more.pop("call_id", "c1")
    moment = clock.now() - timedelta(hours=hours_ago)
    gate = Gate.model_validate(
        {"name": more.get("gate", "Bill over 250 EUR"), "tools": ["erp.post_bill"], **(rule or {})}
    )
    given: dict[str, Any] = {
        "id": approval_id_at(clock.now() - timedelta(hours=hours_ago)), "workspace_id": run.workspace_id,
        "environment_id": run.environment_id, "agent_id": run.agent_id, "revision_id": revision.id, "run_id": run_id,
        "leg": 1, "call_id": call_id, "agent_name": session.get_one(Agent, run.agent_id).name,
        "revision_number": revision.number, "run_requested_by": run.requested_by, "kind": kind, "state": "pending",
        "gate": gate.name, "asked_by_policy": "gate", "why": "The amount is 412.50, and the gate asks from 250 on.",
        "tool": "erp.post_bill", "effect": "irreversible", "args": ARGS if args is None else args, "binding": "x" * 64,
        "title": title, "summary": "Brightwater Logistics, order PO-88120. All four lines match the order.",
        "card": card(ARGS if args is None else args), "rule": gate.model_dump(mode="json"), "quorum": gate.quorum,
        "created_at": moment, "deadline_at": moment + timedelta(hours=24), "next_at": moment + timedelta(hours=24),
        "decision": None,
    }  # fmt: skip
    row = Approval(**{**given, **more})
    session.add(row)
    session.flush()
    _held(session, run, row)
    for name in asked:
        put_to(session, seeded, row.id, name, is_open=row.state == "pending")
    return row.id


def _held(session: Session, run: Run, row: Approval) -> None:
    """The call's step, and the leg that ended for it."""
    key, hold = f"{run.id}:{row.call_id}", Hold(row.call_id, cast("HoldKind", row.kind), row.id).as_plain()
    trace.begin_step(
        session, workspace_id=run.workspace_id, run_id=run.id, leg=1, key=key, kind="tool", name=row.tool or row.kind,
        effect=row.effect, request={"args": row.args},
    )  # fmt: skip
    trace.end_step(session, run_id=run.id, key=key, state="waiting")
    leg = session.get(Leg, (run.id, 1))
    if leg is None:
        session.add(
            Leg(run_id=run.id, number=1, workspace_id=run.workspace_id, state="waiting", worker="w1", holds=[hold],
                started_at=run.started_at, ended_at=run.started_at)
        )  # fmt: skip
    else:
        leg.holds = [*leg.holds, hold]
    session.flush()


def put_to(session: Session, seeded: Seeded, approval_id: str, who: str, *, is_open: bool = True, **more: Any) -> None:
    """One more who is asked."""
    given: dict[str, Any] = {"level": 0, "via": "approvers", "asked_for": None, "asked_at": clock.now()}
    session.add(
        ApprovalRecipient(
            approval_id=approval_id, member_id=seeded.people[who].id, workspace_id=seeded.workspace_id,
            is_open=is_open, **{**given, **more},
        )
    )  # fmt: skip
    session.flush()


def settle(
    session: Session, seeded: Seeded, approval_id: str, who: str = "ines", state: str = "approved", **more: Any
) -> None:
    """Somebody was first: the request has ended, as the verb leaves it."""
    row = session.get_one(Approval, approval_id)
    row.state, row.decided_at, row.next_at = state, clock.now(), None
    row.decided_by, row.decided_by_name, row.via = seeded.people[who].id, seeded.people[who].name, "page"
    for name, value in more.items():
        setattr(row, name, value)
    session.query(ApprovalRecipient).filter_by(approval_id=approval_id).update({"is_open": False})
    session.flush()


def vote(session: Session, seeded: Seeded, approval_id: str, who: str, verdict: str = "approve", **more: Any) -> None:
    """What one of several said."""
    session.add(
        ApprovalVote(
            approval_id=approval_id, member_id=seeded.people[who].id, workspace_id=seeded.workspace_id,
            member_name=seeded.people[who].name, verdict=verdict, decision=None, reason=more.get("reason"),
            reason_code=None, via="page", at=clock.now(),
        )
    )  # fmt: skip
    session.flush()


def crowd(session: Session, seeded: Seeded, number: int, who: str = "mei", by: str = "ines") -> None:
    """So many requests that wait, each with a run of its own; written in bulk."""
    first = ask(session, seeded, "Post bill 0", asked=(who,), by=by)
    pattern = session.get_one(Approval, first)
    run = session.get_one(Run, pattern.run_id)
    legs = _columns(session.get_one(Leg, (run.id, 1)))
    runs, rows, recipients, more = [], [], [], []
    for index in range(1, number):
        moment = clock.now() - timedelta(seconds=10 * index)
        run_id, one = seeding.run_id_at(moment), approval_id_at(moment)
        runs.append(
            {**_columns(run), "id": run_id, "title": f"Run {index}", "created_at": moment, "started_at": moment}
        )
        rows.append(
            {
                **_columns(pattern), "id": one, "run_id": run_id, "title": f"Post bill {index} over {index}.50 EUR",
                "created_at": moment, "gate": f"Gate {index % 4}",
            }
        )  # fmt: skip
        more.append({**legs, "run_id": run_id, "holds": [Hold("c1", "approval", one).as_plain()]})
        recipients.append(
            {
                "approval_id": one, "member_id": seeded.people[who].id, "workspace_id": seeded.workspace_id,
                "level": 0, "via": "approvers", "asked_for": None, "is_open": True, "asked_at": moment,
            }
        )  # fmt: skip
    for table, found in ((Run, runs), (Leg, more), (Approval, rows), (ApprovalRecipient, recipients)):
        session.execute(insert(table), found)


def approval_id_at(moment: Any) -> str:
    """An id that was made at that moment."""
    return ids.first_at("apr", moment) + ids.new_id("x")[-16:]


def _columns(row: Any) -> dict[str, Any]:
    return {column.key: getattr(row, column.key) for column in type(row).__mapper__.column_attrs}


def many_kinds(session: Session, seeded: Seeded) -> dict[str, str]:
    """One request of each kind and state. Returns the ids by what they show."""
    member = seeded.people
    plain: dict[str, Any] = {"tool": None, "effect": None, "args": {}}
    last = {"id": "apr_0", "at": "2026-11-20T10:00:00+00:00", "by": "Ines Okafor"}
    changes = [
        {"name": "amount", "before": "388.00", "after": "412.5"},
        {"name": "note", "before": None, "after": "four lines"},
    ]
    centres = ["4400 Office", "4700 Freight", "5100 Projects"]
    questions = [
        _question("Cost centre", "Which cost centre takes the freight?", centres),
        {**_question("", "Who else has to know?", ["Finance", "Warehouse"]), "is_multiple": True},
        _question("Note", "Anything to add for the supplier?", []),
    ]
    known = {
        "bill": ask(
            session, seeded, rule={"may_endorse": ["order"], "reason_codes": ["wrong amount", "not ours"]},
            card=card(ARGS, endorsable=["order"], last_approved=last, changes=changes),
        ),
        "aged": ask(session, seeded, "Post bill RE-2026-101 over 98.20 EUR", hours_ago=30, is_degraded=True),
        "two": ask(
            session, seeded, "Pay 18,400.00 EUR to Nordic Freight", asked=("mei", "ines", "tomasz"),
            rule={"quorum": 2}, gate="Payment over 10,000", hours_ago=1, asked_by_policy="flow",
        ),
        "question": ask(
            session, seeded, "Which cost centre takes this bill?", kind="question", gate="ask", hours_ago=2,
            asked_by_policy="agent", summary="The order names none.", why="The agent asked by itself.",
            card={"badges": [], "questions": questions}, **plain,
        ),
        "login": ask(
            session, seeded, "Sign in to the ERP", kind="login", gate="login", hours_ago=3,
            summary="Its token has run out.", why="The ERP refused the login.",
            card={"badges": [], "connection": "erp"}, **plain,
        ),
        "budget": ask(
            session, seeded, "Raise the budget of this run", kind="budget", gate="budget", hours_ago=4,
            summary="It has spent $0.50 of $0.50.", why="The run reached its cap.", asked_by_policy="budget",
            card={"badges": []}, **{**plain, "args": {"amount_usd": "0.50", "most_usd": "100"}},
        ),
        "others": ask(session, seeded, "Post bill RE-2026-140 over 300 EUR", asked=("ines",), hours_ago=5),
        "approved": ask(session, seeded, "Post bill RE-2026-090 over 260 EUR", hours_ago=6),
        "denied": ask(session, seeded, "Post bill RE-2026-091 over 9,260 EUR", hours_ago=7),
        "expired": ask(session, seeded, "Post bill RE-2026-092 over 300 EUR", hours_ago=50),
    }  # fmt: skip
    vote(session, seeded, known["two"], "ines")
    session.query(ApprovalRecipient).filter_by(approval_id=known["two"], member_id=member["ines"].id).update(
        {"is_open": False}
    )
    settle(
        session,
        seeded,
        known["approved"],
        decision={"changes": [{"name": "amount", "before": 260, "after": 250}], "args": {}},
    )
    settle(
        session,
        seeded,
        known["denied"],
        state="denied",
        reason="The order says 926.00. Ask the supplier.",
        reason_code="wrong amount",
    )
    settle(session, seeded, known["expired"], state="expired", decided_by_name=None)
    return known


def _question(header: str, question: str, options: list[str]) -> dict[str, Any]:
    return {"header": header, "question": question, "options": options, "is_multiple": False}
