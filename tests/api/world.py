"""Alice owns a workspace, Bob and others help in it, Charlie owns another one and is a stranger here."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from signoff.agents.actions import create_agent, give_grant
from signoff.agents.gates import Gate
from signoff.agents.signed_bundle import trust_key
from signoff.api.house import House
from signoff.app import build_app
from signoff.approvals.actions import Wanted, request_approval
from signoff.connections.actions import create_connection
from signoff.connections.secrets import create_secret
from signoff.deployments.actions import freeze_and_serve_first
from signoff.evaluations.actions import add_evaluator, add_example, create_dataset
from signoff.freezes.actions import order_freeze
from signoff.incidents.opening import Declared, declare_incident
from signoff.incidents.tasks import add_task
from signoff.kit import clock
from signoff.kit.ids import new_id
from signoff.memories.actions.writing import Writer, add
from signoff.memories.places import Place as MemoryPlace
from signoff.people.access import Principal
from signoff.people.actions import (
    add_member,
    create_key,
    create_role,
    create_service_account,
    found_workspace,
    open_session,
)
from signoff.people.actions.providers import add_provider
from signoff.people.facts import Founded
from signoff.people.provider_input import ProviderInput
from signoff.people.roles import ROLES, Role
from signoff.runs.actions import request_run
from signoff.runs.facts import context_of
from signoff.settings import Settings
from signoff.tables.connections import Tool
from signoff.tables.evaluations import Evaluation
from signoff.tables.follow_ups import FollowUp, Review
from signoff.tables.identity import Identity
from signoff.tables.people import Member
from signoff.tables.releases import Release, ShadowPair
from signoff.tables.runs import Effect
from signoff.tables.session import Store
from signoff.watch.actions import raise_alert
from signoff.watch.probes.vouchings import Word, vouch
from signoff.webhooks.actions import create_webhook, disable_webhook

BASE = "http://127.0.0.1"
RUNBOOK = Word("owner.runbook", "attest", "It is written.", 30)
BODY: dict[str, Any] = {"sop": "Answer politely.", "model": {"name": "openai:gpt-5-mini"}}


@dataclass(slots=True)
class World:
    """The application, its database, and what is in it."""

    app: FastAPI
    settings: Settings
    acme: Founded
    other: Founded
    alice: Principal
    charlie: Principal
    ids: dict[str, str]
    tokens: dict[str, str]
    keys: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def house(self) -> House:
        return self.app.state.house

    @property
    def store(self) -> Store:
        """The engine's store, which sees every workspace; requests have `house.store`."""
        return self.house.services.store

    def close(self) -> None:
        """Let go of the databases."""
        self.house.readiness.census.close()
        self.store.close()

    @contextmanager
    def client(self, *, key: str | None = None, session: str | None = None) -> Generator[TestClient]:
        """A caller with a key, with a browser's session, or with neither. The application is not started."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        cookies = {"session": session} if session else {}
        if session:
            headers["Sec-Fetch-Site"] = "same-origin"
        client = TestClient(
            self.app,
            base_url=BASE,
            headers=headers,
            cookies=cookies,
            raise_server_exceptions=False,
            follow_redirects=False,
        )
        yield client
        client.close()


def make_world(settings: Settings, *, with_worker: bool = False, body: dict[str, Any] = BODY) -> World:
    """Build the application on a migrated database, with people and things in it."""
    app = build_app(settings, with_worker=with_worker)
    store: Store = app.state.house.services.store
    with store.write() as session:
        acme = found_workspace(session, slug="acme", name="Acme", owner_email="alice@acme.example", owner_name="Alice")
        other = found_workspace(
            session, slug="other", name="Other", owner_email="charlie@other.example", owner_name="Charlie"
        )
        alice = Principal("member", acme.member_id, "Alice", acme.workspace_id, "owner", person_id=acme.person_id)
        charlie = Principal(
            "member", other.member_id, "Charlie", other.workspace_id, "owner", person_id=other.person_id
        )
        tokens = {"owner": _token(session, acme.person_id), "charlie": _token(session, other.person_id)}
        for role in ROLES[1:]:
            tokens[role] = _member(session, alice, role)
        keys = {
            "runner": create_key(session, alice, name="Runner", preset="runner").key,
            "admin": create_key(session, alice, name="Admin", preset="admin").key,
            "charlie": create_key(session, charlie, name="Charlie's", preset="admin").key,
        }
        ids = things(session, alice, acme, app.state.house, body)
    return World(app, settings, acme, other, alice, charlie, ids, tokens, keys)


def _member(session: Session, alice: Principal, role: Role) -> str:
    member_id = add_member(session, alice, email=f"{role}@acme.example", name=f"Bob the {role}", role=role)
    person_id = session.scalars(select(Member.person_id).where(Member.id == member_id)).one()
    return _token(session, person_id)


def _token(session: Session, person_id: str) -> str:
    return open_session(session, person_id, lifetime_seconds=3600).session_token


def things(session: Session, alice: Principal, acme: Founded, house: House, body: dict[str, Any]) -> dict[str, str]:
    """Make one of everything, and return the ids by the names that paths use."""
    agent = create_agent(session, alice, slug="helper", name="Helper", body=body, owner_id=alice.id)
    revision = freeze_and_serve_first(session, alice, "helper", reason="first")
    run = request_run(session, alice, agent="helper", input={"text": "hello"}).id
    connection = make_connection(session, alice, acme, "erp")
    provider = make_provider(session, alice, house)
    return {
        "provider": provider,
        "identity": make_identity(session, provider, acme.member_id),
        "workspace": "acme",
        "agent": agent,
        "revision": revision.id,
        "run": run,
        "connection": connection,
        "tool": make_tool(session, alice, connection),
        "secret": make_secret(session, alice, house, connection, "ERP_TOKEN"),
        "version": "1",
        "member": acme.member_id,
        "session": "ses_of_nobody",
        "account": create_service_account(session, alice, slug="robots", name="Robots", role="administrator"),
        "key": create_key(session, alice, name="Robot", service_account="robots").id,
        "role": create_role(session, alice, slug="auditor", name="Auditor", permissions={"audit.read": "all"}),
        "grant": give_grant(session, alice, agent, member_id=acme.member_id, level="viewer"),
        "freeze": order_freeze(session, alice, scope="agent", target_id=agent, reason="test"),
        "alert": raise_alert(session, alice.workspace_id, key="k", kind="test", text="Something"),
        "effect": make_effect(session, alice, run, connection),
        "approval": make_approval(session, run),
        "release": make_release(session, alice, agent, revision.id, acme.environments["production"], run),
        "review": make_follow_up(session, alice, agent, revision.id, acme.environments["production"]),
        "vouching": vouch(session, alice, agent, environment="production", word=RUNBOOK),
        "environment": "staging",
        "model": "local:tiny",
        "tenant": "third",
        "step": "stp_none",
        **make_incident(session, alice, run),
        "entry": make_entry(session, alice, agent, acme.environments["production"]),
        "stop": "sto_none",
        "absence": "abs_none",
        "channel": "chn_none",
        "chat": "slack",
        "handover": "hov_none",
        "kind": "approver",
        "webhook": make_webhook(session, alice, house),
        "delivery": "whd_none",
        "request": "acr_none",
        **make_evaluation(session, alice, agent, revision.id, acme.environments["production"]),
        "trusted_key": trust_key(session, alice, public_key="B" * 42 + "A=", name="Elsewhere"),
    }


def make_incident(session: Session, alice: Principal, run: str) -> dict[str, str]:
    incident = declare_incident(session, alice, Declared("It posts twice", agent="helper", runs=(run,)))
    return {
        "incident": incident,
        "task": add_task(session, alice, incident, title="Key every write"),
    }


def make_evaluation(
    session: Session, alice: Principal, agent: str, revision: str, environment_id: str
) -> dict[str, str]:
    """A dataset with an example, an evaluator, and an evaluation that nothing carries on."""
    dataset = create_dataset(session, alice, agent, name="Golden")
    example = add_example(session, alice, dataset, input={"text": "hello"}, expected="hello")
    evaluator = add_evaluator(session, alice, agent, name="There", kind="contains", settings={})
    made = Evaluation(
        id=new_id("evl"), workspace_id=alice.workspace_id, agent_id=agent, environment_id=environment_id,
        dataset_id=dataset, dataset_version=1, revision_id=revision, baseline_revision_id=revision, evaluators=[],
        evaluators_hash="0" * 64, tolerance=0.0, state="pending", trigger="by_hand", examples=1, cap_usd=1,
        requested_by=alice.id, requested_by_name=alice.name, requested_at=clock.now(),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return {"dataset": dataset, "example": example, "evaluator": evaluator, "evaluation": made.id}


def make_webhook(session: Session, alice: Principal, house: House) -> str:
    made = create_webhook(
        session, alice, house.services.vault, name="Ops", url="https://ops.example.com/hook", events=["run.failed"]
    )
    # Off, so that what is asked of this world leaves nothing behind.
    disable_webhook(session, alice, made.id)
    return made.id


def make_approval(session: Session, run: str) -> str:
    gate = Gate(name="sending", asks=["owner"], self_approval="allowed")
    wanted = Wanted(
        kind="approval", rule=gate, policy="gate", why="It meets a gate.", title="Send it", summary="",
        binding="0" * 64, tool="erp.find", effect="send", args={"to": "somebody"},
    )  # fmt: skip
    return request_approval(session, context_of(session, run, leg=1), "call_2", wanted)


def make_release(session: Session, alice: Principal, agent: str, revision: str, environment_id: str, run: str) -> str:
    moment = clock.now()
    made = Release(
        id=new_id("rel"), workspace_id=alice.workspace_id, agent_id=agent, environment_id=environment_id,
        revision_id=revision, open_key=f"{agent}:{environment_id}", state="scheduled", state_since=moment, version=1,
        strategy={}, tier="low", reason="because", requested_by=alice.id, requested_by_name=alice.name,
        requested_at=moment, evidence={}, lock={},
    )  # fmt: skip
    session.add(made)
    session.flush()
    session.add(
        ShadowPair(
            release_id=made.id, run_id=run, workspace_id=alice.workspace_id, state="compared", is_equal=True,
            made_at=moment, compared_at=moment,
        )
    )  # fmt: skip
    session.flush()
    return made.id


def make_follow_up(session: Session, alice: Principal, agent: str, revision: str, environment_id: str) -> str:
    """An agent in its first week, with a review that is to be done; return the review's id."""
    moment = clock.now()
    session.add(
        FollowUp(
            id=new_id("fol"), workspace_id=alice.workspace_id, agent_id=agent, environment_id=environment_id,
            state="first_week", state_since=moment, tier="low", live_at=moment, revision_id=revision,
            counted_from=moment.date().isoformat(), due_at=moment + timedelta(days=1),
        )
    )  # fmt: skip
    made = Review(
        id=new_id("rvw"), workspace_id=alice.workspace_id, agent_id=agent, environment_id=environment_id,
        kind="weekly", open_key=f"{agent}:{environment_id}:weekly", period_from=moment, period_until=moment,
        metrics={}, made_at=moment, due_at=moment + timedelta(days=7),
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


def make_connection(session: Session, alice: Principal, acme: Founded, slug: str) -> str:
    config = {"url": "http://127.0.0.1:65432/mcp", "headers": {}}
    place = acme.environments["production"]
    return create_connection(session, alice, environment_id=place, slug=slug, name=slug, kind="mcp_http", config=config)


def make_entry(session: Session, alice: Principal, agent: str, environment_id: str) -> str:
    place = MemoryPlace(alice.workspace_id, agent, environment_id, "", 10, 200)
    return add(session, place, Writer(alice.actor, "person", "trusted"), "Bob likes water.").id


def make_tool(session: Session, alice: Principal, connection: str) -> str:
    definition = {"name": "find", "description": "Finds.", "input_schema": {}, "output_schema": None, "annotations": {}}
    session.add(
        Tool(
            id=f"tool_{connection[-8:]}",
            workspace_id=alice.workspace_id,
            connection_id=connection,
            name="find",
            definition=definition,
            definition_hash="0" * 64,
            effect="irreversible",
            effect_source="default",
            state="accepted",
            discovered_at=clock.now(),
        )
    )
    session.flush()
    return "find"


def make_secret(session: Session, alice: Principal, house: House, connection: str, name: str) -> str:
    return create_secret(
        session, alice, house.services.vault, connection_id=connection, name=name, value="canary-value-4711"
    )


def make_provider(session: Session, alice: Principal, house: House) -> str:
    entered = ProviderInput(
        name="Login", issuer="http://127.0.0.1:65432", client_id="signoff", client_secret="canary-value-4712"
    )
    return add_provider(session, alice, house.single_sign_on.sealer, house.single_sign_on.guard, entered)


def make_identity(session: Session, provider: str, member_id: str) -> str:
    member = session.get_one(Member, member_id)
    made = Identity(
        id=new_id("idn"),
        workspace_id=member.workspace_id,
        provider_id=provider,
        person_id=member.person_id,
        subject=f"account-of-{member_id}",
        email="",
        created_at=clock.now(),
        last_used_at=clock.now(),
    )
    session.add(made)
    session.flush()
    return made.id


def make_effect(session: Session, alice: Principal, run: str, connection: str) -> str:
    key = f"{run}:call_1"
    session.add(
        Effect(
            key=key,
            workspace_id=alice.workspace_id,
            run_id=run,
            connection_id=connection,
            call_id="call_1",
            tool="post_bill",
            effect="write",
            args={},
            args_hash="0",
            state="unknown",
            result=None,
            intended_at=clock.now(),
        )
    )
    session.flush()
    return key
