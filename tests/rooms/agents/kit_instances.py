"""Installations with a database, a master key and a workspace of their own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from signoff.agents.actions import create_agent, save_draft
from signoff.agents.signed_bundle import export_bundle, trust_key, trusted_keys
from signoff.connections.secrets import create_secret
from signoff.connections.signing import signer_for
from signoff.connections.vault import Vault
from signoff.deployments.actions import freeze_and_serve_first
from signoff.people.access import Principal
from signoff.tables.connections import Connection
from signoff.tables.session import Store
from tests.rooms.agents import kit_agents as kit
from tests.rooms.connections.kit_connections import vault


@dataclass(frozen=True)
class Instance:
    """One installation, and Ann who owns its only workspace."""

    store: Store
    at: kit.Place
    ann: Principal
    name: str
    vault: Vault = field(default_factory=vault)

    def connect(self, environment: str, slug: str, **tools: str) -> str:
        """Make a connection with tools by effect."""
        with self.store.write() as session:
            offered = {name: kit.tool(effect) for name, effect in tools.items()}
            made = kit.connection(session, self.at, environment, slug, offered)
            session.get_one(Connection, made).config = {"url": f"https://{slug}.example.com/mcp"}
        return made

    def keep(self, name: str, connection_id: str, value: str) -> None:
        """Enter a secret."""
        with self.store.write() as session:
            create_secret(session, self.ann, self.vault, connection_id=connection_id, name=name, value=value)

    def freeze(self, slug: str = "supplier-mail", **changes: Any) -> str:
        """Make an agent and freeze it; return its id."""
        with self.store.write() as session:
            agent = create_agent(session, self.ann, slug=slug, name="Supplier mail", body=kit.body(**changes))
            freeze_and_serve_first(session, self.ann, agent, reason="first")
        return agent

    def freeze_again(self, agent: str, version: int, **changes: Any) -> int:
        """Freeze another text of it; return its number."""
        with self.store.write() as session:
            save_draft(session, self.ann, agent, body=kit.body(**changes), version=version)
            return freeze_and_serve_first(session, self.ann, agent, reason="next").number

    def export(self, agent: str = "supplier-mail", revision: int | str = 1) -> bytes:
        """Take a revision away."""
        with self.store.write() as session:
            return export_bundle(session, self.ann, self.vault, agent, revision, instance=self.name).data

    @property
    def key(self) -> str:
        """The public key it signs with."""
        with self.store.write() as session:
            return signer_for(session, self.vault).public_key

    def trust(self, other: Instance) -> str:
        """Take the other's bundles from now on."""
        with self.store.write() as session:
            return trust_key(session, self.ann, public_key=other.key, name=other.name)

    def trusted(self) -> dict[str, str]:
        """The names of the keys it takes bundles of."""
        with self.store.read() as session:
            return {one.public_key: one.name for one in trusted_keys(session, self.ann)}


def instance(store: Store, name: str) -> Instance:
    """Set one up."""
    at = kit.place(store)
    return Instance(store, at, kit.person(store, at, "Ann"), f"https://{name}.example")
