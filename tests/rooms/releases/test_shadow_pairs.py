"""Pairs as people meet them: the list, one whole, the judgement that stands, how far they agree, on how many days."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.access import Principal
from signoff.people.roles import Role
from signoff.releases.comparison import compare
from signoff.releases.shadow import PairFilter, agreement, judge_pair, pair, pairs_page, shadow_days, shadow_finding
from signoff.releases.shadow.judges import LONELY
from signoff.tables.agents import Agent, Revision
from signoff.tables.people import Environment
from signoff.tables.record import AuditRow
from signoff.tables.releases import Release, ShadowPair
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import Place, person
from tests.rooms.kit_workspace import Rows, make_rows

ALICE: tuple[Role, str] = ("administrator", "Alice")
BOB: tuple[Role, str] = ("administrator", "Bob")


def released(store: Store, at: Rows, **shadow: Any) -> str:
    moment = clock.now()
    with store.write() as session:
        run = session.get_one(Run, at.run_id)
        release = Release(
            id=ids.new_id("rel"), workspace_id=at.workspace_id, agent_id=at.agent_id,
            environment_id=run.environment_id, revision_id=run.revision_id, state="shadow", state_since=moment,
            strategy={"shadow": shadow}, tier="low", reason="", requested_by="mem_x", requested_by_name="X",
            requested_at=moment,
        )  # fmt: skip
        session.add(release)
        return release.id


def paired(store: Store, at: Rows, release_id: str, *, run_id: str | None = None, **more: Any) -> str:
    """Make a run that was answered, and its pair; return the run's id."""
    moment = clock.now()
    with store.write() as session:
        first = session.get_one(Run, at.run_id)
        kept = {column.name: getattr(first, column.name) for column in Run.__table__.columns}
        run = Run(**{**kept, "id": run_id or ids.new_id("run"), "state": "completed", "output": {"total": 1}})
        session.add(run)
        session.flush()
        values: dict[str, Any] = {"state": "compared", "is_equal": True, "compared_at": moment, **more}
        session.add(
            ShadowPair(
                release_id=release_id, run_id=run.id, workspace_id=at.workspace_id, made_at=moment, **values
            )
        )  # fmt: skip
        return run.id


def test_pairs_are_listed_newest_first_and_by_what_they_are(store: Store):
    at = make_rows(store)
    who = at.member(*ALICE)
    release = released(store, at)
    equal = [paired(store, at, release) for _ in range(3)]
    other = paired(store, at, release, is_equal=False, differences={"named": ["output total"]})
    skipped = paired(store, at, release, state="skipped", is_equal=None, reason="The agent is paused.")
    with store.write() as session:
        judge_pair(session, who, release, other, "worse")
    with store.read() as session:

        def shown(wanted: PairFilter | None = None, **more: Any) -> list[str]:
            return [row.run_id for row in pairs_page(session, who, release, wanted, **more).rows]

        assert shown() == sorted([*equal, other, skipped], reverse=True)
        assert shown(PairFilter(is_equal=False)) == [other]
        assert shown(PairFilter(state="skipped")) == [skipped]
        assert shown(PairFilter(is_judged=True)) == [other]
        assert shown(PairFilter(state="compared", is_judged=False)) == sorted(equal, reverse=True)
        first = pairs_page(session, who, release, size=2)
        rest = pairs_page(session, who, release, cursor=first.next_cursor)
        assert [row.run_id for row in [*first.rows, *rest.rows]] == shown()
        (row,) = pairs_page(session, who, release, PairFilter(is_equal=False)).rows
        assert (row.named, row.judgement, row.judged_by_name) == (("output total",), "worse", "Alice")
        whole = pair(session, who, release, other)
        assert (whole.row, whole.output, whole.shadow_state, whole.may_judge) == (row, {"total": 1}, None, True)


def test_a_judgement_stands_and_only_who_gave_it_changes_it(store: Store):
    at = make_rows(store)
    alice, bob = at.member(*ALICE), at.member(*BOB)
    release = released(store, at)
    run = paired(store, at, release)
    with store.write() as session:
        judge_pair(session, alice, release, run, "better")
    with store.write() as session, pytest.raises(NotNow) as refused:
        judge_pair(session, bob, release, run, "worse")
    assert refused.value.code == "judged_already"
    assert refused.value.extra["by"] == "Alice"
    with store.write() as session:
        judge_pair(session, alice, release, run, "same")
    with store.read() as session:
        assert pair(session, bob, release, run).row.judgement == "same"
        assert not pair(session, bob, release, run).may_judge
        rows = session.scalars(
            select(AuditRow.detail).where(AuditRow.action == "release.pair_judged").order_by(AuditRow.seq)
        ).all()
    assert [row["judgement"] for row in rows] == ["better", "same"]


def test_what_is_not_compared_or_not_there_is_not_judged(store: Store):
    at = make_rows(store)
    who = at.member(*ALICE)
    release = released(store, at)
    running = paired(store, at, release, state="running", is_equal=None, compared_at=None)
    with store.write() as session:
        with pytest.raises(NotNow, match="running"):
            judge_pair(session, who, release, running, "same")
        with pytest.raises(NotFound):
            judge_pair(session, who, release, "run_none", "same")
        with pytest.raises(Malformed):
            judge_pair(session, who, release, running, "great")  # pyright: ignore[reportArgumentType]


def test_pairs_show_what_runs_answered_so_only_who_may_see_those(store: Store):
    at, elsewhere = make_rows(store), make_rows(store)
    release = released(store, at)
    run = paired(store, at, release)
    member, viewer, stranger = at.member("member", "Mo"), at.member("viewer", "Vi"), elsewhere.member(*ALICE)
    keeper = Principal("key", "key_1", "K", at.workspace_id, "administrator", environment_id="env_other")
    owner = person(store, Place(at.workspace_id, {}), "Olga", "builder")
    with store.write() as session:
        session.get_one(Agent, at.agent_id).owner_id = owner.id
    with store.write() as session:
        with pytest.raises(NotAllowed):
            pairs_page(session, member, release)
        for who in (stranger, keeper):
            with pytest.raises(NotFound):
                pair(session, who, release, run)
        assert pair(session, viewer, release, run).row.run_id == run
        with pytest.raises(NotAllowed):
            judge_pair(session, viewer, release, run, "same")
        judge_pair(session, owner, release, run, "same")
        assert agreement(session, owner, release).same == 1


def test_agreement_counts_with_its_interval(store: Store):
    at = make_rows(store)
    who = at.member(*ALICE)
    release = released(store, at)
    runs = [paired(store, at, release, is_equal=number < 6) for number in range(8)]
    paired(store, at, release, state="skipped", is_equal=None)
    with store.write() as session:
        for run, said in zip(runs, ("better", "same", "same", "worse"), strict=False):
            judge_pair(session, who, release, run, said)
        found = agreement(session, who, release)
    assert (found.compared, found.skipped, found.days) == (8, 1, 1)
    assert (found.equal.hits, found.equal.of, found.equal.rate) == (6, 8, 0.75)
    assert (found.better, found.same, found.worse, found.agrees.rate) == (1, 2, 1, 0.75)
    assert found.agrees.low < 0.75 < found.agrees.high


def test_days_are_those_of_utc_on_which_something_was_compared(store: Store):
    at = make_rows(store)
    release = released(store, at, days=3, min_pairs=4)
    start = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
    # Just before midnight, just after it, and twice two days later; between them one that was skipped.
    for minutes, state in ((0, "compared"), (2, "compared"), (1_500, "skipped"), (3_000, "compared")):
        moment = start + timedelta(minutes=minutes)
        made = f"{ids.first_at('run', moment)}{ids.new_id('x')[-16:]}"
        assert ids.moment_of(made) == moment
        paired(store, at, release, run_id=made, state=state)
    with store.read() as session:
        assert shadow_days(session, release) == 3
        assert shadow_days(session, "rel_none") == 0
        found = shadow_finding(session, session.get_one(Release, release))
    assert (found.is_done, found.reason) == (False, "The shadow goes on: 3 of 4 pairs, on 3 of 3 days.")
    assert replace(found, is_done=True).pairs == 3


def test_where_four_eyes_are_wanted_the_author_is_not_the_only_judge(store: Store):
    at = make_rows(store)
    bob = at.member(*BOB)
    release = released(store, at, days=1)
    with store.read() as session:
        author = session.get_one(Revision, session.get_one(Release, release).revision_id).author_id

    def by_author(judgement: str) -> str:
        said = {"judgement": judgement, "judged_by": author, "judged_by_name": "Author", "judged_at": clock.now()}
        return paired(store, at, release, is_equal=False, **said)

    def seen() -> tuple[tuple[int, ...], bool]:
        with store.read() as session:
            row = session.get_one(Release, release)
            found = compare(session, row, clock.now())
            (pairs,) = [one for one in found.metrics if one.name == "pairs"]
            return (pairs.candidate_runs,), LONELY in found.reason

    for judgement in ("better", "same", "worse"):
        by_author(judgement)
    assert seen() == ((3,), False)
    with store.write() as session:
        session.execute(update(Environment).values(is_four_eyes=True))
    assert seen() == ((1,), True)  # What the author calls worse counts.
    other = paired(store, at, release, is_equal=False)
    with store.write() as session:
        judge_pair(session, bob, release, other, "same")
    assert seen() == ((4,), False)
