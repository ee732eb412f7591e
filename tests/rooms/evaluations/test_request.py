"""Asking for an evaluation, and calling it off: what it compares is fixed when it is asked for."""

from __future__ import annotations

from decimal import Decimal

import pytest
from sqlalchemy import select, update

from signoff.evaluations.actions import BEGIN, add_evaluator, archive_dataset, cancel_evaluation, change_evaluator
from signoff.evaluations.queries import evaluators_of
from signoff.evaluations.results import evaluation, evaluations_page
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.tables.deployments import LiveRevision
from signoff.tables.record import OutboxMessage
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import person, place
from tests.rooms.evaluations.kit_evaluations import Desk, desk


@pytest.fixture
def at(store: Store) -> Desk:
    made = desk(store)
    made.fill(2)
    return made


def test_what_serves_when_it_is_asked_for_stays_the_baseline(at: Desk) -> None:
    asked = at.ask(2)
    with at.store.write() as session:
        session.execute(
            update(LiveRevision)
            .where(LiveRevision.agent_id == at.world.agent_id)
            .values(revision_id=at.world.revisions[2])
        )
    with at.store.read() as session:
        found = evaluation(session, at.world.ann, asked).facts
    assert (found.revision_number, found.baseline_number) == (2, 1)
    assert (found.state, found.examples, found.done, found.dataset_version) == ("pending", 2, 0, 1)


def test_a_message_begins_it_in_the_same_transaction(at: Desk) -> None:
    asked = at.ask(2)
    with at.store.read() as session:
        told = session.scalars(select(OutboxMessage.payload).where(OutboxMessage.kind == BEGIN)).all()
    assert told == [{"evaluation": asked}]


def test_without_a_revision_what_serves_is_measured_again(at: Desk) -> None:
    asked = at.ask(None)
    with at.store.read() as session:
        found = evaluation(session, at.world.ann, asked).facts
    assert found.is_of_what_serves
    assert found.revision_number == 1


def test_the_evaluators_of_the_moment_are_kept(at: Desk) -> None:
    with at.store.write() as session:
        made = add_evaluator(session, at.world.ann, at.world.agent_id, name="Total", kind="equals", settings={})
    asked = at.ask(2)
    with at.store.write() as session:
        change_evaluator(session, at.world.ann, made, weight=Decimal(9))
    with at.store.read() as session:
        kept = evaluation(session, at.world.ann, asked).evaluators
    assert [(one["id"], Decimal(one["weight"])) for one in kept] == [(made, Decimal(1))]


def test_shares_of_evaluators_are_ratios(at: Desk) -> None:
    with at.store.write() as session:
        for name, weight in (("One", 1), ("Three", 3)):
            add_evaluator(
                session, at.world.ann, at.world.agent_id, name=name, kind="equals", settings={}, weight=Decimal(weight)
            )
    with at.store.read() as session:
        assert [one.share for one in evaluators_of(session, at.world.ann, at.world.agent_id)] == [0.25, 0.75]


def test_an_evaluator_whose_settings_are_wrong_is_refused_in_words(at: Desk) -> None:
    with at.store.write() as session, pytest.raises(Malformed) as refused:
        add_evaluator(session, at.world.ann, at.world.agent_id, name="Bad", kind="field", settings={"path": 3})
    assert any(name.startswith("settings.path") for name in refused.value.errors)


def test_an_empty_or_archived_dataset_is_not_evaluated(store: Store) -> None:
    at = desk(store)
    with pytest.raises(NotNow, match="no examples"):
        at.ask(2)
    at.fill(1)
    at.do(archive_dataset)
    with pytest.raises(NotNow, match="archived"):
        at.ask(2)


def test_more_than_a_few_at_once_are_refused(at: Desk) -> None:
    for _ in range(5):
        at.ask(2)
    with pytest.raises(NotNow, match="under way"):
        at.ask(2)


def test_a_cap_of_nothing_is_refused(at: Desk) -> None:
    with pytest.raises(Malformed):
        at.ask(2, cap_usd=Decimal(0))


def test_one_that_is_over_is_not_called_off_again(at: Desk) -> None:
    asked = at.ask(2)
    with at.store.write() as session:
        cancel_evaluation(session, at.world.ann, asked)
    with at.store.read() as session:
        assert evaluation(session, at.world.ann, asked).facts.state == "cancelled"
    with at.store.write() as session, pytest.raises(NotNow) as refused:
        cancel_evaluation(session, at.world.ann, asked)
    assert refused.value.code == "evaluation_over"


def test_a_member_evaluates_nothing_and_a_stranger_finds_nothing(at: Desk) -> None:
    mia = person(at.store, at.world.at, "Mia", "member")
    with pytest.raises(NotAllowed):
        at.ask(2, who=mia)
    asked = at.ask(2)
    far = person(at.store, place(at.store, "globex"), "Greta")
    with at.store.read() as session:
        with pytest.raises(NotFound):
            evaluation(session, far, asked)
        assert evaluations_page(session, far).rows == []
        assert [one.id for one in evaluations_page(session, mia, agent=at.world.agent_id).rows] == [asked]
