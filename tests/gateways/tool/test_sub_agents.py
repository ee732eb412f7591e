"""An agent calls another one only when it is there, may be started, and takes what it is given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.gateways.tool.call import ToolCall, ToolOutcome
from signoff.gateways.tool.gateway import act
from signoff.kit import clock
from signoff.tables.agents import Agent, Revision
from signoff.tables.people import ApiKey, Member, Person
from signoff.tables.runs import Run
from tests.gateways.kit_world import World

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)

SCHEMA = {"type": "object", "properties": {"topic": {"type": "string"}}, "required": ["topic"]}


def _with_reader(world: World, *, state: str = "active", **entry: Any) -> World:
    """The same world with another agent, `reader`, which the revision may call as `ask_reader`."""
    body = Body.model_validate({"sop": "Read.", "model": {"name": "fake:gpt"}, "input_schema": SCHEMA})
    run, now = world.run, clock.now()

    def made(session: Session) -> None:
        session.add(Person(id="per_x", email="alice@acme.example", name="Alice", created_at=now))
        session.add(
            Agent(
                id="agt_reader", workspace_id=run.workspace_id, slug="reader", name="Reader", tags=[], state=state,
                created_at=now,
            )
        )  # fmt: skip
        session.flush()
        session.add(
            Member(
                id="mem_x", workspace_id=run.workspace_id, person_id="per_x", role="owner", created_at=now,
                state="active",
            )
        )  # fmt: skip
        session.add(
            Revision(
                id="rev_reader", workspace_id=run.workspace_id, agent_id="agt_reader", number=1, hash=body.hash,
                body=body.plain(), author_id="mem_x", author_name="Alice", reason="", created_at=now,
            )
        )  # fmt: skip

    world.change(made)
    return world.with_body(
        sub_agents=[{"agent": "reader", "revision": "1", "tool": "ask_reader", **entry}], rules={"flow": "off"}
    )


async def _asked(world: World, number: int = 1, **args: Any) -> tuple[ToolCall, ToolOutcome]:
    call = replace(world.call("ask_reader", number, **args), slot="", turn=number)
    return call, await act(world.services, world.run, call)


def _children(world: World) -> list[Run]:
    with world.store.read() as session:
        return list(session.scalars(select(Run).where(Run.parent_run_id == world.run.run_id)))


async def test_a_call_that_may_be_starts_one_run_however_often_it_is_made(world: World) -> None:
    at = _with_reader(world)
    call, outcome = await _asked(at, topic="prices")
    again = await act(at.services, at.run, call)
    (child,) = _children(at)
    assert (outcome.kind, again.kind) == ("held", "held")
    assert (child.agent_id, child.depth, child.root_run_id) == ("agt_reader", 1, at.run.run_id)
    # No connection has anything to do with it.
    assert at.link.sent == []


@pytest.mark.parametrize(
    ("entry", "state", "args", "code"),
    [
        ({"agent": "nobody"}, "active", {"topic": "x"}, "sub_agent_missing"),
        ({"revision": "7"}, "active", {"topic": "x"}, "sub_agent_missing"),
        ({"revision": "live"}, "active", {"topic": "x"}, "sub_agent_not_live"),
        ({"agent": "bills", "revision": "1"}, "active", {"topic": "x"}, "sub_agent_cycle"),
        ({}, "disabled", {"topic": "x"}, "agent_disabled"),
        ({}, "active", {"topic": 7}, "bad_arguments"),
        ({}, "active", {}, "bad_arguments"),
    ],
)
async def test_what_may_not_be_called_starts_nothing_and_says_why(
    world: World, entry: dict[str, Any], state: str, args: dict[str, Any], code: str
) -> None:
    at = _with_reader(world, state=state, **entry)
    call, outcome = await _asked(at, **args)
    step = at.step(call.key)
    assert (outcome.kind, outcome.code, step.state) == ("failed", code, "refused")
    assert step.verdicts[-1]["policy"] == "sub_agents"
    assert _children(at) == []


def _asked_with(world: World, **key: Any) -> World:
    """The same run, asked for with an API key of Alice, who owns the workspace."""
    row = ApiKey(
        id="key_x", workspace_id=world.run.workspace_id, owner_kind="member", owner_id="mem_x", name="Robot",
        prefix="abcdefghij", key_hash="0" * 64, created_by="mem_x", created_at=clock.now(),
        **{"role": "owner", "scopes": [], **key},
    )  # fmt: skip
    world.change(lambda session: session.add(row))
    return replace(world, run=replace(world.run, requested_with="key_x"))


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ({"role": "viewer"}, "Alice, key Robot, for whom this run works, may not start reader."),
        ({"scopes": ["run.read"]}, "Alice, key Robot, for whom this run works, may not start reader."),
        ({"revoked_at": clock.now()}, "Whoever this run works for: the key it was asked for with was revoked."),
    ],
)
async def test_a_key_asks_another_agent_for_no_more_than_it_may_itself(
    world: World, key: dict[str, Any], words: str
) -> None:
    at = _asked_with(_with_reader(world), **key)
    _, outcome = await _asked(at, topic="prices")
    assert (outcome.code, outcome.reason) == ("sub_agent_not_allowed", words)
    assert _children(at) == []


async def test_a_key_that_may_start_the_other_agent_does(world: World) -> None:
    at = _asked_with(_with_reader(world), scopes=["run.start"])
    await _asked(at, topic="prices")
    assert len(_children(at)) == 1


async def test_whoever_is_no_member_any_more_starts_nothing_through_another_agent(world: World) -> None:
    at = _with_reader(world)
    gone = replace(at, run=replace(at.run, requested_by="mem_gone"))
    _, outcome = await _asked(gone, topic="prices")
    assert outcome.code == "sub_agent_not_allowed"
    assert _children(gone) == []
