"""Handing an agent over: the seats move, what starts by itself waits, and a run of the new owner ends it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from signoff.agents.actions import (
    accept_ownership,
    ask_owner,
    cancel_handover,
    decline_ownership,
    edit_agent,
    hand_over_member,
    move_secrets,
    plan_session,
    start_handover,
    withdraw_owner,
)
from signoff.agents.handovers import handover_progress, handovers_page, open_handover
from signoff.agents.ownership import owned_by, ownership_of
from signoff.deployments.actions import freeze_and_serve_first
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.access import Principal, system
from signoff.people.actions import remove_member
from signoff.record.actor import SYSTEM
from signoff.runs.actions import complete_run, request_run
from signoff.runs.states import STARTED_BY_ITSELF, Source
from signoff.tables.connections import Secret, SecretGrant
from signoff.tables.ownership import Handover
from signoff.tables.record import AuditRow
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import Place, agent, connection, person, place


@pytest.fixture
def at(store: Store) -> Place:
    return place(store)


@pytest.fixture
def ann(store: Store, at: Place) -> Principal:
    return person(store, at, "Ann", "administrator")


@pytest.fixture
def bea(store: Store, at: Place) -> Principal:
    return person(store, at, "Bea", "builder")


@pytest.fixture
def cleo(store: Store, at: Place) -> Principal:
    return person(store, at, "Cleo", "builder")


def served(store: Store, who: Principal, slug: str = "supplier-mail") -> str:
    here = agent(store, who, slug)
    with store.write() as session:
        freeze_and_serve_first(session, who, here, reason="first")
    return here


def start(store: Store, by: Principal, here: str, to: Principal, **more: Any) -> str:
    with store.write() as session:
        return start_handover(session, by, here, to_member_id=to.id, reason="Bea moves to sales.", **more)


def run(store: Store, who: Principal, here: str, source: Source = "manual", mode: str = "live") -> tuple[str, str]:
    with store.write() as session:
        asked = request_run(session, who, agent=here, input={}, source=source, mode=mode)  # pyright: ignore[reportArgumentType]
    return asked.id, asked.state


def complete(store: Store, run_id: str) -> None:
    with store.write() as session:
        session.get_one(Run, run_id).state = "running"
        session.flush()
        assert complete_run(session, run_id, 1, by=SYSTEM, output={"ok": True})


def state(store: Store, handover: str) -> str:
    with store.read() as session:
        return session.get_one(Handover, handover).state


def holders(store: Store, who: Principal, here: str) -> dict[str, tuple[str, str]]:
    with store.read() as session:
        return {one.kind: (one.name, one.state) for one in ownership_of(session, who, here).owners}


def test_every_seat_moves_and_the_new_owner_is_asked(store: Store, ann: Principal, bea: Principal, cleo: Principal):
    here = served(store, bea)
    with store.write() as session:
        ask_owner(session, ann, here, kind="approver", member_id=bea.id)
    made = start(store, bea, here, cleo)
    assert holders(store, ann, here) == {"build": ("Cleo", "asked"), "approver": ("Cleo", "asked")}
    with store.read() as session:
        found = open_handover(session, ann, here)
        assert found is not None
        assert (found.from_name, found.to_name, found.seats, found.state) == (
            "Bea",
            "Cleo",
            ("build", "approver"),
            "open",
        )
        row = session.scalars(select(AuditRow).where(AuditRow.action == "agent.handover_started")).one()
        assert (row.actor_id, row.detail["handover"], row.detail["reason"]) == (bea.id, made, "Bea moves to sales.")
    # The old owner has no say any more.
    with pytest.raises(NotAllowed), store.write() as session:
        edit_agent(session, bea, here, name="Still mine")


def test_nothing_starts_it_by_itself_until_the_new_owner_has_run_it_once(
    store: Store, at: Place, ann: Principal, bea: Principal, cleo: Principal
):
    here, robot = served(store, bea), system(at.workspace_id)
    for source in sorted(STARTED_BY_ITSELF):
        assert run(store, robot, here, source)[1] == "queued"
    before = run(store, cleo, here)[0]
    made = start(store, ann, here, cleo)
    for source in sorted(STARTED_BY_ITSELF):
        run_id, said = run(store, robot, here, source)
        with store.read() as session:
            kept = session.get_one(Run, run_id)
            assert (said, kept.code, kept.ended_at is not None) == ("rejected", "handover", True)
            assert "being handed over" in str(kept.reason)
    # None of these shows that the new owner can run it: begun before, somebody else's, a rehearsal, not by hand.
    complete(store, before)
    for who, source, mode in ((bea, "manual", "live"), (cleo, "manual", "sandbox"), (cleo, "api", "replay")):
        complete(store, run(store, who, here, source, mode)[0])  # pyright: ignore[reportArgumentType]
    assert state(store, made) == "open"
    proof = run(store, cleo, here)[0]
    with store.write() as session:
        session.get_one(Run, proof).state = "running"
    complete(store, proof)
    with store.read() as session:
        ended = session.get_one(Handover, made)
        assert (ended.state, ended.run_id, ended.open_key) == ("done", proof, None)
        row = session.scalars(select(AuditRow).where(AuditRow.action == "agent.handover_done")).one()
        assert row.detail == {"handover": made, "run": proof}
    assert run(store, robot, here, "schedule")[1] == "queued"


def test_the_end_of_a_hand_over_is_undone_with_the_runs_transaction(store: Store, bea: Principal, cleo: Principal):
    here = served(store, bea)
    made = start(store, bea, here, cleo)
    proof = run(store, cleo, here)[0]
    with store.write() as session:
        session.get_one(Run, proof).state = "running"

    def half() -> None:
        with store.write() as session:
            assert complete_run(session, proof, 1, by=SYSTEM, output={})
            raise RuntimeError("the database is gone")

    with pytest.raises(RuntimeError):
        half()
    assert state(store, made) == "open"


def test_another_agents_run_ends_nothing(store: Store, bea: Principal, cleo: Principal):
    here, other = served(store, bea), served(store, cleo, "other")
    made = start(store, bea, here, cleo)
    complete(store, run(store, cleo, other)[0])
    assert state(store, made) == "open"


def test_declining_gives_it_back(store: Store, ann: Principal, bea: Principal, cleo: Principal):
    here = served(store, bea)
    made = start(store, bea, here, cleo)
    with store.write() as session:
        decline_ownership(session, cleo, here, "build", reason="I know nothing of it.")
    assert holders(store, ann, here) == {"build": ("Bea", "accepted")}
    assert state(store, made) == "declined"
    with store.write() as session:
        assert edit_agent(session, bea, here, name="Mine again")


def test_calling_off_gives_it_back_and_only_once(store: Store, ann: Principal, bea: Principal, cleo: Principal):
    here = served(store, bea)
    made = start(store, bea, here, cleo)
    with pytest.raises(Malformed), store.write() as session:
        cancel_handover(session, ann, made, reason=" ")
    with pytest.raises(NotAllowed), store.write() as session:
        cancel_handover(session, bea, made, reason="I stay.")
    with store.write() as session:
        cancel_handover(session, ann, made, reason="Bea stays.")
    assert holders(store, ann, here) == {"build": ("Bea", "accepted")}
    assert state(store, made) == "cancelled"
    with pytest.raises(NotNow, match="ended"), store.write() as session:
        cancel_handover(session, ann, made, reason="x")
    with pytest.raises(NotNow, match="ended"), store.write() as session:
        plan_session(session, ann, made, session_at=None, notes="")
    with store.read() as session:
        assert [one.state for one in handovers_page(session, ann, here).rows] == ["cancelled"]


def test_while_it_is_open_its_seats_are_not_changed_another_way(
    store: Store, ann: Principal, bea: Principal, cleo: Principal
):
    here = served(store, bea)
    start(store, bea, here, cleo)
    with store.write() as session:
        accept_ownership(session, cleo, here, "build")
    for do in (
        lambda session: edit_agent(session, ann, here, owner_id=ann.id),
        lambda session: ask_owner(session, ann, here, kind="build", member_id=ann.id),
        lambda session: withdraw_owner(session, ann, here, "build", cleo.id),
        lambda session: start_handover(session, ann, here, to_member_id=ann.id, reason="x"),
    ):
        with pytest.raises(NotNow) as refused, store.write() as session:
            do(session)
        assert refused.value.code == "handover_open"


def test_what_cannot_be_handed_over_is_refused(store: Store, at: Place, ann: Principal, bea: Principal):
    here, mona = served(store, bea), person(store, at, "Mona", "manager")
    with store.write() as session:
        edit_agent(session, ann, here, backup_id=mona.id)
    with pytest.raises(Malformed, match="As build owner: Mona cannot be both"):
        start(store, ann, here, mona)
    with pytest.raises(Malformed, match="somebody else"):
        start(store, ann, here, bea)
    with pytest.raises(NotNow, match="no seat on"):
        start(store, ann, here, bea, from_member_id=ann.id)
    with pytest.raises(NotAllowed):
        start(store, person(store, at, "Eve", "builder"), here, mona)
    stranger = person(store, place(store, "elsewhere"), "Sid", "owner")
    with pytest.raises(NotFound):
        start(store, stranger, here, mona)
    with pytest.raises(Malformed, match="not an active member"):
        start(store, ann, here, stranger)
    assert holders(store, ann, here)["build"] == ("Bea", "accepted")


def test_a_backup_hands_over_without_a_pause(store: Store, at: Place, ann: Principal, bea: Principal):
    here = served(store, bea)
    mona, nils = person(store, at, "Mona", "manager"), person(store, at, "Nils", "manager")
    with store.write() as session:
        edit_agent(session, ann, here, backup_id=mona.id)
    made = start(store, ann, here, nils, from_member_id=mona.id)
    assert state(store, made) == "done"
    assert holders(store, ann, here)["backup"] == ("Nils", "asked")
    assert run(store, system(at.workspace_id), here, "schedule")[1] == "queued"


def personal(store: Store, at: Place, whose: Principal, name: str, here: str | None) -> str:
    with store.write() as session:
        link = connection(session, at, "production", f"c-{name.lower()}", {})
        row = Secret(
            id=ids.new_id("sec"), workspace_id=at.workspace_id, environment_id=at.environments["production"],
            name=name, connection_id=link, hosts=[], principal="personal", owner_id=whose.id,
            owner_name=whose.name, is_open_to_all=False, created_at=clock.now(),
        )  # fmt: skip
        session.add(row)
        session.flush()
        if here:
            session.add(
                SecretGrant(secret_id=row.id, agent_id=here, workspace_id=at.workspace_id, granted_at=clock.now())
            )
        return row.id


def owner_of(store: Store, secret: str) -> str | None:
    with store.read() as session:
        return session.get_one(Secret, secret).owner_id


def test_the_personal_secrets_that_it_uses_move_by_who_may(
    store: Store, at: Place, ann: Principal, bea: Principal, cleo: Principal
):
    here = served(store, bea)
    used, private = personal(store, at, bea, "USED", here), personal(store, at, bea, "PRIVATE", None)
    made = start(store, bea, here, cleo)
    with store.read() as session:
        progress = handover_progress(session, ann, here)
        assert progress is not None
        assert [(one.kind, one.name) for one in progress.left_behind] == [("secret", "USED")]
    with pytest.raises(NotAllowed), store.write() as session:
        move_secrets(session, cleo, made)  # The new owner does not take them: they are given.
    with store.write() as session:
        assert move_secrets(session, ann, made) == 1
    assert (owner_of(store, used), owner_of(store, private)) == (cleo.id, bea.id)
    with pytest.raises(NotNow, match="any more"), store.write() as session:
        move_secrets(session, ann, made)


def test_whoever_leaves_is_handed_over_at_once_and_can_then_be_removed(
    store: Store, at: Place, ann: Principal, bea: Principal, cleo: Principal
):
    first, second = served(store, bea), served(store, bea, "other")
    secret = personal(store, at, bea, "HERS", None)
    with store.write() as session:
        moved = hand_over_member(session, ann, bea.id, to_member_id=cleo.id, reason="Leaves in May.")
    assert (sorted(moved.agents), moved.secrets) == (["other", "supplier-mail"], 1)
    assert owner_of(store, secret) == cleo.id
    # Until both are proven, both hand-overs still name her.
    with pytest.raises(NotNow) as refused, store.write() as session:
        remove_member(session, ann, bea.id)
    assert {one["kind"] for one in refused.value.extra["owns"]} == {"handover"}
    for here in (first, second):
        complete(store, run(store, cleo, here)[0])
    with store.write() as session:
        remove_member(session, ann, bea.id)
    with store.read() as session:
        assert len(owned_by(session, ann, cleo.id)) == 3


def test_all_of_it_or_nothing(store: Store, at: Place, ann: Principal, bea: Principal):
    here, mona = served(store, bea), person(store, at, "Mona", "manager")
    other = served(store, bea, "zebra")
    with store.write() as session:
        edit_agent(session, ann, other, backup_id=mona.id)
    with pytest.raises(Malformed, match="Supplier mail: As build owner"), store.write() as session:
        hand_over_member(session, ann, bea.id, to_member_id=mona.id, reason="Leaves.")
    assert holders(store, ann, here)["build"] == ("Bea", "accepted")
    with pytest.raises(NotNow, match="no seat on"), store.write() as session:
        hand_over_member(session, ann, ann.id, to_member_id=mona.id, reason="Leaves.")
    vic = person(store, at, "Vic", "viewer")
    with pytest.raises(NotAllowed), store.write() as session:
        hand_over_member(session, vic, bea.id, to_member_id=mona.id, reason="Mine.")
