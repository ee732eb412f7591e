"""Who answers for an agent: asked, accepted, declined, withdrawn; and what must be handed over before somebody goes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from signoff.agents.actions import (
    accept_ownership,
    ask_owner,
    decline_ownership,
    edit_agent,
    give_grant,
    withdraw_owner,
)
from signoff.agents.hours import is_working, read_hours
from signoff.agents.ownership import Ownership, owned_by, ownership_of, waiting_for
from signoff.agents.queries import agent_by_slug
from signoff.kit import clock, ids
from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.access import Principal
from signoff.people.actions import remove_member, set_role
from signoff.people.membership import principal_of_member
from signoff.people.seats import SEATS
from signoff.record.alarms import RAISE
from signoff.tables.connections import Secret
from signoff.tables.people import Member, Person
from signoff.tables.record import AuditRow, OutboxMessage
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import Place, agent, connection, person, place


@pytest.fixture
def at(store: Store) -> Place:
    return place(store)


@pytest.fixture
def ann(store: Store, at: Place) -> Principal:
    return person(store, at, "Ann", "administrator")


def owners(store: Store, who: Principal, name: str) -> Ownership:
    with store.read() as session:
        return ownership_of(session, who, name)


def again(store: Store, who: Principal) -> Principal:
    with store.read() as session:
        member = session.get_one(Member, who.id)
        return principal_of_member(session, member, session.get_one(Person, member.person_id))


def audited(store: Store, action: str) -> list[dict[str, object]]:
    with store.read() as session:
        return [row.detail for row in session.scalars(select(AuditRow).where(AuditRow.action == action))]


def test_whoever_makes_an_agent_has_accepted_it_and_what_is_missing_is_said(store: Store, at: Place, ann: Principal):
    here = agent(store, ann)
    found = owners(store, ann, here)
    assert [(one.kind, one.name, one.state) for one in found.owners] == [("build", "Ann", "accepted")]
    assert found.gaps == ("It has no backup.",)
    assert not found.is_complete


def test_somebody_is_asked_accepts_with_a_click_and_it_is_recorded(store: Store, at: Place, ann: Principal):
    here, mona = agent(store, ann), person(store, at, "Mona", "manager")
    with store.write() as session:
        ask_owner(session, ann, here, kind="backup", member_id=mona.id)
    assert owners(store, ann, here).gaps == ("Mona has not accepted yet to be backup.",)
    with store.read() as session:
        waiting = waiting_for(session, mona)
        backup = agent_by_slug(session, ann, here).backup
        assert backup is not None
        assert backup.name == "Mona"
    assert [(one.agent_slug, one.kind, one.asked_by_name) for one in waiting] == [("supplier-mail", "backup", "Ann")]
    with store.write() as session:
        accept_ownership(session, mona, here, "backup")
    assert owners(store, ann, here).is_complete
    assert audited(store, "agent.owner_accepted") == [{"kind": "backup", "member": mona.id}]
    with store.read() as session:
        assert waiting_for(session, mona) == []
    with pytest.raises(NotNow, match="answered"), store.write() as session:
        accept_ownership(session, mona, here, "backup")
    with pytest.raises(NotFound, match="not asked"), store.write() as session:
        accept_ownership(session, ann, here, "backup")


def test_who_declines_leaves_the_seat_empty_and_the_asker_is_told(store: Store, at: Place, ann: Principal):
    here, mona = agent(store, ann), person(store, at, "Mona", "manager")
    with store.write() as session:
        edit_agent(session, ann, here, backup_id=mona.id)
    with pytest.raises(Malformed), store.write() as session:
        decline_ownership(session, mona, here, "backup", reason="  ")
    with store.write() as session:
        decline_ownership(session, mona, here, "backup", reason="On leave until May.")
    found = owners(store, ann, here)
    assert [(one.state, one.answer) for one in found.owners if one.kind == "backup"] == [
        ("declined", "On leave until May.")
    ]
    assert found.gaps == ("It has no backup.",)
    with store.read() as session:
        assert agent_by_slug(session, ann, here).backup is None
        told = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == RAISE)).one().payload
    assert told["kind"] == "owner_declined"
    assert "Ann had asked for: On leave until May." in told["text"]
    with store.write() as session:
        ask_owner(session, ann, here, kind="backup", member_id=mona.id)
        accept_ownership(session, mona, here, "backup")
    assert owners(store, ann, here).is_complete


def test_the_rules_of_the_seats(store: Store, at: Place, ann: Principal):
    here = agent(store, ann)
    bea, rosa = person(store, at, "Bea", "builder"), person(store, at, "Rosa", "member")
    refused = {
        ("backup", ann.id): "both owner and backup",
        ("backup", bea.id): "rights of a manager",
        ("operations", rosa.id): "read its runs",
        ("escalation", bea.id): "disable it, bring back",
        ("build", "mem_nobody"): "not an active member",
        ("king", bea.id): "no way to answer",
    }
    for (kind, member_id), words in refused.items():
        with pytest.raises(Malformed, match=words), store.write() as session:
            ask_owner(session, ann, here, kind=kind, member_id=member_id)
    assert [one.name for one in owners(store, ann, here).owners] == ["Ann"]
    # A level on this agent is enough for what is done to this agent.
    with store.write() as session:
        for level, who in (("operator", rosa), ("operator", bea), ("deployer", bea)):
            give_grant(session, ann, here, member_id=who.id, level=level)
        ask_owner(session, ann, here, kind="operations", member_id=rosa.id)
        ask_owner(session, ann, here, kind="escalation", member_id=bea.id)
        ask_owner(session, ann, here, kind="approver", member_id=bea.id)
        ask_owner(session, ann, here, kind="approver", member_id=rosa.id)
    found = owners(store, ann, here).owners
    assert [(one.kind, one.name) for one in found] == [
        ("build", "Ann"), ("operations", "Rosa"), ("approver", "Bea"), ("approver", "Rosa"), ("escalation", "Bea"),
    ]  # fmt: skip


def test_owner_and_backup_may_change_places(store: Store, at: Place, ann: Principal):
    here, mona = agent(store, ann), person(store, at, "Mona", "manager")
    with store.write() as session:
        edit_agent(session, ann, here, backup_id=mona.id)
    with store.write() as session:
        edit_agent(session, ann, here, owner_id=mona.id, backup_id=ann.id)
    found = owners(store, ann, here).owners
    assert {one.kind: (one.name, one.state) for one in found} == {
        "build": ("Mona", "asked"), "backup": ("Ann", "accepted"),
    }  # fmt: skip
    with pytest.raises(Malformed, match="both"), store.write() as session:
        edit_agent(session, ann, here, owner_id=ann.id)


def test_who_may_only_edit_does_not_say_whose_it_is(store: Store, at: Place, ann: Principal):
    here, eve = agent(store, ann), person(store, at, "Eve", "builder")
    with store.write() as session:
        give_grant(session, ann, here, member_id=eve.id, level="editor")
    eve = again(store, eve)
    with pytest.raises(NotAllowed, match="assign"), store.write() as session:
        edit_agent(session, eve, here, owner_id=eve.id)
    with pytest.raises(NotAllowed), store.write() as session:
        ask_owner(session, eve, here, kind="build", member_id=eve.id)
    with store.write() as session:
        assert edit_agent(session, eve, here, name="Renamed", owner_id=ann.id)
    stranger = person(store, place(store, "elsewhere"), "Sid", "owner")
    for do in (ask_owner, withdraw_owner):
        with pytest.raises(NotFound), store.write() as session:
            do(session, stranger, here, kind="build", member_id=stranger.id)
    with pytest.raises(NotFound), store.write() as session:
        accept_ownership(session, stranger, here, "build")


def test_hours_are_kept_and_say_who_works_now(store: Store, at: Place, ann: Principal):
    here = agent(store, ann)
    hours = read_hours({"mon": "9:00-12:30, 14:00-17:00", "sun": "", "fri": "00:00-24:00"})
    assert hours == {"mon": [["09:00", "12:30"], ["14:00", "17:00"]], "fri": [["00:00", "24:00"]]}
    with store.write() as session:
        ask_owner(session, ann, here, kind="approver", member_id=ann.id, hours=hours, time_zone="Europe/Berlin")
    kept = owners(store, ann, here).owners[-1]
    assert (kept.hours, kept.time_zone, kept.state) == (hours, "Europe/Berlin", "accepted")
    berlin = "Europe/Berlin"
    assert is_working(hours, berlin, datetime(2026, 7, 6, 7, 0, tzinfo=UTC))  # Monday, 9:00 there.
    assert not is_working(hours, berlin, datetime(2026, 7, 6, 11, 0, tzinfo=UTC))
    assert is_working(hours, berlin, datetime(2026, 7, 9, 22, 0, tzinfo=UTC))  # Friday there already.
    assert is_working({}, None, clock.now()) is None
    # Said again, only the hours change: nobody has to accept twice.
    with store.write() as session:
        ask_owner(session, ann, here, kind="approver", member_id=ann.id, hours={})
    assert (owners(store, ann, here).owners[-1].hours, len(audited(store, "agent.owner_hours_set"))) == ({}, 1)


@pytest.mark.parametrize(
    ("texts", "day"),
    [({"mon": "17:00-9:00"}, "mon"), ({"tue": "9-17"}, "tue"), ({"wed": "09:00-12:00, 11:00-13:00"}, "wed"),
     ({"thu": "25:00-26:00"}, "thu"), ({"fri": ",".join(["01:00-01:30"] * 7)}, "fri")],
)  # fmt: skip
def test_hours_that_cannot_be_are_refused_at_their_day(texts: dict[str, str], day: str):
    with pytest.raises(Malformed) as refused:
        read_hours(texts)
    assert set(refused.value.errors) == {day}


def test_a_seat_is_withdrawn(store: Store, at: Place, ann: Principal):
    here, mona = agent(store, ann), person(store, at, "Mona", "manager")
    with store.write() as session:
        edit_agent(session, ann, here, backup_id=mona.id)
        withdraw_owner(session, ann, here, "backup", mona.id)
        assert agent_by_slug(session, ann, here).backup is None
    with pytest.raises(NotFound), store.write() as session:
        withdraw_owner(session, ann, here, "backup", mona.id)
    with pytest.raises(NotFound), store.write() as session:
        accept_ownership(session, mona, here, "backup")


def test_who_owns_something_is_not_removed_and_all_of_it_is_listed(store: Store, at: Place, ann: Principal):
    bea = person(store, at, "Bea", "builder")
    here = agent(store, bea)
    with store.write() as session:
        link = connection(session, at, "production", "erp", {})
        session.add(
            Secret(
                id=ids.new_id("sec"), workspace_id=at.workspace_id, environment_id=at.environments["production"],
                name="BEAS_TOKEN", connection_id=link, hosts=[], principal="personal", owner_id=bea.id,
                owner_name="Bea", created_at=clock.now(),
            )
        )  # fmt: skip
    with pytest.raises(NotNow) as refused, store.write() as session:
        remove_member(session, ann, bea.id)
    assert refused.value.code == "owns_things"
    assert refused.value.extra["owns_count"] == 2
    listed = refused.value.extra["owns"]
    assert [(one["kind"], one["name"], one["seat"]) for one in listed] == [
        ("agent", "Supplier mail", "build"), ("secret", "BEAS_TOKEN", None),
    ]  # fmt: skip
    assert listed[0]["path"] == "/agents/supplier-mail/owners"
    with store.read() as session:
        assert len(owned_by(session, ann, bea.id)) == 2
        assert session.get_one(Member, bea.id).state == "active"
    with store.write() as session:
        session.delete(session.scalars(select(Secret)).one())
        edit_agent(session, ann, here, owner_id=ann.id)
        remove_member(session, ann, bea.id)


def test_a_role_below_a_seat_is_refused_with_the_agents(store: Store, at: Place, ann: Principal):
    here, mona = agent(store, ann), person(store, at, "Mona", "manager")
    with store.write() as session:
        edit_agent(session, ann, here, backup_id=mona.id)
    with pytest.raises(NotNow, match="Supplier mail \\(backup\\)") as refused, store.write() as session:
        set_role(session, ann, mona.id, role="builder")
    assert refused.value.code == "owns_things"
    with store.write() as session:
        set_role(session, ann, mona.id, role="administrator")
        withdraw_owner(session, ann, here, "backup", mona.id)
        set_role(session, ann, mona.id, role="builder")


def test_somebody_whose_rights_went_another_way_is_shown_as_a_gap(store: Store, at: Place, ann: Principal):
    here, mona = agent(store, ann), person(store, at, "Mona", "manager")
    with store.write() as session:
        edit_agent(session, ann, here, backup_id=mona.id)
        accept_ownership(session, mona, here, "backup")
        session.get_one(Member, mona.id).role = "viewer"  # As a sign-on that maps groups to roles would.
    assert "rights of a manager" in owners(store, ann, here).gaps[0]
    with store.write() as session:
        session.get_one(Member, mona.id).state = "removed"
    assert owners(store, ann, here).gaps == ("Mona is no member any more.",)
    assert set(SEATS) == {"build", "operations", "approver", "backup", "escalation"}
