"""What happens by itself is told to whoever answers for it: at once, then gathered; never once a run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from signoff.agents.actions import freeze_revision, save_draft
from signoff.approvals.actions import go_away
from signoff.approvals.actions.channels import add_channel
from signoff.connections.health import record_health
from signoff.connections.keys import load_keys
from signoff.connections.secrets import Vault
from signoff.deployments.actions import freeze_and_serve_first
from signoff.kit import clock
from signoff.people.access import Principal
from signoff.record.actor import SYSTEM
from signoff.record.alarms import TELL
from signoff.runs.actions import fail_run, request_run
from signoff.settings import Settings
from signoff.tables.agents import Agent
from signoff.tables.deployments import LiveRevision
from signoff.tables.record import OutboxMessage
from signoff.tables.runs import Run
from signoff.tables.session import Store
from signoff.tables.watch import Notice, NoticeDelivery
from signoff.watch import telling, told
from signoff.watch.actions import raise_alert
from tests.rooms.agents import kit_agents

ADDRESS = "https://signoff.example.com"


@dataclass
class Town:
    """A workspace whose agent Nora owns; Otto administers it."""

    store: Store
    vault: Vault
    at: kit_agents.Place
    otto: Principal
    nora: Principal
    agent_id: str
    carried: set[str] = field(default_factory=set[str])

    def fail(self, code: str = "provider_error", **changes: str) -> str:
        with self.store.write() as session:
            run_id = request_run(session, self.nora, agent=self.agent_id, input="IN-TEXT").id
            session.execute(update(Run).where(Run.id == run_id).values(**{"origin": "production", **changes}))
            assert fail_run(session, run_id, None, by=SYSTEM, code=code, reason="RE-TEXT")
        return run_id

    def alert(self, kind: str, key: str, agent_id: str | None = None) -> None:
        with self.store.write() as session:
            raise_alert(session, self.at.workspace_id, key=key, kind=kind, text="Look there.", agent_id=agent_id)

    def carry(self, *, has_mail: bool = True) -> None:
        """What the relay does with what happened since."""
        with self.store.write() as session:
            found = session.scalars(
                select(OutboxMessage).where(
                    OutboxMessage.kind.in_((TELL, telling.LOOK)), OutboxMessage.due_at <= clock.now(),
                    OutboxMessage.id.not_in(self.carried),
                ).order_by(OutboxMessage.id)
            ).all()  # fmt: skip
            for one in found:
                self.carried.add(one.id)
                if one.kind == TELL:
                    telling.note_happened(session, one.workspace_id, one.payload, has_mail=has_mail)
                else:
                    telling.look(session, one.payload["notice"], has_mail=has_mail)

    def messages(self) -> list[NoticeDelivery]:
        with self.store.read() as session:
            return list(session.scalars(select(NoticeDelivery).order_by(NoticeDelivery.id)))

    def told(self) -> list[tuple[str, str]]:
        """To whom by which kind of channel, the oldest first."""
        names = {self.otto.id: "otto", self.nora.id: "nora"}
        return [(names.get(row.member_id or "", row.member_id or "agent"), row.kind) for row in self.messages()]


@pytest.fixture
def town(store: Store, settings: Settings) -> Town:
    at = kit_agents.place(store)
    otto, nora = kit_agents.person(store, at, "Otto"), kit_agents.person(store, at, "Nora", "builder")
    agent_id = kit_agents.agent(store, nora)
    with store.write() as session:
        freeze_and_serve_first(session, otto, agent_id, reason="first")
        session.execute(update(Agent).where(Agent.id == agent_id).values(owner_id=nora.id))
    return Town(store, Vault(load_keys(settings)), at, otto, nora, agent_id)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], datetime]:
    """Let time pass."""

    def pass_by(time: timedelta) -> datetime:
        moment = clock.now() + time
        monkeypatch.setattr(clock, "now", lambda: moment)
        return moment

    return pass_by


def test_a_run_that_fails_in_production_is_told_to_the_owner_in_nobodys_words(town: Town) -> None:
    run = town.fail()
    town.carry()
    assert town.told() == [("nora", "mail")]
    (row,) = town.messages()
    assert row.title == "Supplier mail: a run failed (provider_error)"
    assert row.path == f"/w/acme/runs/{run}"
    assert "TEXT" not in row.title + row.text
    with town.store.write() as session:
        parcel = told.take(session, town.vault, row.id, address=ADDRESS)
        assert parcel is not None
        assert f"{ADDRESS}/w/acme/runs/{run}" in parcel.text
        told.note_sent(session, row.id)
    assert town.messages()[0].state == "sent"


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("denied", {}),
        ("cancelled", {}),
        ("day_budget_exceeded", {}),
        ("provider_error", {"origin": "test"}),
        ("provider_error", {"mode": "shadow"}),
        ("provider_error", {"mode": "sandbox"}),
    ],
)
def test_a_no_a_test_and_a_rehearsal_are_no_failures_to_tell(town: Town, code: str, changes: dict[str, str]) -> None:
    town.fail(code, **changes)
    town.carry()
    assert town.messages() == []


def test_an_outage_is_told_at_once_and_then_with_its_number_after_growing_pauses(
    town: Town, later: Callable[[timedelta], datetime]
) -> None:
    for _ in range(30):
        town.fail()
        town.carry()
    assert len(town.messages()) == 1
    later(timedelta(minutes=61))
    town.carry()
    assert [row.title[:9] for row in town.messages()] == ["Supplier ", "29 times:"]
    town.fail()
    town.fail()
    later(timedelta(minutes=61))
    town.carry()
    assert len(town.messages()) == 2
    later(timedelta(minutes=60))
    town.carry()
    assert [row.title[:8] for row in town.messages()][2:] == ["2 times:"]
    later(timedelta(days=3))
    town.carry()
    assert len(town.messages()) == 3
    town.fail()
    town.carry()
    assert len(town.messages()) == 4


def test_pauses_grow_from_an_hour_to_a_day() -> None:
    moment = clock.now()
    assert telling.due(0, None) is None
    pauses = [telling.due(number, moment) for number in (1, 2, 3, 5, 6, 50)]
    hours = [(due - moment) / timedelta(hours=1) for due in pauses if due is not None]
    assert hours == [1, 2, 4, 16, 24, 24]


def test_an_alert_is_told_to_the_owner_of_its_agent_and_without_one_to_the_administrators(town: Town) -> None:
    town.alert("release_rolled_back", "release:1", town.agent_id)
    town.alert("login_refresh_failed", "login:1")
    town.carry()
    assert town.told() == [("nora", "mail"), ("otto", "mail")]
    assert [row.title for row in town.messages()] == ["Supplier mail: Release rolled back", "Login refresh failed"]


def test_many_alerts_of_one_kind_are_one_matter_and_one_that_counts_again_is_told_once(town: Town) -> None:
    for number in range(20):
        town.alert("effect_unknown", f"effect:{number}", town.agent_id)
        town.alert("provider_failing", "provider:x")
    town.carry()
    assert town.told() == [("nora", "mail"), ("otto", "mail")]


def test_a_channel_takes_the_place_of_mail_and_the_agents_own_is_told_as_well(town: Town) -> None:
    for who, agent in ((town.nora, None), (town.otto, town.agent_id)):
        with town.store.write() as session:
            add_channel(
                session, who, town.vault, kind="slack", name="chat", target="https://hooks.example.com/x", agent=agent
            )
    town.fail()
    town.carry()
    assert sorted(town.told()) == [("agent", "slack"), ("nora", "slack")]


def test_quiet_hours_and_pace_of_a_channel_are_kept(town: Town) -> None:
    with town.store.write() as session:
        add_channel(
            session, town.nora, town.vault, kind="slack", name="chat", target="https://hooks.example.com/x",
            pace="hourly",
        )  # fmt: skip
    town.fail()
    town.carry()
    (row,) = town.messages()
    assert (row.due_at.minute, row.due_at.second) == (0, 0)
    assert row.due_at > row.made_at


def test_who_stands_in_is_told_and_an_agent_without_anybody_is_the_administrators(town: Town) -> None:
    moment = clock.now()
    with town.store.write() as session:
        go_away(
            session, town.nora, starts_at=moment - timedelta(hours=1), ends_at=moment + timedelta(days=1),
            delegate_id=town.otto.id,
        )  # fmt: skip
    town.fail()
    town.carry()
    assert town.told() == [("otto", "mail")]


def test_without_an_owner_the_administrators_are_told(town: Town) -> None:
    with town.store.write() as session:
        session.execute(update(Agent).values(owner_id=None, backup_id=None))
    town.fail()
    town.carry()
    assert town.told() == [("otto", "mail")]


def test_without_mail_and_without_a_channel_nobody_is_told_and_nothing_breaks(town: Town) -> None:
    town.fail()
    town.carry(has_mail=False)
    assert town.messages() == []


def test_what_is_not_taken_is_tried_again_and_what_is_refused_is_given_up(town: Town) -> None:
    town.fail()
    town.carry()
    (row,) = town.messages()
    for transient, state in ((True, "sending"), (False, "failed")):
        with town.store.write() as session:
            assert told.take(session, town.vault, row.id, address=ADDRESS) is not None
        with town.store.write() as session:
            told.note_not_sent(session, row.id, "away", is_worth_another=transient)
        assert town.messages()[0].state == state
    with town.store.write() as session:
        assert told.take(session, town.vault, row.id, address=ADDRESS) is None


def test_what_was_told_long_ago_is_let_go(town: Town, later: Callable[[timedelta], datetime]) -> None:
    town.fail()
    town.carry()
    later(told.KEPT + timedelta(days=1))
    with town.store.write() as session:
        assert told.forget(session) == 2
    with town.store.read() as session:
        assert session.scalars(select(Notice)).all() == []


def test_a_connection_that_breaks_is_told_to_the_administrators_once_and_one_that_never_worked_is_not(
    town: Town,
) -> None:
    with town.store.write() as session:
        worked, new = (
            kit_agents.connection(session, town.at, "production", slug, {}) for slug in ("erp", "never-tried")
        )
        record_health(session, worked, ok=True)
        for _ in range(2):
            record_health(session, worked, ok=False, error="RE-TEXT", code="connector_sign_in")
        record_health(session, new, ok=False, error="RE-TEXT", code="connector_sign_in")
    town.carry()
    assert town.told() == [("otto", "mail")]
    (row,) = town.messages()
    assert row.title == "erp: the connection is broken"
    assert row.path == f"/w/acme/connections/{worked}"
    assert "TEXT" not in row.text


def test_who_answers_for_an_agent_that_serves_through_a_broken_connection_is_told_too(town: Town) -> None:
    with town.store.write() as session:
        broken = kit_agents.connection(session, town.at, "production", "erp", {"look": kit_agents.tool()})
        body = kit_agents.body(tools=[{"slot": "erp", "allow": [{"tool": "look"}]}])
        save_draft(session, town.nora, town.agent_id, body=body, version=1)
        frozen = freeze_revision(session, town.nora, town.agent_id, reason="it looks things up")
        serves = update(LiveRevision).where(LiveRevision.agent_id == town.agent_id)
        session.execute(serves.values(revision_id=frozen.id))
        for ok in (True, False, False):
            record_health(session, broken, ok=ok, error="RE-TEXT", code="connector_sign_in")
    town.carry()
    assert sorted(town.told()) == [("nora", "mail"), ("otto", "mail")]
    assert {"One agent serves through it." in row.text for row in town.messages()} == {True}


def test_a_connection_that_works_again_before_anybody_was_told_is_not_told(town: Town) -> None:
    with town.store.write() as session:
        found = kit_agents.connection(session, town.at, "production", "erp", {})
        record_health(session, found, ok=True)
        record_health(session, found, ok=False, error="gone", code="connector_timeout")
        record_health(session, found, ok=True)
    town.carry()
    assert town.messages() == []
