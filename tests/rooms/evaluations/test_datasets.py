"""Datasets and their examples: every version can be told again, a run is in one once, and rights hold."""

from __future__ import annotations

import pytest

from signoff.evaluations.actions import (
    NewExample,
    add_example,
    add_examples,
    add_run_as_example,
    archive_dataset,
    change_dataset,
    change_example,
    create_dataset,
    remove_example,
)
from signoff.evaluations.limits import EXAMPLES_MAX
from signoff.evaluations.queries import datasets_of, example, examples_page
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.runs.actions import request_run
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import person, place
from tests.rooms.evaluations.kit_evaluations import Desk, desk


@pytest.fixture
def at(store: Store) -> Desk:
    return desk(store)


def test_every_version_of_a_dataset_can_be_told_again(at: Desk) -> None:
    first, second = at.fill(2)
    changed = at.do(change_example, first, {"expected": "better"})
    at.do(remove_example, second)

    assert at.facts().version == 3
    assert [one.id for one in at.examples(version=0)] == []
    assert [one.id for one in at.examples(version=1)] == [first, second]
    assert [one.id for one in at.examples(version=2)] == [second, changed]
    assert [one.id for one in at.examples()] == [changed]


def test_an_edit_keeps_what_it_does_not_name_and_says_what_it_replaces(at: Desk) -> None:
    made = at.do(
        add_example, input={"a": 1}, expected="x", is_critical=True, split="holdout", tags=["vat"], note="a month"
    )
    changed = at.do(change_example, made, {"expected": "y"})

    (now,) = at.examples()
    assert (now.id, now.replaces, now.input, now.expected) == (changed, made, {"a": 1}, "y")
    assert (now.is_critical, now.split, now.tags, now.note) == (True, "holdout", ["vat"], "a month")


def test_an_edit_that_changes_nothing_makes_no_version(at: Desk) -> None:
    (made,) = at.fill(1)
    assert at.do(change_example, made, {"expected": "answer 0"}) == made
    assert at.facts().version == 1


def test_a_run_becomes_an_example_once_with_its_input_and_output(at: Desk) -> None:
    run = at.ended_run(output={"total": 54})
    made = at.do(add_run_as_example, run, is_critical=True, note="from the field")
    again = at.do(add_run_as_example, run)

    (only,) = at.examples()
    assert made == again == only.id
    assert (only.input, only.expected, only.from_run_id) == ({"question": "six by nine"}, {"total": 54}, run)
    assert only.is_critical
    assert only.note == "from the field"


def test_a_run_that_was_taken_out_can_come_again(at: Desk) -> None:
    run = at.ended_run()
    first = at.do(add_run_as_example, run)
    at.do(remove_example, first)
    second = at.do(add_run_as_example, run)
    assert second != first
    assert [one.id for one in at.examples()] == [second]


def test_of_a_run_that_failed_nothing_is_expected(at: Desk) -> None:
    at.do(add_run_as_example, at.ended_run(output={"half": True}, state="failed"))
    assert at.examples()[0].expected is None


def test_a_run_that_is_not_over_is_no_example_yet(at: Desk) -> None:
    with at.store.write() as session:
        run = request_run(session, at.world.ann, agent=at.world.agent_id, input={})
    with pytest.raises(NotNow):
        at.do(add_run_as_example, run.id)


def test_a_member_makes_no_example_and_reads_none_of_what_others_were_answered(at: Desk) -> None:
    at.fill(1)
    mia = person(at.store, at.world.at, "Mia", "member")
    with pytest.raises(NotAllowed):
        at.do(add_example, input=1, who=mia)
    with at.store.read() as session, pytest.raises(NotAllowed):
        examples_page(session, mia, at.dataset_id)


def test_a_viewer_reads_all_and_changes_nothing(at: Desk) -> None:
    at.fill(1)
    eve = person(at.store, at.world.at, "Eve", "viewer")
    with at.store.read() as session:
        assert len(examples_page(session, eve, at.dataset_id).rows) == 1
        assert [one.examples for one in datasets_of(session, eve, at.world.agent_id)] == [1]
    with pytest.raises(NotAllowed):
        at.do(change_dataset, name="Mine", who=eve)


def test_a_stranger_sees_that_there_is_nothing(at: Desk) -> None:
    (made,) = at.fill(1)
    far = person(at.store, place(at.store, "globex"), "Greta")
    with at.store.read() as session:
        with pytest.raises(NotFound):
            examples_page(session, far, at.dataset_id)
        with pytest.raises(NotFound):
            example(session, far, at.dataset_id, made)
    with pytest.raises(NotFound):
        at.do(add_example, input=1, who=far)


def test_examples_come_all_or_none(at: Desk) -> None:
    with pytest.raises(Malformed):
        at.do(add_examples, [NewExample(1), NewExample(float("nan"))])
    assert at.facts().version == 0
    assert at.examples() == []


def test_a_full_dataset_takes_no_more(at: Desk) -> None:
    at.fill(EXAMPLES_MAX)
    with pytest.raises(NotNow, match="at most 500"):
        at.do(add_example, input=1)


def test_two_datasets_of_an_agent_have_two_slugs(at: Desk) -> None:
    with at.store.write() as session, pytest.raises(NotNow):
        create_dataset(session, at.world.ann, at.world.agent_id, name="Golden cases")


def test_an_archived_dataset_is_changed_no_more(at: Desk) -> None:
    at.do(archive_dataset)
    at.do(archive_dataset)
    with pytest.raises(NotNow):
        at.do(add_example, input=1)
    with at.store.read() as session:
        assert datasets_of(session, at.world.ann, at.world.agent_id) == []
        assert len(datasets_of(session, at.world.ann, at.world.agent_id, with_archived=True)) == 1


def test_every_change_is_in_the_audit(at: Desk) -> None:
    (made,) = at.fill(1)
    at.do(change_example, made, {"note": "see the mail"})
    at.do(change_dataset, tolerance=0.05)
    with at.store.read() as session:
        rows = session.query(AuditRow).where(AuditRow.object_id == at.dataset_id).order_by(AuditRow.seq).all()
    told = [row.action for row in rows]
    assert told == ["dataset.created", "example.added", "example.changed", "dataset.changed"]
