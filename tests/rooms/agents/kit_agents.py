"""A workspace with people, and bodies to freeze."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from signoff.agents.actions import create_agent
from signoff.kit import clock, ids
from signoff.people.access import Principal
from signoff.people.roles import Role
from signoff.tables.connections import Connection, Secret, Tool
from signoff.tables.people import Environment, Member, Person, Workspace
from signoff.tables.session import Store

SOP = "# Goal\nFile each bill.\n\n# Steps\n1. Read the mail.\n2. Post the bill."


@dataclass(frozen=True)
class Place:
    """A workspace with staging and production."""

    workspace_id: str
    environments: dict[str, str]


def body(**changes: Any) -> dict[str, Any]:
    """A body without errors that needs nothing from the workspace."""
    return {"sop": SOP, "model": {"name": "openai:gpt-5"}, **changes}


def place(store: Store, slug: str = "acme") -> Place:
    """Make a workspace."""
    moment = clock.now()
    with store.write() as session:
        workspace = Workspace(id=ids.new_id("ws"), slug=slug, name=slug, created_at=moment)
        session.add(workspace)
        session.flush()
        environments: dict[str, str] = {}
        for name in ("staging", "production"):
            row = Environment(
                id=ids.new_id("env"),
                workspace_id=workspace.id,
                slug=name,
                name=name,
                is_production=name == "production",
                created_at=moment,
            )
            session.add(row)
            environments[name] = row.id
        return Place(workspace.id, environments)


def person(store: Store, at: Place, name: str, role: Role = "owner") -> Principal:
    """Make a member."""
    moment = clock.now()
    email = f"{name.lower()}@{at.workspace_id}.example"
    with store.write() as session:
        human = Person(id=ids.new_id("per"), email=email, name=name, created_at=moment)
        session.add(human)
        session.flush()
        member = Member(
            id=ids.new_id("mem"), workspace_id=at.workspace_id, person_id=human.id, role=role, created_at=moment
        )
        session.add(member)
    return Principal("member", member.id, name, at.workspace_id, role, person_id=human.id)


def agent(store: Store, who: Principal, slug: str = "supplier-mail", **changes: Any) -> str:
    """Make an agent with a draft without errors; return its id."""
    with store.write() as session:
        return create_agent(session, who, slug=slug, name="Supplier mail", body=body(**changes))


def connection(session: Session, at: Place, environment: str, slug: str, tools: dict[str, Tool]) -> str:
    """Make a connection with tools."""
    row = Connection(
        id=ids.new_id("con"),
        workspace_id=at.workspace_id,
        environment_id=at.environments[environment],
        slug=slug,
        name=slug,
        kind="mcp_http",
        config={},
        created_at=clock.now(),
    )
    session.add(row)
    session.flush()
    for name, tool in tools.items():
        tool.id, tool.workspace_id, tool.connection_id, tool.name = ids.new_id("tool"), at.workspace_id, row.id, name
        session.add(tool)
    return row.id


def tool(effect: str = "read", state: str = "accepted", **arguments: dict[str, Any]) -> Tool:
    """A tool with these arguments."""
    return Tool(
        definition={"input_schema": {"type": "object", "properties": arguments}},
        definition_hash="0" * 64,
        effect=effect,
        effect_source="test",
        state=state,
        discovered_at=clock.now(),
    )


def secret(session: Session, at: Place, environment: str, name: str, connection_id: str) -> None:
    """Store a secret whose value nobody here can read."""
    session.add(
        Secret(
            id=ids.new_id("sec"),
            workspace_id=at.workspace_id,
            environment_id=at.environments[environment],
            name=name,
            connection_id=connection_id,
            hosts=[],
            ciphertext=b"x",
            nonce=b"y",
            key_id="k",
            created_at=clock.now(),
        )
    )
