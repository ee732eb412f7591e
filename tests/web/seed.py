"""Realistic data for pages: a workspace with people, connections, agents with revisions, and runs in every state.

`seed(store)` makes the whole of it; the smaller functions make a piece. Nothing here runs a worker: runs are put into
their states row by row, as the engine would have left them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from signoff.agents.actions import create_agent, save_draft
from signoff.connections.actions import create_connection, record_discovery, record_health
from signoff.connectors.protocol import ToolSpec
from signoff.deployments.actions import freeze_and_serve_first
from signoff.kit import clock, ids
from signoff.people import passwords
from signoff.people.access import Principal
from signoff.people.actions import add_member, found_workspace, open_session, set_password
from signoff.people.roles import Role
from signoff.releases.actions import make_live
from signoff.tables.agents import Agent, Revision
from signoff.tables.connections import Secret, Tool
from signoff.tables.people import Member
from signoff.tables.record import AuditRow
from signoff.tables.runs import Run
from signoff.tables.session import Store
from tests.kit_policy import let_it_tell_only

PASSWORD = "a sentence nobody guesses"
# One hash for everybody here: making one takes 50 ms on purpose.
PASSWORD_HASH = passwords.make_hash(PASSWORD)

SOP = """# GOAL

Handle one e-mail from the accounts-payable inbox: say what it is, post the bill when the invoice is right, flag it
when it is not, and hand to a person what only a person can decide.

# STEPS

1. Read the message named by `message_id` with @mail.read_message. Read each attachment that may hold text with
   @mail.read_attachment.
2. For an invoice, look the order up with @erp.get_purchase_order and the bills already on it with @erp.list_bills.
3. If every line matches, post it with @erp.post_bill, with `token` set to exactly `{{secret.ERP_TOKEN}}`.
4. If a line differs by more than 2 percent, call @erp.flag_mismatch. Never post such a bill.
5. Give the result. `reason` is one to three plain sentences with the figures that decided it.

# LIMITS

- Never make up a number. What the message does not say is `null`.
- Stop after 10 bills in one run.
"""

TOOLS = {
    "mail": (
        ("list_messages", "List the messages of the folder.", "read", {}),
        ("read_message", "Read one message with its headers, text and attachments.", "read", {"message_id": "string"}),
        (
            "read_attachment",
            "Read one attachment as text.",
            "read",
            {"message_id": "string", "attachment_id": "string"},
        ),
    ),
    "erp": (
        (
            "get_purchase_order",
            "One purchase order with its lines and what is still open.",
            "read",
            {"number": "string"},
        ),
        ("find_purchase_orders", "Orders of a vendor, by name or mail domain.", "read", {"query": "string"}),
        ("list_bills", "The bills already posted on an order.", "read", {"order": "string"}),
        (
            "post_bill",
            "Post a bill on a purchase order. It is paid on its due date.",
            "write",
            {"order": "string", "amount": "number", "token": "string"},
        ),
        (
            "flag_mismatch",
            "Flag an invoice that does not match, for the team.",
            "write",
            {"order": "string", "reason": "string"},
        ),
        ("void_bill", "Void a bill. The vendor is told at once.", "irreversible", {"bill": "string"}),
    ),
}
ALLOWED = [
    {"slot": "mail", "allow": [{"tool": "read_message"}, {"tool": "read_attachment", "max_calls": 20}]},
    {
        "slot": "erp",
        "allow": [
            {"tool": "get_purchase_order"},
            {"tool": "list_bills"},
            {"tool": "post_bill", "max_calls": 1, "args": {"amount": {"maximum": 25000}}},
            {"tool": "flag_mismatch", "max_calls": 2},
        ],
    },
]
INPUT_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message_id"],
    "properties": {
        "message_id": {
            "type": "string",
            "minLength": 1,
            "description": "The message to handle, as the mailbox names it.",
        }
    },
}
OUTPUT_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["action", "reason"],
    "properties": {
        "action": {"enum": ["posted", "already_posted", "flagged", "needs_person", "none"]},
        "reason": {"type": "string", "maxLength": 2000},
        "amount": {"type": ["number", "null"]},
    },
}


@dataclass
class Seeded:
    """What was made. `people` are principals by first name, `cookies` their session tokens."""

    workspace_id: str
    slug: str
    environments: dict[str, str]
    people: dict[str, Principal] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)
    connections: dict[str, str] = field(default_factory=dict)
    agents: dict[str, str] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)

    @property
    def owner(self) -> Principal:
        return self.people["mei"]


def body(sop: str = SOP, **changes: Any) -> dict[str, Any]:
    """A whole body of the supplier-mail agent, without errors on the seeded connections."""
    return {
        "sop": sop,
        "model": {
            "name": "scripted:supplier-mail",
            "fallbacks": [],
            "settings": {"temperature": 0.0, "max_tokens": 2000},
        },
        "input_schema": INPUT_SCHEMA,
        "output_schema": OUTPUT_SCHEMA,
        "tools": ALLOWED,
        "secrets": ["ERP_TOKEN"],
        "limits": {"turns": 15, "tool_calls": 40, "tokens": 300_000, "cost_usd": "0.50", "wall_seconds": 600},
        **changes,
    }


def workspace(session: Session, slug: str = "northwind", name: str = "Northwind Trading") -> Seeded:
    """A workspace with its owner, Mei, who can sign in with PASSWORD."""
    made = found_workspace(session, slug=slug, name=name, owner_email=f"mei@{slug}.example", owner_name="Mei Tanaka")
    seeded = Seeded(made.workspace_id, slug, dict(made.environments))
    _sign_in(session, seeded, "mei", made.person_id)
    return seeded


def person(session: Session, seeded: Seeded, key: str, name: str, role: Role) -> Principal:
    """A member who is signed in; `seeded.people[key]` and `seeded.cookies[key]`."""
    email = f"{key}@{seeded.slug}.example"
    member_id = add_member(session, seeded.owner, email=email, name=name, role=role)
    member = session.get_one(Member, member_id)
    return _sign_in(session, seeded, key, member.person_id)


def _sign_in(session: Session, seeded: Seeded, key: str, person_id: str) -> Principal:
    set_password(session, person_id, PASSWORD_HASH)
    signed_in = open_session(session, person_id, lifetime_seconds=86_400, workspace_id=seeded.workspace_id)
    seeded.people[key], seeded.cookies[key] = signed_in.principal, signed_in.session_token
    return signed_in.principal


def connect(
    session: Session,
    seeded: Seeded,
    environment: str,
    slug: str,
    *,
    name: str,
    kind: str = "mcp_http",
    folder: str = "/srv/mail",
) -> str:
    """A healthy connection with the tools of that slug in TOOLS, all accepted with their right effect class."""
    url = {"url": f"https://{slug}.northwind.example/mcp"}
    config: dict[str, Any] = url if kind == "mcp_http" else {"folder": folder}
    made = create_connection(
        session, seeded.owner, environment_id=environment, slug=slug, name=name, kind=kind, config=config
    )
    record_discovery(session, seeded.owner, made, specs=[_spec(*tool) for tool in TOOLS.get(slug, ())])
    for tool, _, effect, _ in TOOLS.get(slug, ()):
        set_effect(session, made, tool, effect)
    record_health(session, made, ok=True, error=None)
    seeded.connections[f"{environment}/{slug}"] = made
    return made


def set_effect(session: Session, connection_id: str, name: str, effect: str) -> None:
    """A tool's class, as a person would have set it."""
    row = session.query(Tool).filter_by(connection_id=connection_id, name=name).one()
    row.effect, row.effect_source = effect, "person"
    session.flush()


def _spec(name: str, text: str, effect: str, arguments: dict[str, str]) -> ToolSpec:
    schema = {
        "type": "object",
        "properties": {argument: {"type": kind} for argument, kind in arguments.items()},
        "required": list(arguments),
    }
    return ToolSpec(name, text, schema, None, {"readOnlyHint": effect == "read"})


def secret(session: Session, seeded: Seeded, environment: str, slot: str, name: str) -> None:
    """A secret whose value nobody here can read."""
    session.add(
        Secret(
            id=ids.new_id("sec"),
            workspace_id=seeded.workspace_id,
            environment_id=seeded.environments[environment],
            name=name,
            connection_id=seeded.connections[f"{environment}/{slot}"],
            hosts=[],
            ciphertext=b"x",
            nonce=b"y",
            key_id="k",
            created_at=clock.now(),
        )
    )
    session.flush()


def agent(
    session: Session,
    seeded: Seeded,
    slug: str,
    name: str,
    *,
    owner: str = "mei",
    backup: str | None = None,
    description: str = "",
    tags: Sequence[str] = (),
    content: dict[str, Any] | None = None,
    revisions: Sequence[tuple[dict[str, Any], str]] = (),
) -> str:
    """An agent with these revisions (body, reason); the first one serves everywhere."""
    who = seeded.people[owner]
    first = content if content is not None else revisions[0][0] if revisions else {"sop": "", "model": {"name": ""}}
    made = create_agent(
        session,
        who,
        slug=slug,
        name=name,
        description=description,
        tags=tags,
        body=first,
        backup_id=seeded.people[backup].id if backup else None,
    )
    seeded.agents[slug] = made
    version = 1
    for number, (this, reason) in enumerate(revisions, 1):
        if number > 1:
            version = save_draft(session, who, made, body=this, version=version)
        freeze_and_serve_first(session, who, made, reason=reason)
    return made


def run(session: Session, seeded: Seeded, agent_id: str, title: str, state: str = "completed", **more: Any) -> str:
    """A run as the engine left it, `minutes_ago` old."""
    row = session.get_one(Agent, agent_id)
    minutes = more.pop("minutes_ago", 3)
    by = more.pop("by", seeded.owner)
    environment = more.pop("environment", "production")
    revision = (
        session.query(Revision).filter_by(agent_id=agent_id, number=more.pop("revision", row.last_revision)).one()
    )
    moment = clock.now() - timedelta(minutes=minutes)
    is_over = state in ("completed", "failed", "cancelled", "rejected")
    given: dict[str, Any] = {
        "id": run_id_at(moment),
        "workspace_id": seeded.workspace_id,
        "environment_id": seeded.environments[environment],
        "agent_id": agent_id,
        "revision_id": revision.id,
        "agent_slug": row.slug,
        "agent_name": row.name,
        "revision_number": revision.number,
        "state": state,
        "origin": "production",
        "source": "demo",
        "mode": "live",
        "requested_by": by.id,
        "requested_by_name": by.name,
        "title": title,
        "search_text": title.lower(),
        "input": {"message_id": f"<{title[:12]}@northwind.example>"},
        "output": None,
        "needs_attention": state in ("failed", "waiting"),
        "is_scripted": True,
        "cost_usd": Decimal("0.0121"),
        "tokens_in": 8_420,
        "tokens_out": 910,
        "model_calls": 4,
        "tool_calls": 5,
        "created_at": moment,
        "started_at": None if state == "queued" else moment + timedelta(milliseconds=240),
        "ended_at": moment + timedelta(seconds=18) if is_over else None,
    }
    made = Run(**{**given, **more})
    session.add(made)
    session.flush()
    seeded.runs.append(made.id)
    return made.id


def run_id_at(moment: datetime) -> str:
    """A run id that was made at that moment."""
    tail = "".join(random.choices("0123456789abcdefghjkmnpqrstvwxyz", k=16))
    return ids.first_at("run", moment) + tail


RUNS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    (
        "Invoice RE-2026-119 from Brightwater Logistics",
        "waiting",
        {
            "waiting_for": "reconciliation",
            "minutes_ago": 4,
            "reason": "Nobody knows whether post_bill happened: the connection closed before it answered.",
        },
    ),
    ("Invoice 88-2041 from Nordic Freight", "running", {"minutes_ago": 1}),
    (
        "Re: Re: Fwd: your order PO-88117",
        "failed",
        {
            "minutes_ago": 26,
            "code": "connector_refused",
            "failed_step": "erp.get_purchase_order",
            "reason": "The ERP refused the token: it has expired.",
        },
    ),
    (
        "Invoice RE-2026-118 from Brightwater Logistics",
        "completed",
        {"minutes_ago": 41, "output": {"action": "posted", "reason": "All four lines match PO-88120."}},
    ),
    ("(no subject)", "queued", {"minutes_ago": 0, "cost_usd": Decimal(0), "tokens_in": 0, "tokens_out": 0}),
    ("Monthly statement, October", "cancelled", {"minutes_ago": 95, "reason": "Cancelled by Mei Tanaka."}),
    (
        "A message of 41 MB",
        "rejected",
        {"minutes_ago": 130, "reason": "The input is larger than the agent takes.", "cost_usd": Decimal(0)},
    ),
    (
        "Rechnung 4711 der Müller & Söhne GmbH über Büromaterial, Kostenstelle 4400, mit sehr langem Betreff",
        "completed",
        {"minutes_ago": 190},
    ),
    ("Your invoice is overdue — final reminder", "completed", {"minutes_ago": 260}),
    ("Price change from 1 December", "completed", {"minutes_ago": 1500}),
)


PEOPLE: tuple[tuple[str, str, Role], ...] = (
    ("ines", "Ines Okafor", "builder"),
    ("tomasz", "Tomasz Lis", "member"),
    ("rosa", "Rosa Marín", "viewer"),
)


def seed(store: Store, *, slug: str = "northwind", mail_folder: str = "/srv/mail") -> Seeded:
    """Everything: four people, two environments with two connections each, three agents, runs in every state."""
    with store.write() as session:
        seeded = workspace(session, slug)
        for key, name, role in PEOPLE:
            person(session, seeded, key, name, role)
        for environment in ("staging", "production"):
            connect(session, seeded, environment, "mail", name="Invoice inbox", kind="mail", folder=mail_folder)
            connect(session, seeded, environment, "erp", name="ERP")
            secret(session, seeded, environment, "erp", "ERP_TOKEN")
        let_it_tell_only(session, seeded.workspace_id)
        _agents(session, seeded)
        for title, state, more in RUNS:
            run(session, seeded, seeded.agents["supplier-mail"], title, state, **more)
        run(session, seeded, seeded.agents["vendor-watch"], "Weekly price check, 412 items", minutes_ago=380)
    return seeded


def _agents(session: Session, seeded: Seeded) -> None:
    changed = SOP.replace("2 percent", "1 percent").replace("- Stop after 10 bills in one run.\n", "")
    supplier = agent(
        session,
        seeded,
        "supplier-mail",
        "Supplier mail",
        owner="ines",
        backup="mei",
        tags=("accounts-payable", "demo"),
        description="Reads the accounts-payable inbox, posts invoices that match their order, flags the others.",
        revisions=(
            (body(), "First version, agreed with accounts payable"),
            (body(changed), "Finance wants 1 percent"),
            (body(changed, limits={**body()["limits"], "cost_usd": "0.35"}), "Runs cost less than we thought"),
        ),
    )
    make_live(session, seeded.owner, supplier, environment="staging", revision=3, reason="Try it on last week's mail")
    make_live(
        session, seeded.owner, supplier, environment="production", revision=2, reason="Checked 40 runs in staging"
    )
    agent(
        session,
        seeded,
        "vendor-watch",
        "Vendor price watch",
        owner="mei",
        tags=("purchasing",),
        description="Compares vendors' price lists with our contracts once a week.",
        revisions=((body("# GOAL\nCompare prices.", secrets=[], output_schema=None), "First version"),),
    )
    agent(
        session,
        seeded,
        "refund-triage",
        "Refund triage",
        owner="ines",
        tags=("support", "customers"),
        description="Decides refunds under 100 euros, and prepares the others for a person.",
        content=body("# GOAL\nDecide each refund request with @shop.get_order.\n", secrets=["SHOP_TOKEN"]),
    )


def audit_actions(session: Session, seeded: Seeded) -> list[str]:
    """The actions of the audit, oldest first."""
    rows = session.query(AuditRow).filter_by(workspace_id=seeded.workspace_id).order_by(AuditRow.seq)
    return [row.action for row in rows]
