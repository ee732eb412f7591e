"""The demo's stage: workspace, connections, secret, agent. Every piece is made once; a second start finds it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from signoff.agents.actions import create_agent, save_draft_or_keep
from signoff.agents.bundle import AgentFile, read_folder
from signoff.agents.queries import agent_by_slug, draft_of
from signoff.agents.refusals import NothingChanged
from signoff.connections.actions import create_connection, edit_connection, set_tool_effect
from signoff.connections.discovery import HasPoolAndVault, discover
from signoff.connections.queries import connection_by_slug, tools_of
from signoff.connections.secrets import create_secret, grant_secret, replace_secret
from signoff.connections.secrets.queries import secrets_called, secrets_page
from signoff.demo.erp import tokens
from signoff.deployments.actions import freeze_and_serve_first
from signoff.kit.errors import Fault, NotFound
from signoff.people.access import Principal, system
from signoff.people.actions import found_workspace
from signoff.people.queries import members, workspace_by_slug
from signoff.releases.actions import make_live
from signoff.settings import Settings, StdioCommand
from signoff.tables.session import Store
from signoff.watch.probes.policies import present_policy, set_policy
from signoff.watch.probes.trial import trial_policy

WORKSPACE = "demo"
AGENT = "supplier-mail"
SECRET = "ERP_TOKEN"  # noqa: S105  The name under which the value is kept.
OWNER_EMAIL = "owner@demo.example"
_AGENTS = Path(__file__).parent / "agent"
_READS = ("find_purchase_orders", "get_purchase_order", "get_vendor", "list_bills")
_WRITES = ("post_bill", "flag_mismatch")
# Two of them, so that trying something in staging books nothing in production.
ENVIRONMENTS = ("production", "staging")


@dataclass(frozen=True, slots=True)
class Stage:
    """What the demo plays on. `mail` is the id of the production mail connection."""

    principal: Principal
    member_id: str
    mail: str


def erp_command(environment: str) -> str:
    """Return the name under which the operator's settings list this environment's ERP."""
    return "erp" if environment == "production" else f"erp-{environment}"


def erp_database(settings: Settings, environment: str) -> Path:
    """Return the SQLite file of this environment's ERP."""
    return settings.data_dir / f"{erp_command(environment)}.sqlite"


def demo_settings(settings: Settings, folder: Path) -> Settings:
    """Return the operator's settings with what the demo needs: its ERPs, its mail folder, the scripted model."""
    commands = {
        erp_command(environment): StdioCommand(
            command=sys.executable,
            args=["-m", "signoff.demo.erp_server"],
            env={"ERP_DATABASE": str(erp_database(settings, environment))},
        )
        for environment in ENVIRONMENTS
    }
    return settings.model_copy(
        update={
            "allow_scripted_models": True,
            "allow_loopback": True,
            "stdio_commands": {**settings.stdio_commands, **commands},
            "mail_roots": list(dict.fromkeys([*settings.mail_roots, folder])),
        }
    )


async def set_the_stage(settings: Settings, store: Store, services: HasPoolAndVault, mail: Path, model: str) -> Stage:
    """Make what is missing, and return it.

    Raises:
        Fault: a connection of the demo does not answer.
    """
    principal, member_id = await store.write_async(_workspace)
    mails: dict[str, str] = {}
    for environment in ENVIRONMENTS:
        erp = await store.write_async(_connection, principal, settings, environment, "erp", mail)
        mails[environment] = await store.write_async(_connection, principal, settings, environment, "mail", mail)
        for connection in (erp, mails[environment]):
            await _discover(store, services, principal, connection)
        await store.run(_secret, store, services, principal, erp, erp_database(settings, environment), environment)
    await store.run(_agent, store, principal, member_id, model)
    return Stage(principal, member_id, mails["production"])


def _workspace(session: Session) -> tuple[Principal, str]:
    try:
        found = workspace_by_slug(session, WORKSPACE)
    except NotFound:
        founded = found_workspace(
            session, slug=WORKSPACE, name="Northwind Retail (demo)", owner_email=OWNER_EMAIL, owner_name="Demo owner"
        )
        return system(founded.workspace_id, "Signoff demo"), founded.member_id
    principal = system(found.id, "Signoff demo")
    owner = next(member for member in members(session, principal).rows if member.role == "owner")
    return principal, owner.id


def _connection(
    session: Session, principal: Principal, settings: Settings, environment: str, slug: str, mail: Path
) -> str:
    kind, name, config = (
        ("mcp_stdio", "ERP", {"command": erp_command(environment)})
        if slug == "erp"
        else ("mail", "Invoice inbox", {"folder": str(mail)})
    )
    try:
        found = connection_by_slug(session, principal, environment=environment, slug=slug)
    except NotFound:
        return create_connection(
            session,
            principal,
            environment_id=environment,
            slug=slug,
            name=name,
            kind=kind,
            config=config,
            settings=settings,
        )
    if found.config != config:
        edit_connection(session, principal, found.row.id, config=config, settings=settings)
    return found.row.id


async def _discover(store: Store, services: HasPoolAndVault, principal: Principal, connection: str) -> None:
    """Ask for the tools, the first time. Later, what people decided about this connection stands."""
    if await store.read_async(tools_of, principal, connection):
        return
    checked = await discover(store, services, principal, connection)
    if not checked.ok:
        raise Fault(f"A connection of the demo does not work: {checked.error}", code=checked.code)
    await store.write_async(_class_tools, principal, connection)


def _class_tools(session: Session, principal: Principal, connection: str) -> None:
    """Say, as the ERP's administrator, what its tools do. A server's own hints would only ever tighten that."""
    for tool in tools_of(session, principal, connection):
        if tool.name in _READS:
            set_tool_effect(session, principal, connection, tool=tool.name, effect="read")
        elif tool.name in _WRITES:  # They keep to their idempotency key, so a cut-off call may be repeated.
            set_tool_effect(session, principal, connection, tool=tool.name, effect="write", is_idempotent=True)


def _secret(
    store: Store, services: HasPoolAndVault, principal: Principal, erp: str, database: Path, environment: str
) -> None:
    """Enter the ERP's token, and give it to the agent when that is there already; `_agent` does it otherwise."""
    with store.read() as session:
        kept = next(
            (row for row in secrets_page(session, principal, connection_id=erp).rows if row.name == SECRET), None
        )
    if kept is not None and tokens.has_any(database):
        return
    value = tokens.issue(database)
    with store.write() as session:
        if kept is None:
            try:
                agents = [agent_by_slug(session, principal, AGENT).id]
            except NotFound:
                agents = []
            create_secret(
                session,
                principal,
                services.vault,
                connection_id=erp,
                name=SECRET,
                value=value,
                agents=agents,
                description=f"Lets the agent post bills in the {environment} ERP.",
            )
        else:  # Somebody deleted the ERP's file: it is a new ERP, which knows no token yet.
            replace_secret(session, principal, services.vault, kept.id, value=value)


def agent_file() -> AgentFile:
    """Return the demo's agent as its files say it."""
    (found,) = read_folder(_AGENTS)
    return found


def _agent(store: Store, principal: Principal, member_id: str, model: str) -> None:
    """Make the agent and its revision 1. One that is there keeps what people made of it; only the model follows."""
    try:
        with store.read() as session:
            agent_by_slug(session, principal, AGENT)
    except NotFound:
        file = agent_file()
        with store.write() as session:
            agent_id = create_agent(
                session,
                principal,
                slug=file.slug,
                name=file.name,
                description=file.description,
                tags=file.tags,
                body=_with_model(file.body, model),
                owner_id=member_id,
            )
            for secret in secrets_called(session, principal, SECRET):
                grant_secret(session, principal, secret.id, agent_id)
            freeze_and_serve_first(session, principal, agent_id, reason="The demo's first revision")
        return
    _follow_model(store, principal, model)


def _follow_model(store: Store, principal: Principal, model: str) -> None:
    with store.read() as session:
        agent_id = agent_by_slug(session, principal, AGENT).id
        draft = draft_of(session, principal, agent_id)
    if draft.body.get("model", {}).get("name") == model:
        return
    save_draft_or_keep(store, principal, agent_id, body=_with_model(draft.body, model), version=draft.version)
    with store.write() as session:
        try:
            frozen = freeze_and_serve_first(session, principal, agent_id, reason=f"The demo was started with {model}")
        except NothingChanged:
            return
        _let_it_be_tried(session, principal)
        make_live(
            session,
            principal,
            agent_id,
            environment="production",
            revision=frozen.number,
            reason=f"The demo was started with {model}",
        )


def _with_model(body: Mapping[str, Any], model: str) -> dict[str, Any]:
    settings = {key: value for key, value in body.get("model", {}).items() if key != "name"}
    if not model.startswith("scripted:"):
        # Some models refuse a temperature; the default of each is fine.
        settings["settings"] = {k: v for k, v in settings.get("settings", {}).items() if k != "temperature"}
    return {**body, "model": {**settings, "name": model}}


def _let_it_be_tried(session: Session, principal: Principal) -> None:
    """In a demo the gate tells what it would hold back; a workspace that has a policy of its own keeps it."""
    if present_policy(session, principal).version == 0:
        reason = "A demo: nothing real is behind it."
        set_policy(session, principal, trial_policy(reason), reason=reason, expected=0)
