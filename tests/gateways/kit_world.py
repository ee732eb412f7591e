"""A small workspace with an agent, a revision, a connection and a run, made straight in the tables."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from pydantic import SecretStr
from pydantic_ai.messages import ModelMessage, ModelRequest, UserPromptPart
from pydantic_ai.models import ModelRequestParameters
from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.agents.body import Body
from signoff.connections.keys import load_keys
from signoff.connections.secrets import Vault, create_secret
from signoff.connectors.protocol import ToolAnswer, ToolSpec
from signoff.gateways.model.call import ModelCall
from signoff.gateways.services import Services
from signoff.gateways.tool.call import ToolCall
from signoff.kit import clock, ids
from signoff.people.access import Principal
from signoff.runs.facts import RunContext
from signoff.settings import ModelProvider, Settings
from signoff.tables.agents import Agent, Revision
from signoff.tables.connections import Connection, Secret, Tool
from signoff.tables.people import Environment, Workspace
from signoff.tables.runs import Effect, Run, Step
from signoff.tables.session import Store

ANSWER: dict[str, Any] = {"ok": True}


@dataclass
class FakeLink:
    """A connector that does what a test tells it to, and keeps what it was sent."""

    behave: Callable[[str, dict[str, Any]], Any] = lambda tool, args: ANSWER
    sent: list[tuple[str, dict[str, Any], str | None]] = field(default_factory=list)
    configs: list[dict[str, Any]] = field(default_factory=list)
    hosts: tuple[str, ...] = ()
    is_alive: bool = True
    open_calls: int = 0

    async def list_tools(self) -> list[ToolSpec]:
        return []

    async def call(self, tool: str, args: dict[str, Any], *, key: str | None, timeout_seconds: float) -> ToolAnswer:
        self.sent.append((tool, args, key))
        answer = self.behave(tool, args)
        if isinstance(answer, Exception):
            raise answer
        if asyncio.iscoroutine(answer):
            answer = await answer
        return answer if isinstance(answer, ToolAnswer) else ToolAnswer(answer)

    async def check(self) -> None: ...

    async def close(self) -> None: ...


@dataclass
class FakePool:
    """A pool of one link."""

    only: FakeLink

    async def link(self, connection_id: str, version: int, kind: str, config: dict[str, Any]) -> FakeLink:
        self.only.configs.append(dict(config))
        return self.only

    async def close(self) -> None: ...


@dataclass
class World:
    """Everything a gateway test needs."""

    store: Store
    settings: Settings
    services: Services
    run: RunContext
    link: FakeLink
    principal: Principal
    connection_id: str

    def step(self, key: str) -> Step:
        with self.store.read() as session:
            return session.scalars(select(Step).where(Step.run_id == self.run.run_id, Step.key == key)).one()

    def row(self) -> Run:
        with self.store.read() as session:
            return session.get_one(Run, self.run.run_id)

    def effect(self, key: str) -> Effect | None:
        with self.store.read() as session:
            return session.get(Effect, key)

    def change(self, work: Callable[[Session], object]) -> None:
        with self.store.write() as session:
            work(session)

    def with_body(self, **changes: Any) -> World:
        """The same world with another revision body. `model` and `limits` are merged, other fields replaced."""
        plain = self.run.body.plain()
        for name, value in changes.items():
            plain[name] = {**plain[name], **value} if name in ("model", "limits") else value
        return replace(self, run=replace(self.run, body=Body.model_validate(plain)))

    def with_mode(self, mode: Any, replay_of: str | None = None) -> World:
        return replace(self, run=replace(self.run, mode=mode, replay_of=replay_of))

    def another_run(self) -> World:
        """The same revision on another input."""
        run_id = ids.new_id("run")
        self.change(lambda session: session.add(_run(self.run, run_id)))
        return replace(self, run=replace(self.run, run_id=run_id))

    def secret(self, name: str, value: str) -> None:
        self.change(
            lambda session: create_secret(
                session,
                self.principal,
                self.services.vault,
                connection_id=self.connection_id,
                name=name,
                value=value,
                agents=[self.run.agent_id],
            )
        )

    def with_secret(self, name: str) -> str:
        """Return the id of the secret of this name."""
        with self.store.read() as session:
            return session.scalars(select(Secret.id).where(Secret.name == name)).one()

    def call(self, tool: str = "post_bill", number: int = 1, **args: Any) -> ToolCall:
        call_id = f"call_{number}"
        return ToolCall(f"{self.run.run_id}:{call_id}", call_id, "erp", tool, args, turn=1)


def ask(words: str = "ping", number: int = 1, turn: int = 1, messages: list[ModelMessage] | None = None) -> ModelCall:
    history = messages or [ModelRequest(parts=[UserPromptPart(words)], instructions="Be brief.")]
    return ModelCall(f"m:1:{number}", turn, history, None, ModelRequestParameters(), len(history))


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for something that happens in another thread."""
    while not is_so():  # noqa: ASYNC110  # The fake provider's threads know no event loop.
        await asyncio.sleep(0.01)


def settings_for(settings: Settings, base_url: str | None = None, **changes: Any) -> Settings:
    providers = {
        name: ModelProvider(base_url=base_url, input_usd_per_million=3.0, output_usd_per_million=15.0)
        for name in ("fake", "other")
    }
    return settings.model_copy(update={"providers": providers if base_url else {}, **changes})


def make_world(store: Store, settings: Settings, *, model: str = "fake:gpt", **changes: Any) -> World:
    """Make the rows and return the world. `changes` go into the revision's body."""
    if settings.secret_key is None:
        settings = settings.model_copy(update={"secret_key": SecretStr(base64.b64encode(os.urandom(32)).decode())})
    link = FakeLink()
    services = replace(Services.build(settings, store, Vault(load_keys(settings))), pool=FakePool(link))
    body = Body.model_validate(
        {
            "sop": "Do the work.",
            "model": {"name": model, "retry": {"max_retries": 2, "backoff_ms": 1, "max_backoff_ms": 5}},
            "tools": [
                {"slot": "erp", "allow": [{"tool": "post_bill"}, {"tool": "look_up"}, {"tool": "set_status"}]},
            ],
            "secrets": ["token"],
            **changes,
        }
    )
    workspace, environment, agent, revision, connection = (
        ids.new_id(kind) for kind in ("ws", "env", "agt", "rev", "con")
    )
    run = RunContext(
        run_id=ids.new_id("run"), workspace_id=workspace, environment_id=environment, agent_id=agent,
        agent_slug="bills", revision_id=revision, revision_number=1, body=body, mode="live", replay_of=None, leg=1,
        requested_by="mem_x",
    )  # fmt: skip
    principal = Principal("member", "mem_x", "Alice", workspace, "owner")
    with store.write() as session:
        now = clock.now()
        session.add(Workspace(id=workspace, slug=workspace[-20:], name="W", time_zone="UTC", created_at=now))
        session.flush()
        session.add(Environment(id=environment, workspace_id=workspace, slug="production", name="P", created_at=now))
        session.add(
            Agent(id=agent, workspace_id=workspace, slug="bills", name="Bills", tags=[], state="active", created_at=now)
        )
        session.flush()
        session.add(
            Revision(
                id=revision, workspace_id=workspace, agent_id=agent, number=1, hash=body.hash, body=body.plain(),
                author_id="mem_x", author_name="Alice", reason="", created_at=now,
            )
        )  # fmt: skip
        session.add(
            Connection(
                id=connection, workspace_id=workspace, environment_id=environment, slug="erp", name="ERP",
                kind="mcp_stdio", config={"command": "erp"},
                state="active", created_at=now,
            )
        )  # fmt: skip
        session.flush()
        for name, effect in (("post_bill", "send"), ("look_up", "read"), ("set_status", "write")):
            session.add(_tool(workspace, connection, name, effect, is_idempotent=name == "set_status"))
        session.flush()
        session.add(_run(run, run.run_id))
    return World(store, settings, services, run, link, principal, connection)


def _tool(workspace: str, connection: str, name: str, effect: str, *, is_idempotent: bool) -> Tool:
    schema = {
        "type": "object",
        "properties": {"amount": {"type": "number", "minimum": 0}, "note": {"type": "string"}},
        "additionalProperties": False,
    }
    now = clock.now()
    return Tool(
        id=ids.new_id("tool"), workspace_id=workspace, connection_id=connection, name=name,
        definition={"name": name, "description": "", "input_schema": schema, "output_schema": None, "annotations": {}},
        definition_hash="a" * 64, effect=effect, effect_source="person", is_idempotent=is_idempotent, state="accepted",
        discovered_at=now, accepted_at=now,
    )  # fmt: skip


def _run(run: RunContext, run_id: str) -> Run:
    return Run(
        id=run_id, workspace_id=run.workspace_id, environment_id=run.environment_id, agent_id=run.agent_id,
        revision_id=run.revision_id, agent_slug="bills", agent_name="Bills", revision_number=1, state="running",
        origin="test", source="manual", mode=run.mode, requested_by="mem_x", requested_by_name="Alice",
        title="A bill", input={}, output=None, created_at=clock.now(), cost_usd=Decimal(0),
    )  # fmt: skip
