"""The lock holds what a revision refers to; what drifts from it is told once, and taken back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from signoff.agents.actions import create_agent, freeze_revision, save_draft
from signoff.agents.body import Body
from signoff.kit import clock, ids
from signoff.releases.actions import switch_live
from signoff.releases.drift_alerts import raise_drift_alerts
from signoff.releases.lock import drift
from signoff.tables.agents import Agent, Revision
from signoff.tables.connections import Connection, Tool
from signoff.tables.deployments import LiveRevision
from signoff.tables.limits import PriceOverride
from signoff.tables.probes import ProbePolicy
from signoff.tables.releases import Release
from signoff.tables.session import Store
from signoff.tables.watch import Alert
from tests.rooms.agents.kit_agents import body
from tests.rooms.agents.kit_instances import Instance, instance

TOOLS: dict[str, Any] = {"tools": [{"slot": "erp", "allow": [{"tool": "find"}, {"tool": "post"}]}]}


@pytest.fixture
def here(store: Store) -> Instance:
    """An installation in which revision 2 serves production by a release."""
    made = instance(store, "here")
    made.connect("production", "erp", find="read", post="write")
    agent = made.freeze()
    made.freeze_again(agent, 1, **TOOLS)
    switch_live(store, made.ann, agent, environment="production", revision=2, reason="go")
    return made


def drifts(at: Instance) -> list[tuple[str, str]]:
    with at.store.read() as session:
        release = session.scalars(select(Release).order_by(Release.id.desc()).limit(1)).one()
        return [(one.kind, one.name) for one in drift(session, release)]


def look(at: Instance) -> list[str]:
    """Look, and return the texts of the open alerts."""
    with at.store.write() as session:
        assert raise_drift_alerts(session) == ""
    with at.store.read() as session:
        wanted = select(Alert.text).where(Alert.kind == "release_drift", Alert.open_key.is_not(None))
        return list(session.scalars(wanted))


def change(at: Instance, name: str, **values: Any) -> None:
    with at.store.write() as session:
        tool = session.scalars(select(Tool).where(Tool.name == name)).one()
        for field, value in values.items():
            setattr(tool, field, value)


def test_the_switch_keeps_what_the_revision_refers_to(here: Instance):
    with here.store.read() as session:
        lock = session.scalars(select(Release)).one().lock
    price = lock["models"]["openai:gpt-5"]
    assert price["source"] == "listed"
    assert Decimal(price["output_usd"]) > Decimal(price["input_usd"]) > 0
    assert lock["slots"]["erp"]["tools"] == {
        "find": {"hash": "0" * 64, "effect": "read", "state": "accepted"},
        "post": {"hash": "0" * 64, "effect": "write", "state": "accepted"},
    }
    assert (lock["agents"], "policy" in lock, len(lock["revision"])) == ({}, False, 64)  # The policy is the release's.
    assert drifts(here) == []


def test_each_thing_that_drifts_is_named(here: Instance):
    change(here, "find", definition_hash="1" * 64)
    assert drifts(here) == [("tool", "erp.find")]
    change(here, "find", definition_hash="0" * 64)
    change(here, "post", effect="irreversible")
    assert drifts(here) == [("tool", "erp.post")]
    change(here, "post", effect="write", state="changed")
    assert drifts(here) == [("tool", "erp.post")]
    change(here, "post", state="accepted")
    with here.store.write() as session:
        session.add(
            PriceOverride(
                workspace_id=here.at.workspace_id, model="openai:gpt-5", input_usd=Decimal(9), output_usd=Decimal(90),
                changed_by="mem_x", changed_at=clock.now(),
            )
        )  # fmt: skip
    assert drifts(here) == [("price", "openai:gpt-5")]
    text = 'version: 1\nreviewers:\n  low: {people: 1, reason: "All of it."}\n'
    with here.store.write() as session:
        session.add(
            ProbePolicy(
                workspace_id=here.at.workspace_id, version=1, text=text, digest="0" * 64, reason="r",
                author_id="a", author_name="Ann", at=clock.now(),
            )
        )  # fmt: skip
        session.scalars(select(Connection)).one().state = "disconnected"
    assert drifts(here) == [("price", "openai:gpt-5"), ("connection", "erp"), ("policy", "probes")]


def test_a_sub_agent_that_follows_drifts_with_what_serves_and_a_pinned_one_does_not(here: Instance):
    with here.store.write() as session:
        helper = create_agent(session, here.ann, slug="helper", name="Helper", body=body())
        freeze_revision(session, here.ann, helper, reason="first")
    switch_live(here.store, here.ann, helper, environment="production", revision=1, reason="go")
    named = [{"agent": "helper", "tool": "ask_helper"}, {"agent": "helper", "revision": 1, "tool": "ask_first"}]
    with here.store.write() as session:
        agent = create_agent(session, here.ann, slug="front-desk", name="Desk", body=body(sub_agents=named))
        freeze_revision(session, here.ann, agent, reason="first")
    switch_live(here.store, here.ann, agent, environment="production", revision=1, reason="go")
    with here.store.read() as session:
        release = session.scalars(select(Release).order_by(Release.id.desc()).limit(1)).one()
        resolved = {tool: one["resolved"]["number"] for tool, one in (release.lock or {})["agents"].items()}
    assert resolved == {"ask_helper": 1, "ask_first": 1}
    assert drifts(here) == []
    with here.store.write() as session:
        save_draft(session, here.ann, helper, body=body(sop="Otherwise."), version=1)
        second = freeze_revision(session, here.ann, helper, reason="second")
        served = session.get_one(LiveRevision, (helper, release.environment_id))
        served.revision_id = second.id
    with here.store.read() as session:
        found = drift(session, session.get_one(Release, release.id))
    assert [(one.kind, one.name) for one in found] == [("agent", "helper")]
    assert found[0].text == "The sub-agent helper serves as revision 2 now, and did as 1 when this went live."


def test_one_alert_for_a_release_counted_by_change_and_taken_back(here: Instance):
    assert look(here) == []
    change(here, "find", definition_hash="1" * 64)
    (told,) = look(here)
    assert "supplier-mail in production" in told
    assert "erp.find" in told
    assert look(here) == [told]
    change(here, "post", effect="irreversible")
    (more,) = look(here)
    assert "erp.post" in more
    with here.store.read() as session:
        assert session.scalars(select(Alert.occurrences)).all() == [2]
    change(here, "find", definition_hash="0" * 64)
    change(here, "post", effect="write")
    assert look(here) == []


def test_an_alert_ends_with_its_release(here: Instance):
    change(here, "find", definition_hash="1" * 64)
    assert len(look(here)) == 1
    switch_live(here.store, here.ann, "supplier-mail", environment="production", revision=1, reason="back")
    assert look(here) == []


def serve_new(at: Instance, slug: str, **changes: Any) -> None:
    """One more agent, whose first revision serves."""
    with at.store.write() as session:
        agent = create_agent(session, at.ann, slug=slug, name=slug, body=body(**changes), owner_id=at.ann.id)
        freeze_revision(session, at.ann, agent, reason="first")
    switch_live(at.store, at.ann, slug, environment="production", revision=1, reason="go")


def serve_next(at: Instance, slug: str, number: int = 2, **changes: Any) -> None:
    """Let another content of an agent serve, whatever is to be said against it."""
    with at.store.write() as session:
        agent = session.scalars(select(Agent).where(Agent.slug == slug)).one()
        content = Body.model_validate(body(**changes))
        made = Revision(
            id=ids.new_id("rev"), workspace_id=agent.workspace_id, agent_id=agent.id, number=number, hash=content.hash,
            body=content.plain(), author_id="mem_x", author_name="Ann", reason="next", created_at=clock.now(),
        )  # fmt: skip
        session.add(made)
        session.flush()
        agent.last_revision = number
        session.execute(update(LiveRevision).where(LiveRevision.agent_id == agent.id).values(revision_id=made.id))


def asks(slug: str, revision: str = "live") -> dict[str, Any]:
    return {"sub_agents": [{"agent": slug, "tool": f"ask_{slug}", "revision": revision}]}


def texts(at: Instance, slug: str) -> list[str]:
    with at.store.read() as session:
        found = select(Release).join(Agent, Agent.id == Release.agent_id).where(Agent.slug == slug)
        return [one.text for one in drift(session, session.scalars(found).one())]


def test_what_drifts_behind_a_sub_agent_is_told_however_deep(here: Instance):
    serve_new(here, "prices", **TOOLS)
    serve_new(here, "orders", **asks("prices"))
    serve_new(here, "desk", **asks("orders"))
    with here.store.read() as session:
        lock = session.scalars(select(Release).join(Agent, Agent.id == Release.agent_id).where(Agent.slug == "desk"))
        below = (lock.one().lock or {})["below"]
    assert sorted(below) == ["orders@1", "prices@1"]
    assert below["orders@1"]["agents"]["ask_prices"]["resolved"]["number"] == 1
    assert texts(here, "desk") == []
    change(here, "post", effect="irreversible")
    assert texts(here, "desk") == ["erp.post counts as irreversible instead of write. The sub-agent prices uses it."]
    serve_next(here, "prices", sop="Otherwise.")
    told = "The sub-agent prices serves as revision 2 now, and did as 1 when this went live."
    assert texts(here, "desk") == [f"{told} The sub-agent orders uses it."]
    assert texts(here, "orders") == [told]


def test_agents_that_come_to_call_in_a_circle_end_the_lock(here: Instance):
    serve_new(here, "orders")
    serve_new(here, "prices", **asks("orders"))
    serve_new(here, "desk", **asks("prices"))
    serve_next(here, "orders", **asks("prices"))
    told = "The sub-agent orders serves as revision 2 now, and did as 1 when this went live."
    assert texts(here, "prices") == [told]
    assert texts(here, "desk") == [f"{told} The sub-agent prices uses it."]


def test_a_lock_of_before_knows_the_direct_ones_only(here: Instance):
    serve_new(here, "prices", **TOOLS)
    serve_new(here, "desk", **asks("prices"))
    with here.store.write() as session:
        release = session.scalars(select(Release).join(Agent, Agent.id == Release.agent_id).where(Agent.slug == "desk"))
        one = release.one()
        one.lock = {name: part for name, part in (one.lock or {}).items() if name != "below"}
    change(here, "post", effect="irreversible")
    assert texts(here, "desk") == []
