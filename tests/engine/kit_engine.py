"""A workspace with one agent, an outside system that remembers every call it got, and scripts for the model."""

from __future__ import annotations

import base64
import json
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import SecretStr
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo

from signoff.agents.body import Body
from signoff.connections.keys import load_keys
from signoff.connections.secrets import Vault
from signoff.connectors.pool import Pool
from signoff.connectors.protocol import ToolAnswer, ToolSpec
from signoff.connectors.vaults.stores import SecretStores
from signoff.gateways.masking import Masking
from signoff.gateways.model.prices import Prices
from signoff.gateways.model.providers import Providers
from signoff.gateways.services import Services
from signoff.kit import clock, ids
from signoff.people.access import Principal, system
from signoff.settings import Settings
from signoff.tables.agents import Agent, Revision
from signoff.tables.connections import Connection, Tool
from signoff.tables.deployments import LiveRevision
from signoff.tables.people import Environment, Workspace
from signoff.tables.session import Store

KEY = base64.b64encode(bytes(range(7, 39))).decode()
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
# Tool → effect class. `post_safe` may be repeated, the others may not.
TOOLS = {"look": "read", "post": "write", "pay": "irreversible", "post_safe": "write"}


class Ledger:
    """The outside system: every call that reached it, in a file of its own."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._open() as db:
            db.execute("create table if not exists calls (n integer primary key, key text, tool text, args text)")

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=20, isolation_level=None)

    def note(self, key: str | None, tool: str, args: dict[str, Any]) -> None:
        db = self._open()
        db.execute("insert into calls (key, tool, args) values (?, ?, ?)", (key, tool, json.dumps(args)))
        db.close()

    def calls(self, tool: str | None = None) -> list[tuple[str, dict[str, Any]]]:
        db = self._open()
        rows = db.execute("select tool, args from calls order by n").fetchall()
        db.close()
        return [(name, json.loads(args)) for name, args in rows if tool in (None, name)]

    def writes(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Every call that came with a key, which is every call that was to change something: key, tool, arguments."""
        db = self._open()
        rows = db.execute("select key, tool, args from calls where key is not null order by n").fetchall()
        db.close()
        return [(key, name, json.loads(args)) for key, name, args in rows]


Behave = Callable[[str, dict[str, Any]], Any]


@dataclass
class LedgerLink:
    """A link to the ledger. `behave` may wait, or answer otherwise than `{"ok": args}`."""

    ledger: Ledger
    behave: Behave | None = None
    hosts: tuple[str, ...] = ()
    is_alive: bool = True
    open_calls: int = 0

    async def list_tools(self) -> list[ToolSpec]:
        return []

    async def call(self, tool: str, args: dict[str, Any], *, key: str | None, timeout_seconds: float) -> ToolAnswer:
        self.ledger.note(key, tool, args)
        if self.behave is not None:
            answer = self.behave(tool, args)
            answer = await answer if hasattr(answer, "__await__") else answer
            if isinstance(answer, ToolAnswer):
                return answer
        return ToolAnswer({"ok": args})

    async def check(self) -> None:
        return None

    async def close(self) -> None:
        return None


class LedgerPool:
    """A pool whose every link leads to the ledger."""

    def __init__(self, link: LedgerLink) -> None:
        self.opened = link

    async def link(self, *_: Any) -> LedgerLink:
        return self.opened

    async def close(self) -> None:
        return None


def engine_settings(data_dir: Path, database_url: str, **changes: Any) -> Settings:
    """Settings for an engine that reacts quickly."""
    values: dict[str, Any] = {
        "data_dir": data_dir,
        "database_url": database_url,
        "secret_key": SecretStr(KEY),
        "allow_scripted_models": True,
        "poll_seconds": 0.2,
        "lease_seconds": 4.0,
        "heartbeat_seconds": 0.5,
        "shutdown_grace_seconds": 0.0,
        **changes,
    }
    return Settings(**values)


def services_for(settings: Settings, store: Store, ledger: Ledger, behave: Behave | None = None) -> Services:
    """The services of a process, with the ledger as its only outside system."""
    vault = Vault(load_keys(settings))
    return Services(
        settings=settings,
        store=store,
        pool=cast("Pool", LedgerPool(LedgerLink(ledger, behave))),
        vault=vault,
        providers=Providers(settings),
        prices=Prices(settings),
        masking=Masking(vault),
        stores=SecretStores(settings),
    )


@dataclass(frozen=True)
class House:
    """Where the runs of a test happen."""

    workspace_id: str
    agent_id: str
    connection_id: str
    environment_id: str

    @property
    def who(self) -> Principal:
        return system(self.workspace_id)


def house(store: Store, script: str, *, slug: str = "acme", **changes: Any) -> House:
    """Make a workspace with an agent whose live revision follows `script` and may call the ledger's tools."""
    moment = clock.now()
    with store.write() as session:
        workspace = Workspace(id=ids.new_id("ws"), slug=slug, name=slug, created_at=moment)
        session.add(workspace)
        session.flush()
        environment = Environment(
            id=ids.new_id("env"), workspace_id=workspace.id, slug="production", name="Production",
            is_production=True, created_at=moment,
        )  # fmt: skip
        session.add(environment)
        session.flush()
        connection = Connection(
            id=ids.new_id("con"), workspace_id=workspace.id, environment_id=environment.id, slug="erp", name="ERP",
            kind="mcp_http", config={}, created_at=moment,
        )  # fmt: skip
        session.add(connection)
        session.flush()
        for name, effect in TOOLS.items():
            spec = ToolSpec(name, f"The tool {name}.", SCHEMA)
            session.add(
                Tool(
                    id=ids.new_id("tool"), workspace_id=workspace.id, connection_id=connection.id, name=name,
                    definition=spec.definition, definition_hash=spec.hash, effect=effect, effect_source="test",
                    is_idempotent=name == "post_safe", state="accepted", discovered_at=moment,
                )
            )  # fmt: skip
        made = House(workspace.id, "", connection.id, environment.id)
    return House(made.workspace_id, agent(store, made, script, **changes), made.connection_id, made.environment_id)


def agent(store: Store, at: House, script: str, *, slug: str = "clerk", **changes: Any) -> str:
    """Make one more agent, live; return its id."""
    moment = clock.now()
    plain: dict[str, Any] = {
        "sop": "Do the work.",
        "model": {"name": f"scripted:{script}", "retry": {"max_retries": 0}, **changes.pop("model", {})},
        "tools": [{"slot": "erp", "allow": [{"tool": name} for name in TOOLS]}],
        # What cannot be undone needs a gate in production; this one asks nobody about the numbers of these tests.
        "gates": [{"name": "payments", "effects": ["irreversible"], "unless": {"n": {"minimum": 0}}}],
        **changes,
    }
    body = Body.model_validate(plain)
    with store.write() as session:
        row = Agent(
            id=ids.new_id("agt"), workspace_id=at.workspace_id, slug=slug, name="Clerk", tags=[], last_revision=1,
            created_at=moment,
        )  # fmt: skip
        session.add(row)
        session.flush()
        revision = Revision(
            id=ids.new_id("rev"), workspace_id=at.workspace_id, agent_id=row.id, number=1, hash=body.hash,
            body=body.plain(), author_id="mem_test", author_name="Test", reason="first", created_at=moment,
        )  # fmt: skip
        session.add(revision)
        session.flush()
        session.add(
            LiveRevision(
                agent_id=row.id, environment_id=at.environment_id, workspace_id=at.workspace_id,
                revision_id=revision.id, changed_at=moment,
            )
        )  # fmt: skip
        return row.id


Turn = Sequence[tuple[str, dict[str, Any]]] | str
Script = Callable[[list[ModelMessage], AgentInfo], ModelResponse | Awaitable[ModelResponse]]


def turns(*said: Turn) -> Callable[[list[ModelMessage], AgentInfo], ModelResponse]:
    """A script: a text is the answer, a list of (tool, args) are calls made at once; `slot:tool` is not of the ERP."""

    def play(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        number = sum(isinstance(message, ModelResponse) for message in messages)
        now = said[min(number, len(said) - 1)]
        if isinstance(now, str):
            return ModelResponse(parts=[TextPart(now)])
        named = [(tool.replace(":", "_") if ":" in tool else f"erp_{tool}", args) for tool, args in now]
        return ModelResponse(parts=[ToolCallPart(name, args) for name, args in named])

    return play


def calling(*said: Turn) -> Script:
    """A script: a text is the answer, a list of (name, args) are calls made at once, named as the model knows them."""

    def play(messages: list[ModelMessage], info: Any) -> ModelResponse:
        number = sum(isinstance(message, ModelResponse) for message in messages)
        now = said[min(number, len(said) - 1)]
        if isinstance(now, str):
            return ModelResponse(parts=[TextPart(now)])
        return ModelResponse(parts=[ToolCallPart(name, args) for name, args in now])

    return play
