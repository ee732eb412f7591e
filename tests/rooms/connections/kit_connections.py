"""A workspace with its people, and connections in it."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.connections.keys import MasterKeys, keys_of, new_key_text
from signoff.connections.vault import Vault
from signoff.connectors.protocol import ToolSpec
from signoff.people.access import Principal
from signoff.people.actions import found_workspace
from signoff.tables.people import Environment
from signoff.tables.record import AuditRow
from signoff.tables.session import Store

URL = "https://erp.example.com/mcp"


@dataclass(frozen=True)
class Place:
    """One workspace: who acts in it, and its environments."""

    owner: Principal
    viewer: Principal
    staging: str
    production: str

    def as_role(self, role: Any, **more: Any) -> Principal:
        return Principal("member", f"mem_{role}", role, self.owner.workspace_id, role, **more)


def place(store: Store, slug: str = "acme") -> Place:
    with store.write() as session:
        founded = found_workspace(
            session, slug=slug, name=slug, owner_email=f"alice@{slug}.example", owner_name="Alice"
        )
        rows = session.scalars(select(Environment).where(Environment.workspace_id == founded.workspace_id))
        environments = {row.slug: row.id for row in rows}
    owner = Principal("member", founded.member_id, "Alice", founded.workspace_id, "owner")
    viewer = Principal("member", "mem_viewer", "Vic", founded.workspace_id, "viewer")
    return Place(owner, viewer, environments["staging"], environments["production"])


def vault() -> Vault:
    return Vault(keys_of([new_key_text()]))


def rotated(old: MasterKeys) -> Vault:
    new = keys_of([new_key_text()])
    return Vault(MasterKeys(new.current, (old.current,)))


def spec(name: str = "find_order", description: str = "Finds an order.", **annotations: Any) -> ToolSpec:
    return ToolSpec(name, description, {"type": "object", "properties": {}}, None, annotations)


def audited(session: Session, action: str) -> list[dict[str, Any]]:
    return list(session.scalars(select(AuditRow.detail).where(AuditRow.action == action).order_by(AuditRow.seq)))


def body(*slots: str) -> Any:
    return SimpleNamespace(tools=[SimpleNamespace(slot=slot) for slot in slots])
