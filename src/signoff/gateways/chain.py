"""The chain both gateways are built of: guards decide, wrappers surround.

A guard reads facts and returns a verdict; it changes nothing. A wrapper surrounds a call that may happen, and may run
it zero, one or more times; what must be counted is counted there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Literal, Protocol, TypeVar

VerdictKind = Literal["allow", "deny", "hold", "defer", "stop", "simulate", "answer"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one policy says about one call.

    Args:
        kind: `allow` it; `deny` this call and tell the model; `hold` it until a person answered, who is
            asked by the rule in `value`; `defer` it to the moment in `value`; `stop` the run; `simulate` it, sending
            nothing; `answer` it from what is known, in `value`.
        reason: in words a person understands; an `allow` may carry a remark.
        policy: who says it; filled in by `decide`.
        code: a stable name for the reason.
    """

    kind: VerdictKind
    reason: str = ""
    policy: str = ""
    code: str | None = None
    value: Any = None

    def as_plain(self) -> dict[str, Any]:
        """Return plain JSON for the step."""
        plain = {"policy": self.policy, "kind": self.kind, "reason": self.reason}
        return {**plain, "code": self.code} if self.code else plain


ALLOW = Verdict("allow")

CallIn = TypeVar("CallIn", contravariant=True)
FactsIn = TypeVar("FactsIn", contravariant=True)
Call = TypeVar("Call")
Facts = TypeVar("Facts")
Answer = TypeVar("Answer")
Proceed = Callable[[Call], Awaitable[Answer]]


class Guard(Protocol[CallIn, FactsIn]):
    """Says whether a call may happen. Reads facts; changes nothing."""

    @property
    def name(self) -> str:
        """The policy's name, as the step records it."""
        ...

    def check(self, call: CallIn, facts: FactsIn, /) -> Verdict:
        """Return the verdict on `call`."""
        ...


class Wrapper(Protocol[Call, Answer]):
    """Surrounds a call that may happen. Calls `proceed` zero or more times."""

    @property
    def name(self) -> str:
        """The policy's name."""
        ...

    async def around(self, call: Call, proceed: Proceed[Call, Answer], /) -> Answer:
        """Return the answer to `call`."""
        ...


@dataclass(frozen=True, slots=True)
class Decision:
    """The verdict that counts, and every verdict on the way to it."""

    verdict: Verdict
    verdicts: tuple[Verdict, ...]

    def as_plain(self) -> list[dict[str, Any]]:
        """Return plain JSON for the step."""
        return [verdict.as_plain() for verdict in self.verdicts]


def decide(guards: Sequence[Guard[Call, Facts]], call: Call, facts: Facts) -> Decision:
    """Ask the guards in their order; the first that does not allow settles it."""
    verdicts: list[Verdict] = []
    for guard in guards:
        said = guard.check(call, facts)
        verdict = _allowed(guard.name) if said is ALLOW else replace(said, policy=guard.name)
        verdicts.append(verdict)
        if verdict.kind != "allow":
            return Decision(verdict, tuple(verdicts))
    return Decision(ALLOW, tuple(verdicts))


@cache
def _allowed(policy: str) -> Verdict:
    return replace(ALLOW, policy=policy)


def compose(wrappers: Sequence[Wrapper[Call, Answer]], effect: Proceed[Call, Answer]) -> Proceed[Call, Answer]:
    """Nest the wrappers around the effect, the first listed outermost."""
    proceed = effect
    for wrapper in reversed(wrappers):
        proceed = partial(_around, wrapper, proceed)
    return proceed


async def _around(wrapper: Wrapper[Call, Answer], proceed: Proceed[Call, Answer], call: Call) -> Answer:
    return await wrapper.around(call, proceed)


class Objected(Exception):
    """A guard that was asked again just before the act no longer allows it."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict
