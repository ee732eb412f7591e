"""The connections of a release, as they were at the switch."""

from __future__ import annotations

from sqlalchemy import select, update

from signoff.agents.actions import freeze_revision, save_draft
from signoff.kit import clock
from signoff.releases.actions import Tried, keep_activations, roll_back
from signoff.releases.activations import ACTIVATE, to_try, try_soon
from signoff.tables.record import OutboxMessage
from signoff.tables.releases import ReleaseActivation
from signoff.tables.session import Store
from signoff.watch.probes.policies import set_policy
from signoff.watch.queries import open_alerts
from tests.rooms.agents.kit_agents import body, connection, tool
from tests.rooms.releases.kit_releases import World, world

GOES_BACK = "version: 1\nafter: {activations: {roll_back_from: low, reason: we go back}}\n"


def with_two_connections(at: World, release_id: str) -> None:
    """Let the release's revision have used two connections, of which one is not there."""
    with at.store.write() as session:
        for slot, connection in (("erp", "con_1"), ("bank", None)):
            session.add(
                ReleaseActivation(
                    release_id=release_id, slot=slot, workspace_id=at.at.workspace_id, connection_id=connection,
                    name=slot.title(), kind="mcp_http", state="pending",
                )
            )  # fmt: skip


def keep(at: World, release_id: str, **tried: Tried) -> bool:
    with at.store.write() as session:
        return keep_activations(session, release_id, tried)


def test_what_the_revision_uses_is_noted_in_the_transaction_that_switches(store: Store):
    at = world(store, 1)
    with store.write() as session:
        connection(session, at.at, "production", "erp", {"look": tool()})
        changed = body(tools=[{"slot": "erp", "allow": [{"tool": "look"}]}])
        save_draft(session, at.ann, at.agent_id, body=changed, version=1)
        freeze_revision(session, at.ann, at.agent_id, reason="it looks things up")
    made = at.ask(2)
    (one,) = at.detail(made).activations
    assert (one.slot, one.state, one.at) == ("erp", "pending", None)
    with store.read() as session:
        message = session.scalars(select(OutboxMessage).where(OutboxMessage.kind == ACTIVATE)).one()
        assert message.payload == {"release": made}
        assert message.due_at > clock.now()  # Whoever asked by hand tries at once.


def messages(at: World) -> list[OutboxMessage]:
    with at.store.read() as session:
        return list(session.scalars(select(OutboxMessage).where(OutboxMessage.kind == ACTIVATE)))


def test_who_pressed_a_button_does_not_wait_until_they_are_tried(store: Store):
    at = world(store, 2)
    made = at.ask(2)
    with store.write() as session:
        try_soon(session, made)
    assert messages(at) == []  # Nothing is to be tried.
    with_two_connections(at, made)
    with store.write() as session:
        try_soon(session, made)
    assert [one.due_at <= clock.now() for one in messages(at)] == [True]


def test_a_revision_without_connections_has_none_to_try(store: Store):
    at = world(store, 2)
    made = at.ask(2)
    assert at.detail(made).activations == ()
    with store.read() as session:
        assert to_try(session, made) is None


def test_one_that_fails_is_kept_told_and_undoes_nothing(store: Store):
    at = world(store, 2)
    made = at.ask(2)
    with_two_connections(at, made)
    with store.read() as session:
        found = to_try(session, made)
    assert found is not None
    assert [one.slot for one in found[1]] == ["erp"]  # What is not there cannot be tried.
    assert keep(at, made, erp=Tried(ok=True, seconds=0.2)) is True
    detail = at.detail(made)
    assert {one.slot: (one.state, one.code) for one in detail.activations} == {
        "bank": ("failed", "not_bound"), "erp": ("ok", None),
    }  # fmt: skip
    assert (detail.facts.activations_failed, at.live()) == (1, 2)
    assert "1 of 2 connections worked" in detail.timeline[-1].text
    with store.read() as session:
        kinds = [alert.kind for alert in open_alerts(session, at.ann)]
    assert kinds == ["connection_not_activated"]


def test_of_two_who_tried_at_once_the_first_tells(store: Store):
    at = world(store, 2)
    made = at.ask(2)
    with_two_connections(at, made)
    assert keep(at, made, erp=Tried(ok=True, seconds=0.2)) is True
    assert keep(at, made, erp=Tried(ok=False, seconds=0.2, error="late")) is False
    assert at.kinds(made).count("activated") == 1


def test_where_the_policy_says_so_a_connection_that_fails_takes_the_release_back(store: Store):
    at = world(store, 2)
    made = at.ask(2)
    with_two_connections(at, made)
    with store.write() as session:
        set_policy(session, at.ann, GOES_BACK, reason="as agreed", expected=0)
    keep(at, made, erp=Tried(ok=False, seconds=0.2, error="It does not answer.", code="unreachable"))
    assert (at.state(made), at.live()) == ("rolled_back", 1)
    assert at.detail(made).facts.activations_failed == 2


def test_going_back_is_not_undone_by_a_connection_that_fails(store: Store):
    at = world(store, 3)
    at.ask(2)
    with store.write() as session:
        set_policy(session, at.ann, GOES_BACK, reason="as agreed", expected=0)
        back = roll_back(session, at.ann, at.agent_id, environment="production", reason="worse")
        session.execute(update(ReleaseActivation).values(state="pending"))
    with_two_connections(at, back)
    keep(at, back)
    assert (at.live(), at.detail(back).facts.activations_failed) == (1, 2)
