"""A person's word in the place of a measurement: given, heard, lapsed, taken back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from signoff.deployments.actions import freeze_and_serve_first
from signoff.kit import clock
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.access import Principal
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from signoff.watch.probes.evaluate import evaluate
from signoff.watch.probes.evidence import ProbeResult
from signoff.watch.probes.policies import set_policy
from signoff.watch.probes.refusals import AlreadyVouched, CannotBeVouchedFor, OwnRevision
from signoff.watch.probes.vouchings import VouchingKind, Word, take_back, vouch, vouchings_page
from tests.rooms.agents import kit_agents

DAY = timedelta(days=1)
GATE = {"name": "pay", "effects": ["irreversible"]}
TOOLS = [{"slot": "erp", "allow": [{"tool": "pay"}]}]


@dataclass(frozen=True)
class Scene:
    """An agent whose revision Ann wrote, and Mona, who manages."""

    at: kit_agents.Place
    ann: Principal
    mona: Principal
    agent: str
    revision: str


def made(store: Store, **changes: Any) -> Scene:
    at = kit_agents.place(store)
    ann, mona = kit_agents.person(store, at, "Ann"), kit_agents.person(store, at, "Mona", "manager")
    with store.write() as session:
        kit_agents.connection(session, at, "production", "erp", {"pay": kit_agents.tool("irreversible")})
    agent = kit_agents.agent(store, ann, **changes)
    with store.write() as session:
        revision = freeze_and_serve_first(session, ann, agent, reason="first").id
    return Scene(at, ann, mona, agent, revision)


@pytest.fixture
def small(store: Store) -> Scene:
    """An agent that may do nothing."""
    return made(store)


@pytest.fixture
def grave(store: Store) -> Scene:
    """An agent that may do what cannot be undone."""
    return made(store, tools=TOOLS, gates=[GATE])


def give(store: Store, scene: Scene, who: Principal, probe: str, kind: VouchingKind = "attest", **more: Any) -> str:
    days = more.pop("days", 10)
    word = Word(probe, kind, more.pop("reason", "It is so."), days, **more)
    with store.write() as session:
        return vouch(session, who, scene.agent, environment="production", word=word)


def result(store: Store, scene: Scene, probe: str, *, after: timedelta = timedelta(0)) -> ProbeResult:
    with store.read() as session:
        found = evaluate(
            session, agent_id=scene.agent, environment_id=scene.at.environments["production"],
            revision_id=scene.revision, now=clock.now() + after,
        )  # fmt: skip
    return next(one for one in found.results if one.probe == probe)


def audited(store: Store, action: str) -> list[dict[str, Any]]:
    with store.read() as session:
        return list(session.scalars(select(AuditRow.detail).where(AuditRow.action == action)))


def test_an_attestation_stands_with_name_role_and_reason_until_it_lapses(store: Store, small: Scene):
    assert result(store, small, "owner.runbook").status == "missing"
    give(store, small, small.mona, "owner.runbook", link="https://wiki.example.com/clerk")
    said = result(store, small, "owner.runbook")
    assert said.status == "attested"
    assert said.measured.startswith("Mona (manager) said so until")
    assert result(store, small, "owner.runbook", after=9 * DAY).status == "attested"
    lapsed = result(store, small, "owner.runbook", after=11 * DAY)
    assert (lapsed.status, "lapsed" in lapsed.measured) == ("stale", True)
    assert [one["role"] for one in audited(store, "vouching.given")] == ["manager"]


def test_the_owner_vouches_in_that_role(store: Store, small: Scene):
    give(store, small, small.ann, "owner.runbook")
    assert "Ann (owner of the agent, owner)" in result(store, small, "owner.runbook").measured


def test_a_waiver_lets_pass_what_is_not_so_and_says_nothing_of_what_is(store: Store, grave: Scene):
    assert result(store, grave, "testing.end_to_end").is_blocking
    give(store, grave, grave.mona, "testing.end_to_end", "waive", reason="Tried by hand.")
    waived = result(store, grave, "testing.end_to_end")
    assert (waived.status, waived.is_blocking) == ("waived", False)
    assert "Tried by hand." in waived.measured
    assert result(store, grave, "testing.end_to_end", after=11 * DAY).is_blocking
    give(store, grave, grave.mona, "owner.named", "waive")
    assert result(store, grave, "owner.named").status == "true"


@pytest.mark.parametrize(
    ("probe", "kind", "code"),
    [
        ("product.revision_intact", "waive", "safety_probe"),
        ("human.irreversible_gated", "waive", "safety_probe"),
        ("connections.bound", "attest", "measured_probe"),
        ("testing.end_to_end", "attest", "measured_probe"),
    ],
)
def test_nobodys_word_stands_for_safety_or_for_a_measurement(
    store: Store, small: Scene, probe: str, kind: VouchingKind, code: str
):
    with pytest.raises(CannotBeVouchedFor) as refused:
        give(store, small, small.ann, probe, kind)
    assert refused.value.code == code


def test_whoever_wrote_a_grave_revision_does_not_vouch_for_it(store: Store, grave: Scene):
    with pytest.raises(OwnRevision):
        give(store, grave, grave.ann, "owner.runbook", revision=1)
    give(store, grave, grave.mona, "owner.runbook", revision=1)
    assert result(store, grave, "owner.runbook").status == "attested"


def test_a_word_of_the_author_for_any_revision_is_not_heard_of_a_grave_one(store: Store, grave: Scene):
    give(store, grave, grave.ann, "owner.runbook")
    assert result(store, grave, "owner.runbook").status == "missing"


def test_the_author_of_a_small_revision_may(store: Store, small: Scene):
    give(store, small, small.ann, "owner.runbook", revision=1)
    assert result(store, small, "owner.runbook").status == "attested"


def test_a_word_for_one_revision_says_nothing_of_another(store: Store, small: Scene):
    give(store, small, small.mona, "owner.runbook", revision=1)
    from signoff.agents.actions import freeze_revision, save_draft
    from signoff.agents.queries import draft_of

    with store.write() as session:
        draft = draft_of(session, small.ann, small.agent)
        save_draft(session, small.ann, small.agent, body={**draft.body, "sop": "Else."}, version=draft.version)
        second = freeze_revision(session, small.ann, small.agent, reason="r").id
    newer = Scene(small.at, small.ann, small.mona, small.agent, second)
    assert result(store, newer, "owner.runbook").status == "missing"


def test_one_word_stands_at_a_time_and_a_lapsed_one_makes_room(
    store: Store, small: Scene, monkeypatch: pytest.MonkeyPatch
):
    give(store, small, small.mona, "owner.runbook")
    with pytest.raises(AlreadyVouched, match="Mona vouched"):
        give(store, small, small.ann, "owner.runbook")
    later = clock.now() + 11 * DAY
    monkeypatch.setattr(clock, "now", lambda: later)
    give(store, small, small.ann, "owner.runbook")
    with store.read() as session:
        page = vouchings_page(session, small.ann, small.agent).rows
    assert [one.by_name for one in page] == ["Ann", "Mona"]


def test_a_word_that_is_taken_back_stands_no_more(store: Store, small: Scene):
    word = give(store, small, small.mona, "owner.runbook")
    with store.write() as session:
        take_back(session, small.ann, word)
    assert result(store, small, "owner.runbook").status == "missing"
    assert [one["probe"] for one in audited(store, "vouching.taken_back")] == ["owner.runbook"]
    with pytest.raises(NotNow) as refused, store.write() as session:
        take_back(session, small.ann, word)
    assert refused.value.code == "vouching_over"
    give(store, small, small.mona, "owner.runbook")
    assert result(store, small, "owner.runbook").status == "attested"


def test_a_word_lapses_and_carries_no_script(store: Store, small: Scene):
    with pytest.raises(Malformed, match="between 1 and 30"):
        give(store, small, small.mona, "testing.end_to_end", "waive", days=31)
    with pytest.raises(Malformed, match="between 1 and 180"):
        give(store, small, small.mona, "owner.runbook", days=181)
    for link in ("javascript:alert(1)", "//x", "https://", "ftp://x/y"):
        with pytest.raises(Malformed, match="link"):
            give(store, small, small.mona, "owner.runbook", link=link)


def test_an_item_of_the_workspaces_own_lapses_as_it_says(store: Store, small: Scene):
    text = "version: 1\nattestations: [{id: dpo, title: t, wanted: w, lapse_days: 5, block_from: low, reason: r}]"
    with store.write() as session:
        set_policy(session, small.ann, text, reason="r", expected=0)
    assert result(store, small, "own.dpo").is_blocking
    with pytest.raises(Malformed, match="between 1 and 5"):
        give(store, small, small.mona, "own.dpo", days=6)
    give(store, small, small.mona, "own.dpo", days=5)
    assert result(store, small, "own.dpo").status == "attested"
    assert result(store, small, "own.dpo", after=6 * DAY).is_blocking


def test_who_may_not_vouch_is_told_and_a_stranger_finds_nothing(store: Store, small: Scene):
    bob = kit_agents.person(store, small.at, "Bob", "builder")
    word = give(store, small, small.mona, "owner.runbook")
    with pytest.raises(NotAllowed):
        give(store, small, bob, "owner.operators_onboarded")
    with pytest.raises(NotAllowed), store.write() as session:
        take_back(session, bob, word)
    charlie = kit_agents.person(store, kit_agents.place(store, "other"), "Charlie")
    with pytest.raises(NotFound):
        give(store, small, charlie, "owner.operators_onboarded")
    with pytest.raises(NotFound), store.write() as session:
        take_back(session, charlie, word)
    with pytest.raises(NotFound, match="no such item"):
        give(store, small, small.ann, "owner.nothing")
