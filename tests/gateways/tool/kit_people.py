"""A world in which somebody can be asked, and agrees."""

from __future__ import annotations

from typing import Any

from sqlalchemy import update

from signoff.approvals.actions import decide
from signoff.kit import clock
from signoff.people.access import Principal
from signoff.tables.agents import Agent
from signoff.tables.people import Member, Person
from signoff.tables.runs import Run
from tests.gateways.kit_world import World

GATE: dict[str, Any] = {"name": "bills", "tools": ["erp.post_bill"], "asks": ["owner"]}


def gated(world: World, **changes: Any) -> World:
    """The world with a gate, an owner who can be asked, and a run that is no test."""

    def people(session: Any) -> None:
        session.add(Person(id="per_bob", email="bob@acme.example", name="Bob", created_at=clock.now()))
        session.flush()
        session.add(
            Member(
                id="mem_bob", workspace_id=world.run.workspace_id, person_id="per_bob", role="builder",
                created_at=clock.now(),
            )
        )  # fmt: skip
        session.flush()
        session.get_one(Agent, world.run.agent_id).owner_id = "mem_bob"
        session.execute(update(Run).values(origin="production"))

    world.change(people)
    return world.with_body(gates=[{**GATE, **changes}])


def agreed(world: World, approval_id: str, **more: Any) -> None:
    bob = Principal("member", "mem_bob", "Bob", world.run.workspace_id, "builder")
    world.change(lambda session: decide(session, bob, approval_id, verdict="approve", **more))
