"""Webhooks: made, changed, given a new secret, switched off; whose they are."""

from __future__ import annotations

import base64

import pytest

from signoff.kit.errors import Malformed, NotAllowed, NotFound, NotNow
from signoff.people.roles import PERMISSIONS
from signoff.settings import Settings
from signoff.tables.session import Store
from signoff.webhooks import actions, queries
from tests.rooms.agents import kit_agents
from tests.rooms.webhooks.kit_webhooks import Desk, make_desk


@pytest.fixture
def desk(store: Store, settings: Settings) -> Desk:
    return make_desk(store, settings)


def test_a_webhook_is_made_with_a_secret_that_is_told_once(desk: Desk) -> None:
    made = desk.webhook("run.failed", "alert.raised", agents=["supplier-mail"])
    assert made.secret.startswith("whsec_")
    assert len(base64.b64decode(made.secret.removeprefix("whsec_"))) == 32
    (found,) = desk.read(queries.webhooks, desk.owner)
    assert (found.state, found.events, found.agents) == ("on", ["run.failed", "alert.raised"], ["supplier-mail"])
    assert made.secret not in str(found)
    assert made.secret not in repr(made)
    assert made.secret.encode() not in desk.hook().ciphertext
    assert "webhook.created" in desk.audited()


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("url", {"url": "ftp://ops.example.com/x"}),
        ("url", {"url": "http://ops.example.com/x"}),
        ("url", {"url": "https://user:word@ops.example.com/x"}),
        ("url", {"url": "https://ops.example.com:22/x"}),
        ("events", {"events": []}),
        ("events", {"events": ["run.started"]}),
        ("agents", {"agents": [f"a{number}" for number in range(51)]}),
    ],
)
def test_what_cannot_be_is_refused_by_field(desk: Desk, field: str, given: dict[str, object]) -> None:
    with pytest.raises(Malformed) as refused:
        desk.write(
            actions.create_webhook, desk.owner, desk.vault,
            **{"name": "Ops", "url": "https://ops.example.com", "events": ["run.failed"], **given},
        )  # fmt: skip
    assert list(refused.value.errors) == [field]
    assert desk.read(queries.webhooks, desk.owner) == []


def test_only_who_may_manage_webhooks_sees_or_makes_one(desk: Desk) -> None:
    desk.webhook()
    assert [role for role, table in PERMISSIONS.items() if "webhook.manage" in table] == ["owner", "administrator"]
    manager = kit_agents.person(desk.store, desk.at, "Max", "manager")
    for work in (
        lambda session: queries.webhooks(session, manager),
        lambda session: actions.create_webhook(
            session, manager, desk.vault, name="x", url="https://x.example", events=["run.failed"]
        ),
    ):
        with pytest.raises(NotAllowed), desk.store.write() as session:
            work(session)


def test_another_workspaces_webhook_is_one_that_never_was(desk: Desk, settings: Settings) -> None:
    made = desk.webhook()
    stranger = make_desk(desk.store, settings, "beta").owner
    for action in (queries.webhook, queries.deliveries, actions.disable_webhook, actions.delete_webhook):
        with pytest.raises(NotFound):
            desk.write(action, stranger, made.id)
    with pytest.raises(NotFound):
        desk.write(actions.rotate_secret, stranger, desk.vault, made.id)
    assert desk.read(queries.webhooks, stranger) == []


def test_there_are_at_most_twenty(desk: Desk) -> None:
    for _ in range(queries.WEBHOOKS_MAX):
        desk.webhook()
    with pytest.raises(NotNow, match="Delete one first"):
        desk.webhook()


def test_a_change_says_what_it_changed_and_a_new_address_begins_anew(desk: Desk) -> None:
    made = desk.webhook()
    with desk.store.write() as session:
        row = queries.row_for(session, desk.owner, made.id)
        row.failures = 3
    desk.write(actions.change_webhook, desk.owner, made.id, url="https://new.example.com", agents=["other"])
    found = desk.read(queries.webhook, desk.owner, made.id)
    assert (found.url, found.agents, found.failures) == ("https://new.example.com", ["other"], 0)
    assert found.events == ["run.failed"]
    assert "webhook.changed" in desk.audited()


def test_deleting_one_takes_its_messages_along(desk: Desk) -> None:
    made = desk.webhook()
    desk.write(actions.send_test, desk.owner, made.id, address="https://signoff.example.com")
    assert len(desk.rows()) == 1
    desk.write(actions.delete_webhook, desk.owner, made.id)
    assert desk.rows() == []
    assert desk.read(queries.webhooks, desk.owner) == []
