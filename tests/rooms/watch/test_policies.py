"""The policy file of a workspace: what it may say, what holds then, and who changed it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from signoff.kit.errors import Malformed, NotAllowed
from signoff.people.access import Principal
from signoff.tables.probes import ProbePolicy
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from signoff.watch.probes.evaluate import judged
from signoff.watch.probes.evidence import ProbeResult
from signoff.watch.probes.policies import policy_changes, policy_versions, present_policy, set_policy, try_policy
from signoff.watch.probes.policy import DEFAULT, default_policy, policy_of, read_policy
from signoff.watch.probes.refusals import PolicyChanged
from signoff.watch.probes.registry import BY_ID
from tests.rooms.agents import kit_agents
from tests.rooms.watch.kit_probes import GOOD

RELAXED = """
version: 1
probes:
  testing.end_to_end: {threshold: 2, reason: "Each of our tests has a hundred bills in it."}
"""
OWN = """
version: 1
attestations:
  - {id: dpo, title: The data protection officer agreed, group: Privacy, wanted: A word of the officer., lapse_days: 30,
     block_from: low, reason: Our law.}
"""


def results(text: str, **changes: Any) -> dict[str, ProbeResult]:
    found = judged(replace(GOOD, **changes), policy_of(read_policy(text)), {}).results
    return {one.probe: one for one in found}


def wrong(text: str) -> dict[str, Any]:
    with pytest.raises(Malformed) as refused:
        policy_of(read_policy(text))
    return refused.value.errors


def test_the_shipped_policy_has_a_rule_with_its_reason_for_every_probe():
    rules = default_policy().rules
    assert set(rules) == set(BY_ID)
    assert [name for name, rule in rules.items() if not rule.reason] == []
    wrongly = [
        name for name, rule in rules.items() if (rule.threshold is None) != ("{threshold}" not in BY_ID[name].wanted)
    ]
    assert wrongly == []
    assert [name for name, rule in rules.items() if (rule.threshold is None) != (BY_ID[name].tighter is None)] == []


def test_safety_blocks_in_every_tier_of_the_shipped_policy():
    safety = [probe.id for probe in BY_ID.values() if probe.is_safety]
    assert {default_policy().rules[name].block_from for name in safety} == {"low"}
    assert {"human.irreversible_gated", "product.revision_intact"} <= set(safety)


def test_a_probe_is_tightened_without_a_word_and_relaxed_with_a_reason():
    runs = GOOD.runs[:3]  # A replay and two completed runs.
    assert results("version: 1", runs=runs)["testing.end_to_end"].status == "false"
    relaxed = results(RELAXED, runs=runs)["testing.end_to_end"]
    assert (relaxed.status, "2 runs" in relaxed.wanted) == ("true", True)
    tight = "version: 1\nprobes: {testing.end_to_end: {threshold: 5, fresh_days: 1, block_from: low}}"
    assert results(tight)["testing.end_to_end"].status == "false"
    assert results(tight, tier="low")["testing.end_to_end"].severity == "block"


@pytest.mark.parametrize(
    "said",
    ["threshold: 2", "fresh_days: 31", "block_from: critical", "block_from: never"],
)
def test_what_asks_less_needs_a_reason(said: str):
    errors = wrong(f"version: 1\nprobes: {{testing.end_to_end: {{{said}}}}}")
    assert list(errors) == ["probes.testing.end_to_end"]
    assert "Say why" in errors["probes.testing.end_to_end"][0]
    assert results(f"version: 1\nprobes: {{testing.end_to_end: {{{said}, reason: r}}}}")


def test_a_bar_that_is_tighter_when_lower_is_relaxed_by_raising_it():
    assert wrong("version: 1\nprobes: {rollback.drilled: {threshold: 10}}")
    assert results("version: 1\nprobes: {rollback.drilled: {threshold: 1}}")["rollback.drilled"].status == "true"


@pytest.mark.parametrize("blanks", ["' '", '"\\t  \\n"', '"\\u3000"'])
def test_a_reason_of_blanks_is_none(blanks: str):
    for said in (
        f"probes:\n  cost.within_budget: {{block_from: never, reason: {blanks}}}",
        f"reviewers:\n  critical: {{people: 0, reason: {blanks}}}",
        f"vouching: {{waiver_days_max: 200, reason: {blanks}}}",
        f"attestations:\n  - {{id: own, title: {blanks}, wanted: W, block_from: low, reason: R}}",
    ):
        with pytest.raises(Malformed):
            read_policy(f"version: 1\n{said}")


def test_safety_is_not_relaxed_with_any_reason():
    errors = wrong("version: 1\nprobes: {product.revision_intact: {block_from: high, reason: we are brave}}")
    assert "safety" in errors["probes.product.revision_intact"][0]
    assert wrong("version: 1\nprobes: {product.revision_intact: {elsewhere: false, reason: it is only staging}}")
    tighter = results("version: 1\nprobes: {human.irreversible_gated: {elsewhere: true}}", is_production=False)
    assert tighter["human.irreversible_gated"].severity == "block"


def test_a_workspace_adds_an_item_that_a_person_attests():
    item = results(OWN, tier="low")["own.dpo"]
    assert (item.status, item.severity, item.group) == ("missing", "block", "Privacy")
    assert policy_of(read_policy(OWN)).lapse_days == {"own.dpo": 30}
    doubled = OWN + "  - {id: dpo, title: t, wanted: w, reason: r}\n"
    assert "attestations.dpo" in wrong(doubled)


def test_what_is_expected_of_an_agent_is_kept_by_its_slug():
    text = "version: 1\nexpected: {clerk: {runs_per_day: 7, run_seconds_max: 60, starts_at: '06:00', done_by: '08:00'}}"
    assert policy_of(read_policy(text)).expected["clerk"].runs_per_day == 7
    assert "expected.clerk.done_by" in wrong("version: 1\nexpected: {clerk: {done_by: '25:00'}}")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("version: 2", "version"),
        ("version: 1\nprobes: {testing.nothing: {threshold: 1}}", "probes.testing.nothing"),
        ("version: 1\nprobes: {testing.end_to_end: {treshold: 1}}", "probes.testing.end_to_end.treshold"),
        ("version: 1\nprobes: {testing.end_to_end: {threshold: '3'}}", "probes.testing.end_to_end.threshold"),
        ("version: 1\nprobes: {owner.named: {threshold: 3}}", "probes.owner.named"),
        ("version: 1\nprobes: {owner.named: {fresh_days: 3}}", "probes.owner.named"),
        ("version: 1\nversion: 1", "line 2"),
        ("version: 1\nextra: 1", "extra"),
        ("[1, 2]", "policy"),
        ("!!python/object:os.system {}", "line 1"),
        ("", "policy"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, where: str):
    assert where in wrong(text)


def test_what_is_wrong_is_said_plainly_with_what_to_write_and_its_line():
    items = "probes:\n  testing.end_to_end: {threshold: many, treshold: 1}"
    text = f"version: 1\n{items}\nexpected:\n  books: {{runs_per_day: true}}"
    known = "block_from, elsewhere, threshold, fresh_days, reason"
    assert wrong(text) == {
        "probes.testing.end_to_end.threshold": ["It is “many”. Write a number. (Line 3.)"],
        "probes.testing.end_to_end.treshold": [
            f"There is no such field. Did you mean threshold? Take one of {known}, or leave it out. (Line 3.)"
        ],
        "expected.books.runs_per_day": ["It is true. Write a whole number, without quotes. (Line 5.)"],
    }


def test_a_text_without_end_is_refused_before_it_is_read():
    with pytest.raises(Malformed) as refused:
        read_policy("version: 1\n" + "#" * 70_000)
    assert refused.value.code == "too_large"


def audited(store: Store) -> list[dict[str, Any]]:
    with store.read() as session:
        return list(session.scalars(select(AuditRow.detail).where(AuditRow.action == "probe_policy.set")))


@pytest.fixture
def ann(store: Store) -> Principal:
    return kit_agents.person(store, kit_agents.place(store), "Ann")


def test_a_workspace_without_a_policy_has_the_shipped_one(store: Store, ann: Principal):
    with store.read() as session:
        found = present_policy(session, ann)
    assert (found.version, found.text) == (0, DEFAULT.read_text())
    assert found.digest == default_policy().digest


def test_a_policy_is_tried_set_and_kept_with_its_reason(store: Store, ann: Principal):
    with store.read() as session:
        tried = try_policy(session, ann, RELAXED)
    assert tried.version is None
    assert [(one.path, one.kind) for one in tried.changes] == [("probes.testing.end_to_end", "relaxed")]
    with store.write() as session:
        done = set_policy(session, ann, RELAXED, reason="our tests", expected=0)
    assert (done.version, done.digest) == (1, tried.digest)
    with store.write() as session:
        again = set_policy(session, ann, "version: 1", reason="back", expected=1)
    assert [(one.path, one.kind) for one in again.changes] == [("probes.testing.end_to_end", "tightened")]
    with store.read() as session:
        kept = policy_versions(session, ann).rows
        assert [(one.version, one.reason, one.author_name) for one in kept] == [
            (2, "back", "Ann"),
            (1, "our tests", "Ann"),
        ]
        assert present_policy(session, ann).version == 2
    told = audited(store)
    assert [(one["version"], one["reason"]) for one in told] == [(1, "our tests"), (2, "back")]
    assert told[0]["changes"] == [{"path": "probes.testing.end_to_end", "kind": "relaxed"}]


LONGER = "version: 1\nvouching: {waiver_days_max: 366}"


def test_to_vouch_for_longer_than_shipped_takes_a_reason(store: Store, ann: Principal):
    with pytest.raises(Malformed) as refused, store.write() as session:
        set_policy(session, ann, LONGER, reason="r", expected=0)
    assert list(refused.value.errors or {}) == ["vouching"]
    said = LONGER.replace("366", '366, reason: "One audit a year."')
    with store.write() as session:
        done = set_policy(session, ann, said, reason="r", expected=0)
    assert [(one.path, one.kind) for one in done.changes] == [("vouching", "relaxed")]
    with store.write() as session:
        back = set_policy(session, ann, "version: 1\nvouching: {waiver_days_max: 7}", reason="r", expected=1)
    assert [(one.path, one.kind) for one in back.changes] == [("vouching", "changed")]


def test_a_file_set_before_that_was_asked_still_holds():
    assert policy_of(read_policy(LONGER)).waiver_days_max == 366


def test_fewer_signatures_are_told_as_relaxed():
    fewer = policy_of(read_policy('version: 1\nreviewers: {critical: {people: 1, reason: "Two of us in all."}}'))
    assert [(one.path, one.kind) for one in policy_changes(default_policy(), fewer)] == [("reviewers", "relaxed")]


def test_of_two_who_looked_at_the_same_policy_one_sets_another(store: Store, ann: Principal):
    with store.write() as session:
        set_policy(session, ann, RELAXED, reason="first", expected=0)
    with pytest.raises(PolicyChanged) as refused, store.write() as session:
        set_policy(session, ann, OWN, reason="second", expected=0)
    assert refused.value.extra["by"] == "Ann"
    with store.read() as session:
        assert session.scalars(select(ProbePolicy.version)).all() == [1]


def test_the_same_policy_again_is_refused_and_nothing_is_written(store: Store, ann: Principal):
    with pytest.raises(Malformed) as refused, store.write() as session:
        set_policy(session, ann, "version: 1", reason="r", expected=0)
    assert refused.value.code == "same_policy"
    assert audited(store) == []


def test_a_manager_may_not_say_what_is_asked(store: Store):
    at = kit_agents.place(store)
    mona = kit_agents.person(store, at, "Mona", "manager")
    with pytest.raises(NotAllowed), store.write() as session:
        set_policy(session, mona, RELAXED, reason="r", expected=0)
    with pytest.raises(NotAllowed), store.read() as session:
        try_policy(session, mona, RELAXED)


def test_the_digest_names_all_that_holds(store: Store):
    digests = {policy_of(read_policy(text)).digest for text in ("version: 1", RELAXED, OWN)}
    assert len(digests) == 3
    assert policy_of(read_policy("version: 1")).digest == default_policy().digest


def test_holding_an_agent_to_be_less_risky_than_before_is_told_as_relaxed():
    def told(before: str, after: str) -> list[tuple[str, str]]:
        texts = (f"version: 1\nexpected: {{mail: {{{one}}}}}\n" for one in (before, after))
        old, new = (policy_of(read_policy(one)) for one in texts)
        return [(one.path, one.kind) for one in policy_changes(old, new)]

    assert told("risk_tier: high", "risk_tier: medium") == [("expected", "relaxed")]
    assert told("risk_tier: high", "runs_per_day: 3") == [("expected", "relaxed")]
    assert told("risk_tier: medium", "risk_tier: high") == [("expected", "changed")]
