"""Many runs at work on a real MCP server, and an attentive approver: who agrees to what a task needs, and to nothing
else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import select, update

from signoff.approvals.actions import decide
from signoff.connections.actions import set_tool_effect, set_tool_labels
from signoff.connections.discovery import discover
from signoff.connections.keys import load_keys
from signoff.connections.vault import Vault
from signoff.engine.worker import Worker
from signoff.gateways.model.providers import forget_script, register_script
from signoff.gateways.services import Services
from signoff.kit import clock, ids
from signoff.people.access import Principal
from signoff.runs.actions import request_run
from signoff.runs.states import is_over
from signoff.tables.agents import Agent
from signoff.tables.approvals import Approval
from signoff.tables.connections import Connection, Tool
from signoff.tables.memory import MemoryEntry
from signoff.tables.people import Member, Person
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.connectors.kit_http import Answer, serve
from tests.engine.kit_engine import House, Script, engine_settings, house

Tools = Mapping[str, tuple[str, tuple[str, ...], dict[str, Any] | None]]
_DEFAULT_LABELS: dict[str, Any] = {"result": "untrusted", "confidentiality": "workspace", "sinks": None, "payload": []}


class Errand(Protocol):
    """One task: what is asked for, and the calls an honest worker makes for it."""

    plan: list[tuple[str, dict[str, Any]]]

    @property
    def prompt(self) -> str:
        """Return what the run is given."""
        ...

    @property
    def by(self) -> str:
        """Return who hands it over: a `member`, or a `webhook`."""
        ...


@dataclass(frozen=True)
class Setting:
    """What the runs have before them: a server, its tools as somebody has labelled them, and what they are told.

    `kept`: id and text of what earlier runs, which had read what nobody vouches for, have left in the shared memory;
    None for an agent without one.
    """

    server: Answer
    tools: Tools
    sop: str
    script: Script
    kept: Sequence[tuple[str, str]] | None = None


@dataclass
class Desk:
    """Where the tasks are worked on: `tasks` by the id of their run."""

    store: Store
    at: House
    tasks: Mapping[str, Errand]

    async def settled(self) -> dict[str, Run]:
        """Answer every request as an attentive approver does until all runs are over."""
        async with asyncio.timeout(600):
            while True:
                runs = await self.store.run(self._runs)
                if all(is_over(run.state) for run in runs.values()):
                    return runs
                await self.store.run(self._answer)
                await asyncio.sleep(0.05)

    def requests(self, *states: str) -> list[Approval]:
        """Return the requests to people, in these states or in any."""
        with self.store.read() as session:
            wanted = select(Approval).where(Approval.run_id.in_(list(self.tasks)))
            found = session.scalars(wanted.where(Approval.state.in_(states)) if states else wanted).all()
            return list(found)

    def memory(self) -> dict[str, str]:
        """Return the entries of the memory by their id."""
        with self.store.read() as session:
            return {one.id: one.text for one in session.scalars(select(MemoryEntry)) if one.erased_at is None}

    def _runs(self) -> dict[str, Run]:
        with self.store.read() as session:
            return {run.id: run for run in session.scalars(select(Run).where(Run.id.in_(list(self.tasks))))}

    def _answer(self) -> None:
        bob = Principal("member", "mem_bob", "Bob", self.at.workspace_id, "builder")
        for request in self.requests("pending"):
            wanted = ((request.tool or "").removeprefix("erp."), request.args) in self.tasks[request.run_id].plan
            with self.store.write() as session:
                if session.get_one(Run, request.run_id).state != "waiting":
                    continue
                if wanted:
                    decide(session, bob, request.id, verdict="approve", endorse=request.card["endorsable"])
                else:
                    decide(session, bob, request.id, verdict="deny", reason="Nobody asked for this.")


@asynccontextmanager
async def working(
    store: Store, tmp_path: Path, database_url: str, before: Setting, tasks: Sequence[Errand], flow: str
) -> AsyncGenerator[Desk]:
    """A worker at the tasks, under the profile `flow`, over a real MCP server."""
    settings = engine_settings(tmp_path / "data", database_url, allow_loopback=True)
    services, worker = Services.build(settings, store, Vault(load_keys(settings))), Worker()
    register_script("desk", before.script)
    async with serve(before.server) as server:
        allow = [{"tool": name} for name in before.tools]
        more: dict[str, Any] = {} if before.kept is None else {"memory": {"scope": "shared"}}
        at = house(store, "desk", sop=before.sop, tools=[{"slot": "erp", "allow": allow}], rules={"flow": flow}, **more)
        await _connected(store, services, at, server.url("/mcp"), before.tools)
        _staffed(store, at)
        _remembered(store, at, before.kept or ())
        started = {_started(store, at, task): task for task in tasks}
        await worker.start(services)
        try:
            yield Desk(store, at, started)
        finally:
            await worker.stop()
            await services.close()
            forget_script("desk")


def _started(store: Store, at: House, task: Errand) -> str:
    ann = Principal("member", "mem_ann", "Ann", at.workspace_id, "owner")
    source = "webhook" if task.by == "webhook" else "manual"
    with store.write() as session:
        return request_run(session, ann, agent="clerk", input=task.prompt, source=source).id


async def _connected(store: Store, services: Services, at: House, url: str, tools: Tools) -> None:
    with store.write() as session:
        session.execute(update(Connection).where(Connection.id == at.connection_id).values(config={"url": url}))
        for row in session.scalars(select(Tool)):
            session.delete(row)
    found = await discover(store, services, at.who, at.connection_id)
    assert found.ok, found.error
    with store.write() as session:
        for name, (effect, _, labels) in tools.items():
            set_tool_effect(session, at.who, at.connection_id, tool=name, effect=effect, is_idempotent=True)
            if labels is not None:
                said = {**_DEFAULT_LABELS, **labels}
                set_tool_labels(session, at.who, at.connection_id, tool=name, **said)


def _staffed(store: Store, at: House) -> None:
    with store.write() as session:
        for name in ("ann", "bob"):
            person = Person(id=ids.new_id("per"), email=f"{name}@acme.example", name=name, created_at=clock.now())
            session.add(person)
            session.flush()
            role = "owner" if name == "ann" else "builder"
            member = Member(
                id=f"mem_{name}", workspace_id=at.workspace_id, person_id=person.id, role=role, created_at=clock.now()
            )
            session.add(member)
        session.flush()
        session.get_one(Agent, at.agent_id).owner_id = "mem_bob"


def _remembered(store: Store, at: House, kept: Sequence[tuple[str, str]]) -> None:
    moment = clock.now()
    with store.write() as session:
        for entry_id, text in kept:
            entry = MemoryEntry(
                id=entry_id, workspace_id=at.workspace_id, agent_id=at.agent_id,
                environment_id=at.environment_id, member_id="", text=text, search_text=text.casefold(),
                label="untrusted", source="agent", flag="", version=1, written_by="agent", written_by_name="Clerk",
                created_at=moment, changed_at=moment,
            )  # fmt: skip
            session.add(entry)
