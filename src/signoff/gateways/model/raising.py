"""A run that has spent its own limit asks people for more, and waits, instead of being lost with all it has done."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal
from typing import Any

from sqlalchemy.orm import Session

from signoff.agents.gates import Gate
from signoff.approvals.actions import Wanted, request_approval
from signoff.approvals.binding import binding_of
from signoff.gateways.model.call import ModelCall, ModelOutcome
from signoff.gateways.model.facts import ModelFacts
from signoff.kit import money
from signoff.runs.facts import RunContext
from signoff.runs.holds import of_run

EXCEEDED = "run_budget_exceeded"
NEEDS_BUDGET = "needs_budget"
# A run whose limit was nothing cannot ask for as much again.
_LEAST = Decimal("0.10")
# As much as a revision may allow at most.
_MOST = Decimal(10_000)
RULE = Gate(
    name="run budget",
    asks=["approvers", "owner"],
    may_edit=False,
    denial_reason="optional",
    deadline_minutes=3 * 24 * 60,
    on_deadline="fail",
    reminders=[60, 24 * 60],
)


def may_ask(run: RunContext, facts: ModelFacts, code: str | None) -> bool:
    """Return whether a call that was refused makes its run wait: its own limit is reached, and the work is real."""
    return code == EXCEEDED and run.mode == "live" and facts.standing.origin != "test"


def ask_to_raise(session: Session, run: RunContext, call: ModelCall, facts: ModelFacts, reason: str) -> ModelOutcome:
    """Ask, in the transaction in which the step begins to wait; the run's leg ends with the hold."""
    hold = of_run(call.key)
    own, spend = facts.pots[0], facts.spends[0]
    cap = own.cap_usd or money.ZERO
    most = _most(facts)
    amount = max(cap - facts.standing.raised_usd, _LEAST).quantize(Decimal("0.01"), rounding=ROUND_UP)
    args: dict[str, Any] = {
        "amount_usd": money.as_text(min(amount, most)), "cap_usd": money.as_text(cap),
        "spent_usd": money.as_text(spend.spent_usd), "most_usd": money.as_text(most),
    }  # fmt: skip
    wanted = Wanted(
        kind="budget", rule=RULE, policy="budget", why=reason,
        title=f"Raise the limit of this run by {money.dollars(args['amount_usd'])}?",
        summary=f"It has spent {money.dollars(args['spent_usd'])} of {money.dollars(args['cap_usd'])} and is not done. "
        f"Approved, it goes on from where it is with so much more; at most {money.dollars(args['most_usd'])} can be "
        "given. Denied, it fails.",
        binding=binding_of("budget", args, revision_id=run.revision_id, run_id=run.run_id), args=args,
        card={"badges": [{"kind": "value", "word": money.dollars(args["amount_usd"])}], "budget": args},
    )  # fmt: skip
    approval_id = request_approval(session, run, hold, wanted)
    return ModelOutcome("held", code=NEEDS_BUDGET, reason=reason, hold={"call": hold, "approval": approval_id})


def _most(facts: ModelFacts) -> Decimal:
    """Return the most that may be given: what is left of every other limit that would refuse the call."""
    left = [
        pot.cap_usd - spend.spent_usd - spend.held_usd
        for pot, spend in zip(facts.pots[1:], facts.spends[1:], strict=True)
        if pot.cap_usd is not None
    ]
    return max(min([*left, _MOST]), money.ZERO)
