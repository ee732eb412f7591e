"""Money is held before a call and settled after it, so that no number of runs passes a cap by more than one call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal

from sqlalchemy.orm import Session

from signoff.budgets import actions as budgets
from signoff.gateways.chain import Proceed
from signoff.gateways.model import sizes
from signoff.gateways.model.call import Answer, Asked, ModelFailed
from signoff.gateways.model.facts import candidates
from signoff.kit import money
from signoff.kit.errors import BudgetExceeded
from signoff.record import trace


class Spend:
    """Reserves the dearest candidate's worst case, and settles what the call did cost with the end of the step."""

    name = "spend"

    async def around(self, call: Asked, proceed: Proceed[Asked, Answer], /) -> Answer:
        """Return the answer.

        Raises:
            BudgetExceeded: the run or the workspace has no room for the call.
        """
        purse = _Purse(call, call.log.reservation, call.log.estimate, call.log.tokens_in)
        if call.log.refusal is not None:
            raise call.log.refusal
        if purse.reservation is None:
            await purse.reserve()
        try:
            answer = await proceed(replace(call, pay_again=purse.pay_again))
        except ModelFailed as failed:
            cost = purse.waste(failed.unpaid) if failed.unpaid else money.ZERO
            purse.settle_with_the_step(cost)
            raise
        except asyncio.CancelledError:
            # The provider may well bill what nobody waits for any more.
            await asyncio.shield(call.services.store.write_async(purse.cut_off))
            raise
        except Exception:
            purse.settle_with_the_step(money.ZERO)
            raise
        if answer.cost_usd is None:
            call.log.is_price_unknown = True
        purse.settle_with_the_step(answer.cost_usd or money.ZERO)
        return answer


def open_with(session: Session, call: Asked, tokens_in: int) -> None:
    """Reserve for the call in the transaction that begins the step; a refusal is kept, and raised in its turn."""
    purse = _Purse(call)
    purse.weigh(tokens_in)
    noted = call.log
    noted.tokens_in, noted.estimate = purse.tokens_in, purse.estimate
    try:
        noted.reservation = purse.hold(session)
    except BudgetExceeded as refusal:
        noted.refusal = refusal


@dataclass(slots=True)
class _Purse:
    """The reservation of one call."""

    call: Asked
    reservation: str | None = None
    estimate: Decimal = money.ZERO
    tokens_in: int = 0

    async def reserve(self) -> None:
        self.weigh(sizes.tokens_in(self.call.messages, self.call.parameters))
        self.reservation = await self.call.services.store.write_async(self.hold)

    def weigh(self, tokens_in: int) -> None:
        """Take the worst case of the dearest candidate."""
        call, self.tokens_in = self.call, tokens_in
        most = int(call.settings.get("max_tokens") or 0)
        costs = [call.facts.prices[model].of_tokens(self.tokens_in, most) for model in candidates(call.run)]
        # An unknown price cannot be held; the run's token limits still bound it, and the step says so.
        self.estimate = max((cost for cost in costs if cost is not None), default=money.ZERO)

    def hold(self, session: Session) -> str:
        """Reserve; raises BudgetExceeded."""
        run = self.call.run
        return budgets.reserve(
            session,
            workspace_id=run.workspace_id,
            run_id=run.run_id,
            step_key=self.call.call.key,
            amount=self.estimate,
            pots=self.call.facts.pots,
        )

    def waste(self, model: str) -> Decimal:
        """Return what an attempt costs that was carried out and gave nothing: at least its input."""
        cost = self.call.facts.prices[model].of_tokens(self.tokens_in, 0) or money.ZERO
        self.call.log.wasted_usd += cost
        self.call.log.wasted_tokens_in += self.tokens_in
        return cost

    async def pay_again(self, model: str) -> None:
        """Book a wasted attempt, then reserve for the next one."""
        await self.settle_now(self.waste(model))
        self.reservation = await self.call.services.store.write_async(self.hold)

    def settle_with_the_step(self, cost: Decimal) -> None:
        """Settle in the transaction that ends the step, so that the two never disagree."""
        reservation, self.reservation = self.reservation, None
        log, run, key = self.call.log, self.call.run, self.call.call.key

        def close(session: Session) -> None:
            is_first = reservation is None or budgets.settle(session, reservation, cost)
            # A run that was ended meanwhile has booked the estimate, in its pots and on the step: that stands.
            log.is_booked = not is_first and trace.is_estimated(session, run.run_id, key)

        log.closing.append(close)

    def cut_off(self, session: Session) -> None:
        """Book the estimate as spent: in the pots, and on the step, which nobody ends any more, and its run."""
        run, log = self.call.run, self.call.log
        if self.reservation is not None and budgets.settle(session, self.reservation, self.estimate):
            # What was wasted before is in the pots already.
            cost, calls = self.estimate + log.wasted_usd, len(log.attempts) + 1
            trace.book_estimate(session, run.run_id, self.call.call.key, cost, calls=calls)

    async def settle_now(self, cost: Decimal) -> None:
        """Settle at once."""
        reservation, self.reservation = self.reservation, None
        if reservation is not None:
            await self.call.services.store.write_async(budgets.settle, reservation, cost)
