"""Agents that call each other: each follows a script of its own."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from pydantic_ai.messages import ModelMessage, ToolReturnPart
from sqlalchemy import select, update

from signoff.agents.body import Body
from signoff.gateways.model.providers import forget_script, register_script
from signoff.kit import clock, ids
from signoff.people.access import Principal
from signoff.people.key_queries import principal_of_key_id
from signoff.people.membership import principal_of_member
from signoff.runs.family import Family, family_of
from signoff.tables.agents import Agent, AgentGrant, Revision
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import ApiKey, CustomRole, Member, Person
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.engine.conftest import Bench
from tests.engine.kit_engine import House, Script, agent


def noting(script: Script, told: list[Any]) -> Script:
    """The same script, which notes what each of its calls was answered with."""

    def play(messages: list[ModelMessage], info: Any) -> Any:
        told[:] = [
            (part.outcome, part.content)
            for message in messages
            for part in getattr(message, "parts", ())
            if isinstance(part, ToolReturnPart)
        ]
        return script(messages, info)

    return play


def names(slug: str, revision: str | int = "live", **more: Any) -> dict[str, Any]:
    return {"agent": slug, "revision": revision, "tool": f"ask_{slug.replace('-', '_')}", **more}


@contextmanager
def scripts(usd_per_million: Decimal = Decimal(0), **said: Script) -> Generator[None]:
    for name, script in said.items():
        register_script(
            name, script, input_usd_per_million=usd_per_million, output_usd_per_million=usd_per_million
        )  # fmt: skip
    try:
        yield
    finally:
        for name in said:
            forget_script(name)


def helper(bench: Bench, at: House, slug: str, **changes: Any) -> str:
    """One more agent, which follows the script of its slug."""
    return agent(bench.store, at, slug.replace("-", "_"), slug=slug, **changes)


def family(store: Store, run_id: str) -> Family:
    with store.read() as session:
        return family_of(session, run_id)


def children(store: Store, run_id: str) -> list[Run]:
    with store.read() as session:
        return list(session.scalars(select(Run).where(Run.parent_run_id == run_id).order_by(Run.id)))


def second(bench: Bench, at: House, slug: str, **changes: Any) -> None:
    """Freeze a second revision of an agent and let it serve."""
    with bench.store.write() as session:
        row = session.scalars(select(Agent).where(Agent.slug == slug, Agent.workspace_id == at.workspace_id)).one()
        first = session.scalars(select(Revision).where(Revision.agent_id == row.id)).one()
        body = Body.model_validate({**first.body, **changes})
        made = Revision(
            id=ids.new_id("rev"), workspace_id=at.workspace_id, agent_id=row.id, number=2, hash=body.hash,
            body=body.plain(), author_id="mem_test", author_name="Test", reason="second", created_at=clock.now(),
        )  # fmt: skip
        session.add(made)
        session.flush()
        row.last_revision = 2
        session.get_one(LiveRevision, (row.id, at.environment_id)).revision_id = made.id


def viewer_who_may_start(bench: Bench, at: House, agent_id: str) -> Principal:
    """Cora, a viewer who holds the level operator on one agent."""
    moment = clock.now()
    with bench.store.write() as session:
        session.add(Person(id="per_cora", email="cora@acme.example", name="Cora", created_at=moment))
        session.flush()
        member = Member(
            id="mem_cora", workspace_id=at.workspace_id, person_id="per_cora", role="viewer", created_at=moment,
            state="active",
        )  # fmt: skip
        session.add(member)
        session.flush()
        session.add(
            AgentGrant(
                id=ids.new_id("grt"), workspace_id=at.workspace_id, agent_id=agent_id, holder_kind="member",
                holder_id="mem_cora", level="operator", granted_by="mem_test", granted_by_name="Test",
                granted_at=moment,
            )
        )  # fmt: skip
        session.flush()
        return principal_of_member(session, member, session.get_one(Person, "per_cora"))


def key_that_may_start(bench: Bench, at: House, *, without: str) -> Principal:
    """A key of Cora, who owns the workspace. It starts what is hers, which is every agent but one."""
    moment = clock.now()
    with bench.store.write() as session:
        session.add(Person(id="per_cora", email="cora@acme.example", name="Cora", created_at=moment))
        session.flush()
        cora = Member(id="mem_cora", workspace_id=at.workspace_id, person_id="per_cora", role="owner", state="active",
                      created_at=moment)  # fmt: skip
        role = CustomRole(
            id=ids.new_id("role"), workspace_id=at.workspace_id, slug="own-runs", name="Own runs",
            permissions={"run.start": "own", "run.read": "own"}, created_by="mem_cora", created_at=moment,
            changed_at=moment,
        )  # fmt: skip
        session.add_all((cora, role))
        session.flush()
        session.execute(update(Agent).where(Agent.id != without).values(owner_id="mem_cora"))
        key = ApiKey(
            id="key_cora", workspace_id=at.workspace_id, owner_kind="member", owner_id="mem_cora", name="Robot",
            prefix="abcdefghij", key_hash="0" * 64, role="own-runs", scopes=[], created_by="mem_cora",
            created_at=moment,
        )  # fmt: skip
        session.add(key)
        session.flush()
        found = principal_of_key_id(session, key.id)
        assert isinstance(found, Principal)
        return found
