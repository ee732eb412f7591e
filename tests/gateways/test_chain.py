"""The chain: the first objection counts, wrappers nest, and the order of the policies is what it is for a reason."""

from __future__ import annotations

from dataclasses import dataclass

from signoff.gateways.chain import Proceed, Verdict, compose, decide
from signoff.gateways.model import gateway as model
from signoff.gateways.tool import gateway as tool


@dataclass
class Says:
    name: str
    verdict: Verdict

    def check(self, call: str, facts: list[str], /) -> Verdict:
        facts.append(self.name)
        return self.verdict


@dataclass
class Notes:
    name: str

    async def around(self, call: list[str], proceed: Proceed[list[str], str], /) -> str:
        call.append(f"{self.name} in")
        answer = await proceed(call)
        call.append(f"{self.name} out")
        return answer


def test_the_first_objection_counts_and_nobody_after_it_is_asked() -> None:
    asked: list[str] = []
    guards = (
        Says("a", Verdict("allow", "fine")),
        Says("b", Verdict("deny", "no", code="b_no")),
        Says("c", Verdict("stop", "never asked")),
    )
    decision = decide(guards, "call", asked)
    assert (decision.verdict.kind, decision.verdict.policy, decision.verdict.reason) == ("deny", "b", "no")
    assert asked == ["a", "b"]
    assert decision.as_plain() == [
        {"policy": "a", "kind": "allow", "reason": "fine"},
        {"policy": "b", "kind": "deny", "reason": "no", "code": "b_no"},
    ]


def test_when_nobody_objects_it_is_allowed() -> None:
    assert decide((Says("a", Verdict("allow")),), "call", []).verdict.kind == "allow"


async def test_the_first_wrapper_is_the_outermost() -> None:
    seen: list[str] = []

    async def effect(call: list[str]) -> str:
        call.append("effect")
        return "done"

    assert await compose((Notes("a"), Notes("b")), effect)(seen) == "done"
    assert seen == ["a in", "b in", "effect", "b out", "a out"]


def test_the_order_of_the_model_policies() -> None:
    assert [guard.name for guard in model.GUARDS] == ["revocation", "recording", "budget", "cache"]
    assert [wrapper.name for wrapper in model.WRAPPERS] == ["trace", "spend", "redact", "fallback", "retry", "throttle"]


def test_the_order_of_the_tool_policies() -> None:
    assert [guard.name for guard in tool.GUARDS] == [
        "revocation",
        "grant",
        "values",
        "sub_agents",
        "requires",
        "loop",
        "budget",
        "recording",
        "freeze",
        "flow",
        "window",
        "cap",
        "sandbox",
        "shadow",
        "memory",
        "gate",
    ], "A new policy, or another order? Then say here too where it stands."
    assert [wrapper.name for wrapper in tool.WRAPPERS] == ["trace", "place", "once", "secrets", "login", "retry"]
