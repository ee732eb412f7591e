"""Whoever changes several agents holds all of them before the first row of the audit: nobody waits in a ring."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from signoff.agents.actions import edit_agent, hand_over_member, pause_agent
from signoff.agents.bundle import AgentFile, plan
from signoff.agents.lookup import agent_for
from signoff.connections.secrets import delete_secret
from signoff.deployments.bundle import apply_plan
from signoff.kit import clock
from signoff.people.access import Principal
from signoff.record import audit
from signoff.tables.connections import Secret
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from signoff.tables.stops import AgentPause
from tests.kit_locks import until_somebody_waits
from tests.rooms.agents.kit_agents import Place, agent, body, connection, person, place

Work = Callable[[Session], Any]
SLUGS = ("first", "second")


@pytest.fixture
def at(store: Store) -> Place:
    return place(store)


@pytest.fixture
def ann(store: Store, at: Place) -> Principal:
    return person(store, at, "Ann", "owner")


@pytest.fixture
def bea(store: Store, at: Place) -> Principal:
    return person(store, at, "Bea", "builder")


def beside(store: Store, held: Work, whole: Work, rest: Work) -> tuple[Any, Any]:
    """Hold something, let `whole` come as far as it can beside that, and do the rest. Returns what the two came to."""

    def other() -> Any:
        with store.write() as session:
            return whole(session)

    with ThreadPoolExecutor(1) as threads:
        with store.write() as session:
            held(session)
            done = threads.submit(other)
            until_somebody_waits(store)
            came = rest(session)
        return done.result(), came


def test_a_hand_over_of_everything_and_a_pause_of_the_last_agent_both_come_through(
    store: Store, at: Place, ann: Principal, bea: Principal
) -> None:
    cleo = person(store, at, "Cleo", "builder")
    last = max([agent(store, bea, slug) for slug in SLUGS])
    moved, paused = beside(
        store,
        lambda session: agent_for(session, ann, last, "agent.disable", lock=True),
        lambda session: hand_over_member(session, ann, bea.id, to_member_id=cleo.id, reason="Leaves."),
        lambda session: pause_agent(session, ann, last, reason="to look"),
    )
    assert sorted(moved.agents) == sorted(SLUGS)
    with store.read() as session:
        assert [one.id for one in session.scalars(select(AgentPause))] == [paused]


@pytest.mark.parametrize("edited", SLUGS)
def test_files_applied_and_a_draft_saved_meanwhile_both_come_to_an_answer(
    store: Store, ann: Principal, edited: str
) -> None:
    made = {slug: agent(store, ann, slug) for slug in SLUGS}
    files = [AgentFile(slug=slug, name="From a file", body=body(sop="Be kind.")) for slug in SLUGS]
    with store.read() as session:
        planned = plan(session, ann, files)

    def applied(session: Session) -> list[str]:
        return [one.slug for one in apply_plan(session, ann, planned, reason="as code")]

    slugs, _ = beside(
        store,
        lambda session: agent_for(session, ann, made[edited], "agent.edit", lock=True),
        applied,
        lambda session: edit_agent(session, ann, made[edited], name="By hand"),
    )
    assert slugs == list(SLUGS)


def test_a_secret_is_deleted_while_it_is_used(store: Store, at: Place, ann: Principal) -> None:
    with store.write() as session:
        link = connection(session, at, "production", "erp", {})
        session.add(
            Secret(
                id="sec_1", workspace_id=at.workspace_id, environment_id=at.environments["production"],
                name="TOKEN", connection_id=link, hosts=[], created_at=clock.now(),
            )
        )  # fmt: skip

    def deleted(session: Session) -> None:
        delete_secret(session, ann, "sec_1")

    beside(
        store,
        # As a call does: the moment of its last use, and then the audit.
        lambda session: session.execute(update(Secret).values(last_used_at=clock.now())),
        deleted,
        lambda session: audit.note(session, ann, "secret.used", "secret", "sec_1"),
    )
    with store.read() as session:
        assert session.get(Secret, "sec_1") is None
        told = session.scalars(select(AuditRow.action).where(AuditRow.object_id == "sec_1").order_by(AuditRow.seq))
        assert told.all() == ["secret.used", "secret.deleted"]
