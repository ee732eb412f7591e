"""The stage is set once; a later start leaves alone what people made of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import func, select

from signoff.agents.actions import save_draft
from signoff.agents.queries import agent_by_slug, draft_of, revisions_page
from signoff.connections.keys import load_keys
from signoff.connections.queries import connection_by_slug, tools_of
from signoff.connections.secrets.queries import secrets_page
from signoff.connections.vault import Vault
from signoff.demo import script
from signoff.demo.erp import tokens
from signoff.demo.stage import AGENT, Stage, demo_settings, erp_database, set_the_stage
from signoff.deployments.queries import live_revision
from signoff.gateways.services import Services
from signoff.people.queries import environment_by_slug
from signoff.settings import Settings
from signoff.tables.connections import Connection, Secret
from signoff.tables.people import Workspace
from signoff.tables.session import Store

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def on_stage(
    settings: Settings, store: Store, mail: Path, model: str = script.MODEL
) -> AsyncGenerator[tuple[Stage, Services]]:
    """Set the stage in a process of its own, as far as connections go."""
    await store.run(mail.mkdir, parents=True, exist_ok=True)
    script.register()
    chosen = demo_settings(settings, mail)
    services = Services.build(chosen, store, Vault(load_keys(chosen)))
    try:
        yield await set_the_stage(chosen, store, services, mail, model), services
    finally:
        await services.close()


def count(store: Store, table: type) -> int:
    with store.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


async def test_the_stage_is_set_once(settings: Settings, store: Store, tmp_path: Path) -> None:
    async with on_stage(settings, store, tmp_path / "mail"):
        pass
    async with on_stage(settings, store, tmp_path / "mail") as (stage, _):
        pass
    assert [count(store, table) for table in (Workspace, Connection, Secret)] == [1, 4, 2]
    with store.read() as session:
        erp = connection_by_slug(session, stage.principal, environment="production", slug="erp")
        effects = {tool.name: tool.effect for tool in tools_of(session, stage.principal, erp.row.id)}
        revisions = revisions_page(session, stage.principal, AGENT).rows
    assert erp.row.health == "ok"
    assert effects["get_purchase_order"] == "read"
    assert effects["post_bill"] == "write"
    assert [revision.number for revision in revisions] == [1]


async def test_what_people_changed_stays(settings: Settings, store: Store, tmp_path: Path) -> None:
    async with on_stage(settings, store, tmp_path / "mail") as (stage, _):
        pass
    with store.write() as session:
        agent_id = agent_by_slug(session, stage.principal, AGENT).id
        draft = draft_of(session, stage.principal, agent_id)
        save_draft(session, stage.principal, agent_id, body={**draft.body, "sop": "# Mine"}, version=draft.version)
    async with on_stage(settings, store, tmp_path / "mail"):
        pass
    with store.read() as session:
        assert draft_of(session, stage.principal, agent_id).body["sop"] == "# Mine"


async def test_another_model_is_another_revision(
    settings: Settings, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
    async with on_stage(settings, store, tmp_path / "mail") as (stage, _):
        pass
    async with on_stage(settings, store, tmp_path / "mail", "openai:gpt-5-mini"):
        pass
    with store.read() as session:
        agent_id = agent_by_slug(session, stage.principal, AGENT).id
        newest = revisions_page(session, stage.principal, AGENT).rows[0]
        production = environment_by_slug(session, stage.principal, "production")
        assert newest.number == 2
        assert live_revision(session, agent_id, production.id) == newest.id
        assert draft_of(session, stage.principal, agent_id).body["model"]["name"] == "openai:gpt-5-mini"


async def test_a_new_mail_folder_is_taken_over(settings: Settings, store: Store, tmp_path: Path) -> None:
    async with on_stage(settings, store, tmp_path / "one") as (stage, _):
        pass
    async with on_stage(settings, store, tmp_path / "two"):
        pass
    with store.read() as session:
        mail = connection_by_slug(session, stage.principal, environment="production", slug="mail")
    assert mail.config["folder"] == str(tmp_path / "two")


async def test_a_new_erp_gets_a_new_token(settings: Settings, store: Store, tmp_path: Path) -> None:
    async with on_stage(settings, store, tmp_path / "mail") as (stage, _):
        pass
    erp = erp_database(settings, "production")
    for file in erp.parent.glob("erp.sqlite*"):
        file.unlink()
    async with on_stage(settings, store, tmp_path / "mail"):
        pass
    assert tokens.has_any(erp)
    with store.read() as session:
        versions = {row.environment_slug: row.version for row in secrets_page(session, stage.principal).rows}
    assert versions == {"production": 2, "staging": 1}
