"""Each probe, made true and false, one fact at a time: exactly its own result moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from signoff.agents.findings import Finding
from signoff.watch.probes.evidence import Evidence
from signoff.watch.probes.facts import (
    CalledAgent,
    DrillFact,
    Expansion,
    Expected,
    GateAnswer,
    LimitFact,
    ProbeFacts,
    SecretFact,
    ShadowFact,
    Targets,
    WeekFact,
)
from signoff.watch.probes.registry import BY_ID, PROBES
from tests.rooms.watch.kit_probes import (
    BINDING,
    BODY,
    DAY,
    GATE,
    GOLDEN,
    GOOD,
    HOUR,
    LIVE,
    LOGIN,
    NOW,
    OWNERS,
    TOOLS,
    body,
    evidence,
    owner,
    real,
    run,
    statuses,
)

Setup = Callable[[ProbeFacts], ProbeFacts]


def with_(**changes: Any) -> Setup:
    return lambda facts: replace(facts, **changes)


def gate(**changes: Any) -> Setup:
    return with_(body=body(gates=[{**GATE, **changes}]))


def binding(**changes: Any) -> Setup:
    return with_(bindings={"erp": replace(BINDING, **changes)})


def login(**changes: Any) -> Setup:
    return binding(login=replace(LOGIN, **changes))


def people(**changes: Any) -> Setup:
    return with_(people=replace(GOOD.people, **changes))


def seat(kind: str, **changes: Any) -> Setup:
    return people(owners=tuple(replace(one, **changes) if one.kind == kind else one for one in OWNERS))


def without(kind: str) -> Setup:
    return people(owners=tuple(one for one in OWNERS if one.kind != kind))


def served(**changes: Any) -> Setup:
    return with_(served=replace(GOOD.served, **changes))


ON = WeekFact(runs=20, failed_percent=5.0, needs_input_percent=30.0, denied_percent=20.0, cost_usd=1.0)


def widens(weeks: list[WeekFact]) -> Setup:
    return with_(expansion=Expansion(("it may act with erp.pay",), tuple(weeks)))


def tried_at(moment: Any) -> list[Any]:
    replay = run(5, source="replay", mode="replay", ended_at=NOW - HOUR + timedelta(seconds=5))
    return [replay, *(run(number, created_at=NOW - HOUR, ended_at=moment) for number in (3, 2, 1))]


REPLAY = GOOD.runs[0]
SEND = {**TOOLS, ("erp", "tell"): replace(TOOLS["erp", "look"], effect="send")}
WRITE = {**TOOLS, ("erp", "refund"): replace(TOOLS["erp", "pay"], effect="write")}


def also(tool: str) -> list[dict[str, Any]]:
    more = {"tool": tool, "values": {"to": {"allow": ["acme"]}}}
    return [{"slot": "erp", "allow": [*BODY["tools"][0]["allow"], more]}]


NARROW = {**GATE, "effects": ["irreversible"]}
# Probe, what is otherwise, what it then says; where two items ask about one fact, the other one beside it.
CASES: list[tuple[str, Setup, str, dict[str, str]]] = [
    ("testing.end_to_end", with_(runs=[REPLAY, run(3), run(2)]), "false", {}),
    ("testing.end_to_end", with_(runs=[REPLAY, run(3), run(2), run(1, mode="sandbox")]), "false", {}),
    ("testing.end_to_end", with_(runs=[REPLAY, run(3), run(2), run(1, source="replay")]), "false", {}),
    ("testing.gates_exercised", with_(answers=[GOOD.answers[1]]), "false", {}),
    ("testing.gates_exercised", gate(name="other"), "missing", {}),
    ("testing.denial_handled", with_(answers=[GOOD.answers[0], replace(GOOD.answers[1], run_state="failed")]),
     "false", {}),
    ("testing.no_unexplained_error",
     with_(runs=[*GOOD.runs, run(0, state="failed", needs_attention=True, code="tool_error")]), "false", {}),
    ("connections.bound", binding(state="disabled"), "false", {}),
    ("connections.bound", with_(tools={**TOOLS, ("erp", "look"): replace(TOOLS["erp", "look"], state="changed")}),
     "false", {}),
    ("connections.not_broken", binding(health="broken", last_error="refused"), "false",
     {"connections.checked": "missing"}),
    ("connections.not_broken", login(state="revoked"), "false", {}),
    ("connections.checked", binding(health="unknown"), "missing", {}),
    ("connections.checked", binding(checked_at=NOW - 2 * DAY), "stale", {}),
    ("connections.right_environment", binding(same_as=("staging",)), "false", {}),
    ("connections.right_environment", binding(address="api.sandbox.example.com"), "false", {}),
    ("connections.service_accounts", login(principal="personal", who="Ann"), "false", {}),
    ("connections.service_accounts", with_(secrets={"ERP_TOKEN": SecretFact("personal", "Ann", None, True)}),
     "false", {}),
    ("connections.least_privilege", login(scopes_granted=("erp.write", "erp.admin")), "false", {}),
    ("connections.granted_is_used", with_(used=frozenset({"erp.look"})), "false", {}),
    ("connections.refresh_works", login(last_refreshed_at=None), "missing", {}),
    ("connections.refresh_works", login(can_refresh=False), "false", {}),
    ("secrets.exist", with_(secrets={}), "false", {}),
    ("secrets.exist", with_(secrets={"ERP_TOKEN": SecretFact("service", "", None, False)}), "false", {}),
    ("secrets.last", with_(secrets={"ERP_TOKEN": SecretFact("service", "", NOW + DAY, True)}), "false", {}),
    ("secrets.not_in_text", with_(body=body(sop=f"{BODY['sop']}\nUse sk-{'a' * 30}.")), "false", {}),
    ("human.irreversible_gated", gate(unless={"amount": {}}), "false", {"human.expensive_gated": "false"}),
    ("human.outward_gated",
     with_(tools=SEND, used=GOOD.used | {"erp.tell"}, body=body(tools=also("tell"), gates=[NARROW])), "false", {}),
    ("human.expensive_gated",
     with_(tools=WRITE, used=GOOD.used | {"erp.refund"}, body=body(tools=also("refund"))), "false", {}),
    ("human.context_complete", gate(summary=""), "false", {}),
    ("human.escalation_defined", gate(escalation=[], on_deadline="wait"), "false", {}),
    ("human.approver_accepted", without("approver"), "false", {}),
    ("guard.volume_capped",
     with_(body=body(rules={"windows": [{}]}, tools=[{"slot": "erp", "allow": [
         {"tool": "look"}, {"tool": "pay", "values": {"to": {"allow": ["acme"]}}}]}])), "false", {}),
    ("guard.within_hours", with_(body=body(rules={"caps": [{"most": 10, "per": "day"}]})), "false", {}),
    ("guard.values_listed", with_(body=body(tools=[{"slot": "erp", "allow": [{"tool": "look"}, {"tool": "pay"}]}])),
     "false", {}),
    ("cost.within_budget", with_(expected=replace(GOOD.expected, runs_per_day=100)), "false", {}),
    ("cost.within_budget", with_(expected=replace(GOOD.expected, runs_per_day=None), busiest_day=None),
     "missing", {}),
    ("cost.latency_within_sla", with_(expected=replace(GOOD.expected, run_seconds_max=59)), "false", {}),
    ("cost.latency_within_sla", with_(expected=replace(GOOD.expected, run_seconds_max=None)), "missing", {}),
    ("cost.done_by_deadline", with_(expected=replace(GOOD.expected, done_by="06:00")), "false", {}),
    ("cost.as_expected", with_(here=[real(4, cost_usd=Decimal("0.05"))]), "false", {}),
    ("budgets.run_limit_fits", with_(body=body(limits={"cost_usd": "0.11"})), "false", {}),
    ("budgets.capped", with_(limits=[replace(GOOD.limits[0], is_hard=False)]), "false", {}),
    ("budgets.alerts", with_(limits=[LimitFact("agent", "day", "all", Decimal(0), 80, True)]), "false",
     {"cost.within_budget": "false"}),
    ("owner.named", seat("build", problem="Ann is no member any more."), "false", {}),
    ("owner.accepted", seat("build", state="asked"), "false", {}),
    ("owner.backup", without("backup"), "false", {"owner.escalation_accepted": "false"}),
    ("owner.operations", without("operations"), "false", {}),
    ("owner.escalation_accepted", without("escalation"), "false", {}),
    ("owner.last_resort", people(has_last_resort=False), "false", {}),
    ("owner.three_named", people(owners=tuple(replace(one, member_id="mem_Ann") for one in OWNERS)), "false", {}),
    ("owner.no_handover", people(handover_since=NOW - DAY), "false", {}),
    ("rollback.target_known", served(live_revision_id="rev_2", live_number=2), "missing", {}),
    ("rollback.drilled", with_(drill=None), "missing", {}),
    ("rollback.drilled", with_(drill=DrillFact(301, True, NOW - DAY)), "false", {}),
    ("rollback.drilled", with_(drill=DrillFact(30, False, NOW - DAY)), "false", {}),
    ("rollback.drilled", with_(drill=DrillFact(30, True, NOW - 91 * DAY)), "stale", {}),
    ("rollback.may_pause", people(may_pause=1), "false", {}),
    ("diff.read", with_(authors=frozenset({"mem_Ben", "mem_Ann"})), "false", {}),
    ("diff.two_people", with_(authors=frozenset[str]()), "false", {}),
    ("diff.final", with_(newest_number=3), "false", {}),
    ("shadow.days", with_(shadow=replace(GOOD.shadow, days=4)), "false", {}),
    ("expansion.on_target", widens([ON] * 3), "false", {}),
    ("expansion.on_target", widens([ON, ON, WeekFact(), ON]), "false", {}),
    ("expansion.on_target", widens([ON] * 3 + [replace(ON, failed_percent=5.1)]), "false", {}),
    ("expansion.on_target", widens([ON] * 3 + [replace(ON, needs_input_percent=31)]), "false", {}),
    ("expansion.on_target", widens([replace(ON, denied_percent=21), ON, ON, ON]), "false", {}),
    ("shadow.agreement", with_(shadow=replace(GOOD.shadow, differing=6, unjudged=6)), "false",
     {"shadow.differences_judged": "false"}),
    ("shadow.differences_judged", with_(shadow=replace(GOOD.shadow, worse=1)), "false", {}),
    ("reliability.model_outage", with_(body=body(model={"name": "openai:gpt-5"})), "false", {}),
    ("reliability.malformed_answers", with_(body=body(output_schema=None)), "false", {}),
    ("reliability.no_doubt", with_(unknown_effects=1), "false", {}),
    ("monitoring.told", people(channels=0), "false", {}),
    ("monitoring.quiet", with_(alerts=[("provider_failing", "It fails.")]), "false", {}),
    ("observability.replay", with_(runs=[replace(REPLAY, ended_at=NOW), *GOOD.runs[1:]]), "false", {}),
    ("observability.replay", with_(runs=GOOD.runs[1:]), "missing", {}),
    ("product.revision_intact", with_(is_intact=False), "false", {}),
    ("product.checks_passed", with_(findings=[Finding("unknown_secret", "error", "sop", 1, "There is none.")]),
     "false", {}),
    ("product.migrations_at_head", with_(schema=("0024", "0025")), "false", {}),
    ("product.staged", served(staged_in=()), "false", {}),
    ("product.staging_smoke", with_(runs=[REPLAY, run(4, state="failed"), *GOOD.runs[1:]]), "false", {}),
    ("product.sub_agents", with_(called=[CalledAgent("orders", False, None, "active")]), "false", {}),
    ("evaluation.golden", with_(golden=[replace(GOLDEN, verdict="not_promotable", critical_lost=1)]), "false", {}),
    ("evaluation.golden", with_(golden=[replace(GOLDEN, version=2)]), "missing", {}),
    ("evaluation.baseline", with_(golden_live=[replace(GOLDEN, every=None)]), "false", {}),
    ("evaluation.pipeline", with_(golden=[replace(GOLDEN, every=None, is_of_each_revision=False)]), "false", {}),
    ("product.memory_scope", with_(body=body(memory={"scope": "shared"}), memory_scope="person"), "false", {}),
]  # fmt: skip

AFTER: list[tuple[str, Setup, str, dict[str, str]]] = [
    ("after.first_traffic", lambda facts: replace(facts, here=facts.here[:2]), "false", {}),
    ("after.has_output", lambda facts: replace(facts, here=[replace(one, has_output=False) for one in facts.here]),
     "false", {}),
    ("after.error_rate", lambda facts: replace(facts, here=[real(6, revision_id="rev_2", state="failed"), *facts.here]),
     "false", {}),
    ("after.cost", lambda facts: replace(facts, here=[replace(one, cost_usd=Decimal("0.2")) for one in facts.here]),
     "false", {}),
    ("after.latency", lambda facts: replace(facts, here=[replace(one, ended_at=NOW) for one in facts.here]),
     "false", {}),
    ("after.queue_moves", lambda facts: replace(facts, here=[real(10, revision_id="rev_2", state="queued",
                                                                  ended_at=None), *facts.here]), "false", {}),
    ("after.answered", with_(pending=1, oldest_request_at=NOW - 5 * HOUR), "false", {}),
]  # fmt: skip


def moved(before: dict[str, str], after: dict[str, str]) -> dict[str, str]:
    return {name: status for name, status in after.items() if before[name] != status}


@pytest.mark.parametrize(("probe", "setup", "status", "beside"), CASES)
def test_one_fact_moves_exactly_its_own_item(probe: str, setup: Setup, status: str, beside: dict[str, str]):
    before = statuses(GOOD)
    assert before[probe] == "true"
    assert moved(before, statuses(setup(GOOD))) == {probe: status, **beside}


@pytest.mark.parametrize(("probe", "setup", "status", "beside"), AFTER)
def test_one_fact_of_what_serves_moves_exactly_its_own_item(
    probe: str, setup: Setup, status: str, beside: dict[str, str]
):
    before = statuses(LIVE, "after")
    assert before[probe] == "true"
    assert moved(before, statuses(setup(LIVE), "after")) == {probe: status, **beside}


def test_every_measured_item_is_moved_by_some_case():
    measured = {probe.id for probe in PROBES if probe.kind == "measured"}
    told = {name for name, *_ in (*CASES, *AFTER)}
    always = {probe.id for probe in PROBES if probe.fix == "Nothing is to be done."}
    assert measured - told == always
    assert all(statuses(GOOD)[name] == "true" for name in always)


def test_what_no_machine_can_tell_is_missing_until_somebody_says_so():
    said = statuses(GOOD)
    for probe in PROBES:
        if probe.kind != "measured" and probe.phase == "before":
            assert said[probe.id] == "missing", probe.id


def test_what_is_not_yet_measured_warns_and_says_so():
    results = {one.probe: one for one in evidence(GOOD).results}
    unmeasured = [probe.id for probe in PROBES if probe.kind == "unmeasured"]
    assert "evaluation.scorecard" in unmeasured
    assert {results[name].severity for name in unmeasured} == {"warn"}
    assert {results[name].measured for name in unmeasured} == {"Not yet measured."}


def test_what_was_measured_long_ago_is_stale_and_blocks_as_if_it_were_not_there():
    facts = replace(GOOD, runs=tried_at(NOW - 31 * DAY))
    result = next(one for one in evidence(facts).results if one.probe == "testing.end_to_end")
    assert (result.status, result.severity) == ("stale", "block")
    assert "older than 30 days" in result.measured
    assert "testing.end_to_end" in [one.probe for one in evidence(facts).blockers]


def test_names_are_told_as_they_are_written():
    facts = replace(GOOD, secrets={"ERP_TOKEN": SecretFact("service", "", None, False)})
    result = next(one for one in evidence(facts).results if one.probe == "secrets.exist")
    assert result.measured == "Not granted to the agent: ERP_TOKEN."


@pytest.mark.parametrize("trial", [{"mode": "sandbox"}, {"origin": "production"}])
def test_what_was_tried_before_or_elsewhere_is_what_real_runs_are_compared_with(trial: dict[str, str]):
    facts = replace(LIVE, runs=[run(number, **trial) for number in (1, 2)])
    found = {one.probe: one for one in evidence(facts, "after").results}
    assert (found["after.cost"].status, found["after.cost"].measured) == ("true", "$0.1 a run against $0.1 in tests.")
    # A simulated call takes no time, so a sandbox says nothing about that.
    assert found["after.latency"].status == ("missing" if "mode" in trial else "true")


def test_real_runs_are_not_compared_with_themselves():
    said = statuses(replace(LIVE, runs=LIVE.since_live), "after")
    assert {said[name] for name in ("after.cost", "after.latency")} == {"missing"}


def blocking(facts: ProbeFacts) -> set[str]:
    found: Evidence = evidence(facts)
    return {one.probe for one in found.results if one.severity == "block"}


def test_a_small_agent_is_blocked_by_safety_and_by_what_always_holds_only():
    safety = {probe.id for probe in PROBES if probe.is_safety}
    low = blocking(replace(GOOD, tier="low"))
    assert safety <= low
    # What blocks beside is held by the product, kept by what was there before, or asked for by a golden dataset.
    kept = {"product.migrations_at_head", "product.sub_agents", "product.memory_scope", "evaluation.golden"}
    assert low - safety - kept == {
        probe.id for probe in PROBES if probe.fix == "Nothing is to be done." and probe.phase == "before"
    }


def test_each_tier_asks_all_that_the_one_below_asks_and_more():
    low, medium, high, critical = (blocking(replace(GOOD, tier=tier)) for tier in ("low", "medium", "high", "critical"))
    assert low < medium < high < critical
    assert {"connections.bound", "connections.not_broken"} == medium - low
    assert {"testing.end_to_end", "owner.accepted", "rollback.target_known", "secrets.exist"} <= high - medium
    assert {"rollback.drilled", "cost.within_budget", "diff.read"} <= high - medium
    assert {"shadow.days", "diff.two_people"} <= critical - high


@pytest.mark.parametrize(("state", "severity"), [(None, "warn"), ("requested", "warn"), ("gated", "block"),
                                                 ("shadow", "block"), ("canary", "block")])  # fmt: skip
def test_what_a_release_gathers_on_its_way_does_not_keep_it_from_being_asked_for(state: str | None, severity: str):
    found = {one.probe: one.severity for one in evidence(replace(GOOD, release_state=state)).results}
    gathered = {probe.id for probe in PROBES if probe.is_gathered}
    assert gathered == {"diff.read", "diff.two_people", "shadow.days", "shadow.agreement", "shadow.differences_judged"}
    assert {found[name] for name in gathered} == {severity}


def test_outside_production_only_safety_and_connections_block_and_a_gate_may_be_tried():
    staging = replace(GOOD, is_production=False, environment="staging")
    safety = {probe.id for probe in PROBES if probe.is_safety}
    bound = {"connections.bound", "connections.not_broken"}
    assert blocking(staging) == safety - {"human.irreversible_gated"} | bound


def test_every_result_says_what_was_measured_what_was_wanted_and_who_asks():
    for result in (*evidence(GOOD).results, *evidence(LIVE, "after").results):
        assert result.measured, result.probe
        assert "{" not in result.wanted + "".join(result.links), result.probe
        assert "line" in result.source, result.probe
        assert result.title == BY_ID[result.probe].title


def test_what_widens_may_go_once_four_weeks_are_on_target():
    def told(weeks: list[WeekFact], **targets: float) -> tuple[str, str]:
        facts = replace(widens(weeks)(GOOD), targets=Targets(**targets))
        found = next(one for one in evidence(facts).results if one.probe == "expansion.on_target")
        return found.status, found.measured

    assert told([ON] * 4) == ("true", "It widens: it may act with erp.pay. On target for 4 weeks in a row.")
    assert told([ON] * 4, cost_usd=0.5)[0] == "false"
    assert "the week 1 before: nothing ran" in told([ON, WeekFact(), ON, ON])[1]


def test_a_first_release_has_a_way_back_that_is_a_pause():
    facts = replace(GOOD, served=replace(GOOD.served, live_revision_id=None, live_number=None, live_at=None))
    result = next(one for one in evidence(facts).results if one.probe == "rollback.target_known")
    assert (result.status, "pause" in result.measured) == ("true", True)


def test_an_agent_without_tools_and_gates_needs_neither():
    bare = replace(GOOD, body=body(tools=[], gates=[], secrets=[], sop="Answer."), bindings={}, tools={}, secrets={},
                   answers=[], tier="low")  # fmt: skip
    said = statuses(bare)
    assert {said[name] for name in ("connections.bound", "human.irreversible_gated", "testing.gates_exercised",
                                    "secrets.exist", "guard.volume_capped")} == {"true"}  # fmt: skip
    assert evidence(bare).blockers == ()


def test_seats_of_owners_are_told_by_name():
    facts = seat("build", name="Zoe")(GOOD)
    assert "Zoe" in next(one.measured for one in evidence(facts).results if one.probe == "owner.named")
    assert owner("build", "Zoe").name == "Zoe"


def test_a_stranger_answer_of_a_gate_counts_for_no_other_gate():
    facts = replace(GOOD, answers=[*GOOD.answers, GateAnswer("ghost", "denied", "failed", NOW)])
    assert statuses(facts)["testing.gates_exercised"] == "true"


def test_nothing_is_asked_of_the_shadow_but_where_it_was():
    assert statuses(replace(GOOD, shadow=ShadowFact()))["shadow.days"] == "missing"


def test_without_anything_expected_nothing_is_due_by_an_hour():
    assert statuses(replace(GOOD, expected=Expected()))["cost.done_by_deadline"] == "true"
