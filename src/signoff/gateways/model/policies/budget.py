"""The limits of a run that are counted in turns, tokens and dollars already spent."""

from __future__ import annotations

from collections.abc import Sequence

from signoff.budgets.queries import Spend
from signoff.budgets.states import Pot
from signoff.gateways.chain import ALLOW, Verdict
from signoff.gateways.model.call import ModelCall
from signoff.gateways.model.facts import ModelFacts
from signoff.gateways.model.prices import Price
from signoff.kit import money
from signoff.runs.facts import RunContext


class Budget:
    """Stops the run that has used up what it may. The money for the call itself is reserved by `spend`."""

    name = "budget"

    def check(self, call: tuple[RunContext, ModelCall], facts: ModelFacts, /) -> Verdict:
        """Return `stop` with the limit that was reached, or `allow`."""
        run, asked = call
        limits = run.body.limits
        if asked.turn > limits.turns:
            return Verdict("stop", f"The run has had its {limits.turns} turns (limits.turns).", code="turns_exceeded")
        if facts.standing.tokens_used >= limits.tokens:
            return Verdict(
                "stop",
                f"The run has used {facts.standing.tokens_used:,} tokens of {limits.tokens:,} (limits.tokens).",
                code="tokens_exceeded",
            )
        for above in facts.tokens_above:
            if above.used >= above.most:
                words = f"The run of {above.agent_slug} that this one works for has used its {above.most:,} tokens"
                return Verdict("stop", f"{words} (limits.tokens).", code="parent_tokens_exceeded")
        return money_left(facts.prices[run.body.model.name], facts.pots, facts.spends)


def money_left(price: Price, pots: Sequence[Pot], spends: Sequence[Spend]) -> Verdict:
    """Return `stop` with the pot in which nothing is left, or `allow`.

    A model that costs nothing may be asked also when all money is spent.
    """
    if price.of_tokens(1_000, 1_000) == 0:
        return ALLOW
    for pot, spend in zip(pots, spends, strict=True):
        if pot.cap_usd is not None and spend.spent_usd >= pot.cap_usd:
            shown = money.dollars(pot.cap_usd), money.dollars(spend.spent_usd)
            return Verdict(
                "stop",
                f"{pot.words} is {shown[0]}, and {shown[1]} is spent. {pot.remedy}",
                code=f"{pot.kind}_budget_exceeded",
            )
    return ALLOW
