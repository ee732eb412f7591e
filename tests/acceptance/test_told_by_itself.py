"""Nobody wrote a step that tells: a run fails, a connection breaks, and whoever answers for it hears of it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.acceptance.product import Product, free_port, until
from tests.acceptance.releasing import Colleague, colleague
from tests.acceptance.scripts import acts
from tests.engine.test_mailing import Box
from tests.fake_provider import FakeProvider, status
from tests.kit_hook import hook_server


@pytest.fixture(scope="module")
def post() -> Generator[tuple[Box, int]]:
    """The operator's mail server."""
    kept, port = Box(), free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    yield kept, port
    controller.stop()


@pytest.fixture(scope="module")
def mailing(own_product: Callable[..., Product], post: tuple[Box, int]) -> Product:
    """An installation that sends mail."""
    made = own_product(smtp_url=f"smtp://127.0.0.1:{post[1]}", mail_from="Signoff <signoff@example.com>").start()
    made.connect()
    return made


@pytest.fixture(scope="module")
def nora(mailing: Product) -> Colleague:
    """She will own the agents."""
    return colleague(mailing, "Nora")


def told(product: Product, agent: str) -> list[dict[str, Any]]:
    """What people were told of an agent, the oldest first."""
    return [one for one in reversed(product.get("notices")["items"]) if one["agent"] == agent]


def mails(box: Box, words: str) -> list[str]:
    """What was mailed with these words in it."""
    texts = [mail.content.decode().replace("=\r\n", "") for mail in box.mails]
    return [text for text in texts if words in text]


def test_d124_a_crash_is_mailed_to_the_owner_without_a_step_in_the_sop_and_an_outage_is_one_mail(
    mailing: Product, post: tuple[Box, int], provider: FakeProvider, nora: Colleague
):
    slug = mailing.agent("d124")
    nora.sit(slug, "build")
    provider.will(slug, status(400, "SECRET-WORDS of the provider"))
    first = mailing.run(slug, "INPUT-WORDS")["run"]
    assert (first["state"], first["origin"]) == ("failed", "production")
    until(lambda: [one["state"] for one in told(mailing, slug)] == ["sent"], "the owner to be told")
    (text,) = mails(post[0], "d124: a run failed")
    assert f"/runs/{first['id']}" in text
    assert "WORDS" not in text
    for _ in range(4):
        mailing.run(slug)
    assert len(told(mailing, slug)) == 1
    assert len(mails(post[0], "d124: a run failed")) == 1
    (notice,) = told(mailing, slug)
    assert (notice["kind"], notice["name"], notice["channel"]) == ("run_failed", "Nora", "mail")


def test_d124_an_agents_own_channel_is_told_as_well_and_a_member_chooses_theirs(
    mailing: Product, provider: FakeProvider, nora: Colleague
):
    slug = mailing.agent("d124-channels")
    nora.sit(slug, "build")
    with hook_server() as desk, hook_server() as own:
        mailing.post(f"agents/{slug}/channels", {"kind": "webhook", "name": "desk", "target": desk.url()})
        mine = nora.call("POST", "channels", json={"kind": "slack", "name": "mine", "target": own.url()})
        assert mine.status_code == 201, mine.text
        provider.will(slug, status(400))
        run = mailing.run(slug)["run"]["id"]
        until(lambda: desk.posts and own.posts, "both to be told")
        until(lambda: {one["state"] for one in told(mailing, slug)} == {"sent"}, "both to be noted")
        (notice,) = desk.bodies()[0]["notices"]
        assert (notice["event"], notice["run"]) == ("run_failed", run)
        assert "a run failed" in str(own.bodies()[0]["blocks"])
        assert {(one["channel"], one["name"]) for one in told(mailing, slug)} == {
            ("webhook", "desk"),
            ("slack", "Nora"),
        }
    removed = nora.call("DELETE", f"channels/{mine.json()['id']}")
    assert removed.status_code == 200


def test_d124_an_alert_about_an_agent_is_told_to_its_owner(
    mailing: Product, post: tuple[Box, int], provider: FakeProvider, nora: Colleague
):
    slug = mailing.agent("d124-alert", tools=("vanish",))
    nora.sit(slug, "build")
    provider.will(slug, acts("vanish"))
    assert mailing.run(slug, "gone")["run"]["waiting_for"] == "reconciliation"
    until(lambda: [one["kind"] for one in told(mailing, slug)] == ["effect_unknown"], "the owner to be told")
    until(lambda: mails(post[0], "d124-alert: Effect unknown"), "the mail")
    assert [one["kind"] for one in mailing.get("alerts", agent=slug)["items"]] == ["effect_unknown"]
