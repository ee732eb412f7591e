"""Facts of a revision of which every measured item holds, to change one thing of."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from signoff.agents.body import Body
from signoff.agents.ownership import OwnerFacts
from signoff.evaluations.golden import GoldenFact
from signoff.people.seats import Seat
from signoff.watch.probes.evaluate import judged
from signoff.watch.probes.evidence import Evidence
from signoff.watch.probes.facts import (
    Binding,
    DrillFact,
    Expected,
    GateAnswer,
    LimitFact,
    LoginFact,
    People,
    ProbeFacts,
    RunFact,
    SecretFact,
    Served,
    ShadowFact,
    ToolFact,
)
from signoff.watch.probes.policy import default_policy
from signoff.watch.probes.probe import Phase

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GATE = {
    "name": "pay", "effects": ["irreversible", "send"], "tools": ["erp.pay"], "title": "Pay {{args.amount}}",
    "summary": "Pays {{args.amount}} to {{args.to}}", "required": ["amount"],
    "escalation": [{"after_minutes": 60, "to": ["escalation"]}],
}  # fmt: skip
BODY: dict[str, Any] = {
    "sop": "# Pay\nPay each bill with {{secret.ERP_TOKEN}}.",
    "model": {"name": "openai:gpt-5", "fallbacks": ["openai:gpt-5-mini"]},
    "output_schema": {"type": "object"},
    "tools": [{"slot": "erp", "allow": [
        {"tool": "look"}, {"tool": "pay", "values": {"to": {"allow": ["acme"]}}, "max_calls": 5},
    ]}],
    "secrets": ["ERP_TOKEN"],
    "gates": [GATE],
    "rules": {"windows": [{}], "caps": [{"most": 10, "per": "day"}]},
    "limits": {"cost_usd": "1.00"},
}  # fmt: skip


def body(**changes: Any) -> Body:
    """The body, with some fields otherwise."""
    return Body.model_validate({**BODY, **changes})


def run(number: int = 1, **changes: Any) -> RunFact:
    """A test run of the revision in staging that completed an hour ago."""
    return replace(
        RunFact(
            id=f"run_{number:04}", revision_id="rev_2", environment_id="env_staging", state="completed", origin="test",
            source="manual", mode="live", code=None, needs_attention=False, is_scripted=False, waiting_for=None,
            cost_usd=Decimal("0.10"), created_at=NOW - HOUR, started_at=NOW - HOUR, ended_at=NOW - HOUR + HOUR / 60,
            has_output=True,
        ),
        **changes,
    )  # fmt: skip


def real(number: int = 1, **changes: Any) -> RunFact:
    """A production run of what serves."""
    return run(
        number, **{"revision_id": "rev_1", "environment_id": "env_production", "origin": "production", **changes}
    )


def owner(kind: Seat, name: str, **changes: Any) -> OwnerFacts:
    """Somebody who accepted a seat yesterday."""
    return replace(
        OwnerFacts(
            kind=kind, member_id=f"mem_{name}", name=name, email=f"{name}@example.com", role="manager",
            state="accepted", asked_by_name="Ann", asked_at=NOW - DAY, answered_at=NOW - DAY, answer="", hours={},
            time_zone=None, is_working=None, problem="",
        ),
        **changes,
    )  # fmt: skip


OWNERS = (
    owner("build", "Ann"), owner("operations", "Ben"), owner("approver", "Cleo"), owner("backup", "Dan"),
    owner("escalation", "Eve"),
)  # fmt: skip
LOGIN = LoginFact("active", "service", "", True, NOW + DAY, NOW - HOUR, ("erp.write",), ("erp.write",))
BINDING = Binding("con_1", "erp", "active", "ok", NOW - HOUR, "", "erp.example.com", (), LOGIN)
TOOLS = {
    ("erp", "look"): ToolFact("read", "accepted", frozenset({"id"})),
    ("erp", "pay"): ToolFact("irreversible", "accepted", frozenset({"amount", "to"})),
}
GOLDEN = GoldenFact(
    "dst_1", "Cases", 1, "day", True, evaluation_id="evl_1", dataset_version=1, baseline_revision_id="rev_1",
    verdict="promotable", score=0.9, baseline_score=0.8, ended_at=NOW - HOUR,
)  # fmt: skip

GOOD = ProbeFacts(
    now=NOW,
    tier="critical",
    agent_id="agt_1",
    slug="clerk",
    environment_id="env_production",
    environment="production",
    is_production=True,
    revision_id="rev_2",
    number=2,
    newest_number=2,
    is_intact=True,
    body=body(),
    expected=Expected(runs_per_day=10, run_seconds_max=600, starts_at="06:00", done_by="08:00"),
    authors=frozenset({"mem_Ann"}),
    bindings={"erp": BINDING},
    tools=TOOLS,
    secrets={"ERP_TOKEN": SecretFact("service", "", None, True)},
    runs=[run(5, source="replay", mode="replay", ended_at=NOW - HOUR + timedelta(seconds=5)), run(3), run(2), run(1)],
    here=[real(4)],
    busiest_day=1,
    used=frozenset({"erp.look", "erp.pay"}),
    answers=[
        GateAnswer("pay", "approved", "completed", NOW - HOUR),
        GateAnswer("pay", "denied", "completed", NOW - DAY),
    ],
    people=People(OWNERS, may_pause=3, has_last_resort=True, channels=1),
    limits=[LimitFact("agent", "day", "production", Decimal(10), 80, True)],
    served=Served("rev_1", 1, NOW - 10 * DAY, (), ("staging",), True),
    drill=DrillFact(30, True, NOW - DAY),
    golden=(GOLDEN,),
    golden_live=(GOLDEN,),
    shadow=ShadowFact(days=5, compared=100, differing=3, newest_at=NOW - HOUR),
    signed=frozenset({"mem_Ben"}),
    signed_at=NOW - HOUR,
    release_state="canary",
    schema=("0025", "0025"),
)  # fmt: skip

# The same revision, two days after it went live.
LIVE = replace(
    GOOD,
    served=Served("rev_2", 2, NOW - 2 * DAY, (1,), ("staging",), True),
    here=[real(number, revision_id="rev_2") for number in (9, 8, 7)],
)


def evidence(facts: ProbeFacts, phase: Phase = "before") -> Evidence:
    """What the shipped policy says of some facts."""
    return judged(facts, default_policy(), {}, phase=phase)


def statuses(facts: ProbeFacts, phase: Phase = "before") -> dict[str, str]:
    """Probe → status."""
    return {result.probe: result.status for result in evidence(facts, phase).results}
