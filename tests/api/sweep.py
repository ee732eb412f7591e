"""Every operation of the API, asked by every kind of caller about every kind of thing; what must come is computed from
the published tables of roles, levels and needs, not from the code that decides.

`Sweep.ask` undoes what a request did, so that thousands of requests are asked of one and the same world. Other tests
take `operations` (each with a valid request) or the whole `Sweep` from here.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import httpx2
from fastapi import FastAPI
from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, sessionmaker

from signoff.api import openapi
from signoff.api.permissions import NEEDS
from signoff.people.levels import GRANTABLE, LEVEL_ACTIONS, Level
from signoff.people.roles import FLOOR, PERMISSIONS, WORKSPACE_WIDE, Action, Reach
from signoff.tables import walls
from signoff.tables.session import _WALLED as WALLED
from tests.api.world import BASE, BODY, World

YAML = "slug: fromfile\nname: From a file\nmodel:\n  name: openai:gpt-5-mini\n"
REVIEWER: dict[Action, Reach] = {
    "workspace.read": "all", "agent.read": "all", "run.read": "all", "effect.read": "all", "alert.read": "all",
}  # fmt: skip

PROVIDER = {"name": "Login", "issuer": "http://127.0.0.1:65432", "client_id": "signoff"}

BODIES: dict[str, Any] = {
    "change_workspace": {"name": "Acme"},
    "create_environment": {"slug": "sandbox", "name": "Sandbox"},
    "change_environment": {"name": "Before production"},
    "create_workspace": {"slug": "third", "name": "Third", "owner_email": "dora@third.example"},
    "suspend_workspace": {"reason": "because"},
    "start_orchestration": {"runId": "r-1", "workflowId": "helper", "input": {"text": "x"}},
    "name_last_resort": {"member_id": "{administrator}"},
    "create_role": {"slug": "fresh", "name": "Fresh", "permissions": {"run.read": "own"}},
    "edit_role": {"description": "changed"},
    "add_member": {"email": "new@acme.example", "name": "New", "role": "viewer"},
    "set_role": {"role": "viewer"},
    "link_member": {"purpose": "invitation"},
    "add_identity_provider": {**PROVIDER, "client_secret": "the secret"},
    "change_identity_provider": {**PROVIDER, "version": 1},
    "enable_identity_provider": {},
    "disable_identity_provider": {},
    "test_identity_provider": {},
    "set_sso_only": {"is_sso_only": False},
    "create_key": {"name": "k", "preset": "read-only"},
    "rotate_key": {"overlap_seconds": 60},
    "create_service_account": {"slug": "fresh", "name": "Fresh", "role": "viewer"},
    "change_service_account": {"description": "changed"},
    "apply_agents": {"agents": [{"folder": "fromfile", "agent_yaml": YAML, "sop_md": "Be kind."}]},
    "verify_bundle": {"bundle": "{}"},
    "import_signed_bundle": {"bundle": "{}"},
    "trust_bundle_key": {"public_key": "A" * 43 + "=", "name": "Elsewhere"},
    # To where it comes from: what is looked at is whether they may.
    "promote_agent": {"to": "staging", "source": "staging", "reason": "because"},
    "create_agent": {"slug": "second", "name": "Second", "body": BODY},
    "edit_agent": {"description": "changed"},
    "disable_agent": {},
    "enable_agent": {},
    "pause_agent": {"reason": "to look"},
    "resume_agent": {},
    "stop_agent": {"reason": "to look"},
    "cancel_matching": {"reason": "to look", "agent": "{agent}"},
    "give_grant": {"member_id": "{member}", "level": "operator"},
    "ask_owner": {},
    "ask_access": {"role": "viewer", "reason": "to read"},
    "refuse_access": {"reason": "not needed"},
    "decline_ownership": {"reason": "no time"},
    "add_memory": {"text": "Bob likes tea."},
    "edit_memory": {"text": "Bob likes coffee.", "version": 1},
    "erase_all_memory": {},
    "migrate_memory": {"to": "shared", "entries": "erase", "reason": "because"},
    "start_handover": {"from_member_id": "{member}", "to_member_id": "{administrator}", "reason": "leaves"},
    "plan_handover": {"notes": "Ask Alice."},
    "cancel_handover": {"reason": "stays"},
    "hand_over_member": {"to_member_id": "{administrator}", "reason": "leaves"},
    "save_draft": {"body": {**BODY, "sop": "Other words."}, "version": 1},
    "lint_draft": {},
    "undo_draft": {"version": 1},
    "redo_draft": {"version": 1},
    "reset_draft": {"version": 1},
    "freeze_revision": {"reason": "because"},
    "make_live": {"environment": "staging", "revision": "1", "reason": "because"},
    "request_release": {"environment": "staging", "revision": "1", "reason": "because"},
    "sign_release": {"verdict": "approve", "diff_digest": "0" * 64},
    "abort_release": {"reason": "because"},
    "take_over_release": {"reason": "because"},
    "retire_revision": {"reason": "because"},
    "reinstate_revision": {"reason": "because"},
    "promote_release": {"reason": "because"},
    "roll_back": {"environment": "staging", "reason": "because"},
    "drill_rollback": {"environment": "staging"},
    "read_outputs": {"environment": "production", "reading": "right", "runs": []},
    "end_first_week": {"environment": "production", "reason": "because"},
    "do_review": {"note": "All is well."},
    "repin_run": {"revision": "1", "reason": "because"},
    "judge_pair": {"judgement": "same"},
    "set_probe_policy": {"text": "{version: 1, expected: {helper: {runs_per_day: 5}}}", "reason": "r", "version": 0},
    "vouch": {
        "environment": "production",
        "probe": "owner.operators_onboarded",
        "kind": "attest",
        "reason": "shown",
        "days": 9,
    },
    "execute": {"input": {"text": "x"}},
    "cancel_runs": {"runs": ["{run}"]},
    "settle_effect": {"outcome": "did_not_happen", "reason": "looked"},
    "create_connection": {
        "environment": "staging",
        "slug": "erp2",
        "name": "ERP",
        "kind": "mcp_http",
        "config": {"url": "http://127.0.0.1:65432/mcp"},
    },
    "create_secret": {"connection_id": "{connection}", "name": "OTHER", "value": "secret-value"},
    "edit_connection": {"name": "ERP renamed"},
    "disable_connection": {},
    "enable_connection": {},
    "set_login": {
        "kind": "oauth_client_credentials",
        "token_url": "https://login.example.com/token",
        "client_id": "client-1",
        "client_secret": "client-secret",
    },
    "find_login": {},
    "reconnect": {"slug": "erp-again"},
    "accept_tool": {},
    "set_tool_effect": {"effect": "irreversible"},
    "set_tool_labels": {"result": "untrusted", "confidentiality": "restricted"},
    "replace_secret": {"value": "another-value"},
    "edit_secret": {"description": "changed"},
    "restore_secret": {},
    "grant_secret": {},
    "close_secret": {},
    "share_secret": {},
    "hand_over_secret": {"member_id": "mem_nobody"},
    "set_daily_cap": {"daily_cap_usd": "5"},
    "set_limits": {"scope": "workspace", "monthly_usd": "900"},
    "set_price": {"input_usd": "1", "output_usd": "2"},
    "set_absence": {"starts_at": "2999-01-01T00:00:00Z", "ends_at": "2999-01-08T00:00:00Z", "delegate_id": "{member}"},
    "add_own_channel": {"kind": "mail", "name": "Mine"},
    "add_agent_channel": {"kind": "mail", "name": "Desk", "target": "desk@acme.example"},
    "create_dataset": {"name": "Cases"},
    "change_dataset": {"name": "Other cases"},
    "schedule_dataset": {"every": "day"},
    "add_examples": {"examples": [{"input": "x", "expected": "y"}]},
    "change_example": {"note": "changed"},
    "add_evaluator": {"name": "Equal", "kind": "equals"},
    "change_evaluator": {"weight": "2"},
    "evaluate": {"dataset": "{dataset}", "revision": 1},
    "create_webhook": {"name": "Ops", "url": "https://ops.example.com/hook", "events": ["run.failed"]},
    "change_webhook": {"name": "Operations"},
    "rotate_webhook_secret": {"overlap_seconds": 60},
    "connect_chat": {"secret": "0123456789abcdef0123456789abcdef"},
    "heard_in_slack": {},
    "heard_in_teams": {},
    "declare_incident": {"title": "It posts twice", "agent": "{agent}"},
    "acknowledge_incident": {},
    "mitigate_incident": {},
    "resolve_incident": {},
    "review_incident": {},
    "set_incident_severity": {"severity": "sev2", "reason": "more than one"},
    "say_in_incident": {"words": "It is looked at."},
    "add_incident_runs": {"runs": ["{run}"]},
    "add_incident_cases": {"dataset": "{dataset}"},
    "add_incident_task": {"title": "Key every write"},
    "give_incident_task": {"owner_id": None},
    "write_postmortem": {"version": 1, "cause": "A retry without a key."},
    "order_freeze": {"scope": "workspace", "reason": "stop"},
    "approve": {},
    "deny": {"reason": "no"},
    "answer_approval": {},
    "delegate_approval": {"to_member_id": "{member}", "reason": "away"},
    "cancel_run": {},
    "replay_run": {},
}
# A stream that stays open else.
QUERIES = {"draft_events": "?seconds=0"}
# Heard only when a chat signed it, whoever asks.
SIGNED = ("heard_in_slack", "heard_in_teams")
PUBLIC = ("live", "ready", "health", "metrics", "signing_keys")
# Things with ids of their own. A model and a tool are named alike everywhere.
THINGS = ("run", "agent", "connection", "secret", "key", "member", "freeze", "alert", "effect", "role", "grant",
          "account", "provider", "identity", "handover", "approval", "entry", "release", "trusted_key",
           "vouching", "webhook", "review", "dataset", "example", "evaluator", "evaluation",
           "incident", "task")  # fmt: skip
# What belongs to one agent: there a grant on it counts, and `own` means whose agent or run it is.
_OF_AN_AGENT = ("{agent}", "{run}", "{effect}", "{key}", "{handover}", "{approval}", "{release}", "{vouching}",
                "{review}", "{dataset}", "{evaluator}", "{evaluation}",
                "{incident}")  # fmt: skip
_ABOUT_AGENTS = ("start_orchestration", "cancel_runs", "cancel_matching", "hand_over_member", "declare_incident")
# What stands in one environment: a key bound to another one is told there is no such thing.
_OF_A_PLACE = ("{run}", "{connection}", "{secret}", "{key}", "{effect}", "{account}", "{approval}", "{entry}",
               "{release}", "{vouching}", "{review}", "{evaluation}",
                "{incident}")  # fmt: skip
_STARTS_IN_PRODUCTION = ("execute", "start_orchestration", "create_secret", "add_memory", "memory_migration",
                         "migrate_memory", "rollback_plan", "vouch", "follow_up", "read_outputs",
                         "end_first_week", "evaluate", "schedule_dataset")  # fmt: skip
# What belongs to the person who is signed in: no key has it, whatever it may do.
PERSONAL = ("my_sessions", "end_my_session", "end_my_sessions", "my_second_factor")
# For the installation's administrators, whom no role and no grant makes.
INSTANCE = ("list_workspaces", "create_workspace", "suspend_workspace", "resume_workspace")
# Whatever a role allows, for whoever is asked; and whoever is, comes too late: the run is over.
_OF_WHO_IS_ASKED = ("approve", "deny", "answer_approval", "acknowledge_approval")
# They ask for more than one right.
_NEEDS_TOO: dict[str, Action] = {
    "replay_run": "run.read", "memory_migration": "agent.deploy", "migrate_memory": "agent.deploy",
    "judge_pair": "run.read", "add_incident_runs": "run.read",
    "add_incident_cases": "dataset.edit",
    "schedule_dataset": "evaluation.run",
}  # fmt: skip
# Nothing of the kind is in the world: whoever may is told so. Nobody who asks was asked to answer for an agent.
_NOT_THERE = ("stop_order", "end_my_session", "step", "remove_price", "accept_ownership", "decline_ownership",
              "approve_access", "refuse_access", "withdraw_access", "remove_absence", "remove_own_channel",
              "remove_agent_channel", "disconnect_chat", "unlink_chat_account", "acknowledge_approval",
              "approval_deliveries", "webhook_delivery", "resend_webhook_delivery")  # fmt: skip


# What holds in every environment at once: a key that is bound to one may not.
_OF_EVERY_PLACE = frozenset({"retire_revision", "reinstate_revision"})
# What is the whole workspace's and no agent's: a level on one agent does not reach it.
_OF_NO_AGENT = frozenset({"objectives"})


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    method: str
    path: str
    takes_body: bool

    @property
    def is_of_an_agent(self) -> bool:
        """Whether it is about one agent, or something that belongs to one."""
        return any(word in self.path for word in _OF_AN_AGENT) or self.name in _ABOUT_AGENTS

    @property
    def things(self) -> set[str]:
        """The things whose ids it takes, in its address or in its body."""
        said = self.path + str(BODIES.get(self.name, ""))
        return {word for word in THINGS if "{" + word + "}" in said}

    @property
    def is_of_a_place(self) -> bool:
        """Whether what it is about stands in production alone."""
        return any(word in self.path for word in _OF_A_PLACE) or self.name in _STARTS_IN_PRODUCTION


@cache
def operations() -> tuple[Operation, ...]:
    """Every documented operation."""
    app = FastAPI()
    openapi.describe(app)
    found = [
        Operation(details["operationId"], method, path, "requestBody" in details)
        for path, methods in app.openapi()["paths"].items()
        for method, details in methods.items()
    ]
    assert {operation.name for operation in found} == set(NEEDS)
    return tuple(found)


def of_workspaces() -> list[Operation]:
    """The operations under `/v1/{workspace}`."""
    return [operation for operation in operations() if operation.path.startswith("/v1/{workspace}")]


def filled(value: Any, ids: Mapping[str, str]) -> Any:
    """A body with the ids of these things."""
    if isinstance(value, dict):
        return {name: filled(item, ids) for name, item in value.items()}
    if isinstance(value, list):
        return [filled(item, ids) for item in value]
    if isinstance(value, str) and value.startswith("{"):
        return ids.get(value[1:-1], value)
    return value


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and what the published tables say of them.

    `always`: the status of every answer, whatever is asked. `levels`: held on the agent that things are about.
    """

    name: str
    headers: Mapping[str, str]
    permissions: Mapping[Action, Reach] = field(default_factory=dict[Action, Reach])
    levels: frozenset[Level] = frozenset()
    scopes: frozenset[str] = frozenset()
    is_bound: bool = False
    always: int = 0

    def may(self, operation: Operation) -> bool:
        """Whether the tables let them."""
        needed = NEEDS[operation.name]
        return needed is None or all(
            self._may(action, operation) for action in (needed, _NEEDS_TOO.get(operation.name)) if action
        )

    def _may(self, action: Action, operation: Operation) -> bool:
        if self.scopes and action not in self.scopes:
            return False
        if self.is_bound and action in WORKSPACE_WIDE:
            return False
        far = self.permissions.get(action)
        is_granted = (
            operation.name not in _OF_NO_AGENT
            and action in GRANTABLE
            and any(action in LEVEL_ACTIONS[level] for level in self.levels)
        )
        if operation.is_of_an_agent:  # It is Alice's, and all callers are others.
            return far == "all" or is_granted
        return far is not None or is_granted


def by_session(name: str, token: str, permissions: Mapping[Action, Reach], **more: Any) -> Caller:
    """A signed-in browser."""
    return Caller(name, {"Cookie": f"session={token}", "Sec-Fetch-Site": "same-origin"}, permissions, **more)


def by_key(name: str, key: str, **more: Any) -> Caller:
    """A program with a key."""
    return Caller(name, {"Authorization": f"Bearer {key}"}, **more)


def callers(world: World) -> list[Caller]:
    """Every kind of caller."""
    administrator = PERMISSIONS["administrator"]
    found = [
        Caller("nobody", {}, always=401),
        by_key("a forged key", "so_aaaaaaaaaa_" + "b" * 43, always=401),
        by_key("a revoked key", world.keys["revoked"], always=401),
        by_session("a removed member", world.tokens["removed"], {}, always=401),
        by_key("another workspace's key", world.keys["charlie"], always=404),
        by_session("another workspace's owner", world.tokens["charlie"], {}, always=404),
    ]
    found += [by_session(f"the role {role}", world.tokens[role], table) for role, table in PERMISSIONS.items()]
    found.append(by_session("a role of one's own", world.tokens["reviewer"], REVIEWER))
    found += [
        by_session(f"the level {level}", world.tokens[f"level-{level}"], FLOOR,
                   levels=frozenset[Level]((level,)))
        for level in LEVEL_ACTIONS
    ]  # fmt: skip
    found += [
        by_key("a key of another scope", world.keys["narrow"], permissions=administrator,
               scopes=frozenset(("workspace.read",))),
        by_key("a key of another environment", world.keys["staging"], permissions=administrator, is_bound=True),
    ]  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    text: str

    @property
    def json(self) -> dict[str, Any]:
        """The answer's members."""
        return httpx2.Response(self.status, text=self.text).json()


class Sweep:
    """Asks operations of a world, and leaves it as it was."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._client = httpx2.AsyncClient(transport=httpx2.ASGITransport(world.app), base_url=BASE, timeout=30)

    async def ask(
        self, caller: Caller, operation: Operation, ids: Mapping[str, str] | None = None, body: Any = None
    ) -> Answer:
        """Send a valid request, or one with this body, about the world's things or those of `ids`."""
        known = {**self.world.ids, **(ids or {})}
        path = operation.path + QUERIES.get(operation.name, "")
        for name, value in known.items():
            path = path.replace("{" + name + "}", value)
        assert "{" not in path, path
        if body is None and operation.takes_body:
            body = filled(BODIES[operation.name], known)
        sent: dict[str, Any] = {"json": body} if operation.takes_body else {}
        with undone(self.world):
            answer = await self._client.request(
                operation.method.upper(), path, headers=dict(caller.headers), **sent
            )  # fmt: skip
        return Answer(answer.status_code, answer.text)

    async def close(self) -> None:
        """Let go of the client."""
        await self._client.aclose()


def ask(world: World, client: Any, operation: Operation, *, ids: Mapping[str, str] | None = None) -> Any:
    """Send a valid request through a client of one's own, about the world's things or those of `ids`. It is kept."""
    known = {**world.ids, **(ids or {})}
    path = operation.path + QUERIES.get(operation.name, "")
    for name, value in known.items():
        path = path.replace("{" + name + "}", value)
    assert "{" not in path, path
    sent = {"json": filled(BODIES[operation.name], known)} if operation.takes_body else {}
    return client.request(operation.method.upper(), path, **sent)


@contextmanager
def undone(world: World) -> Generator[None]:
    """Everything the stores do meanwhile happens in one transaction, which is rolled back."""
    stores = {id(store): store for store in (world.store, world.house.store)}.values()  # On SQLite they are one.
    kept = [(store, store._sessions) for store in stores]
    with world.store.engine.connect() as connection:
        outer = connection.begin()
        for store in stores:
            store._sessions = _joining(connection, is_walled=store.is_walled)
        try:
            yield
        finally:
            for store, sessions in kept:
                store._sessions = sessions
            outer.rollback()


def _joining(connection: Connection, *, is_walled: bool) -> sessionmaker[Session]:
    """Sessions inside one transaction that see what sessions of their own would see."""
    # A commit releases a savepoint: whoever reads after it sees what was written.
    sessions = sessionmaker(
        connection, expire_on_commit=False, join_transaction_mode="create_savepoint", info={WALLED: is_walled}
    )
    if connection.dialect.name == "postgresql":

        def bind(*_: object) -> None:
            # A connection of the requests' own is bound when its transaction begins; here that began long ago.
            here = walls.here() if is_walled else walls.EVERYTHING
            connection.exec_driver_sql("select set_config(%s, %s, true)", (walls.SETTING, here))

        event.listen(sessions, "after_begin", bind)
    return sessions


def wrong(caller: Caller, operation: Operation, answer: Answer) -> str:
    """What is wrong with the answer about a thing of the caller's own workspace; empty when it is as published."""
    if operation.name in (*PUBLIC, *SIGNED):
        wanted = (200, 503) if operation.name in PUBLIC else (401,)
        return "" if answer.status in wanted else "public, or only for who signs, and answered otherwise"
    if caller.always == 404 and not operation.path.startswith("/v1/{workspace}"):
        return ""  # They are in their own workspace there.
    if caller.always:
        return "" if answer.status == caller.always else f"not {caller.always}"
    if operation.name in INSTANCE or (operation.name in PERSONAL and "Authorization" in caller.headers):
        is_told = answer.status == 403 and {"required", "granted"} <= set(answer.json)
        return "" if is_told else "not refused, though no role lets anybody"
    if operation.name == "cancel_runs":
        told = set(answer.json.get("runs", {}).values())
        hidden = "not_found" if caller.is_bound else "not_allowed"
        if answer.status != 200 or (hidden in told) != (caller.is_bound or not caller.may(operation)):
            return f"told {told}"
        return ""
    if (told := _where_more_decides(caller, operation, answer)) is not None:
        return told
    if not caller.may(operation):
        is_told = answer.status == 403 and {"required", "granted"} <= set(answer.json)
        return "" if is_told else "not refused, though the table does not let them"
    if caller.is_bound and operation.is_of_a_place:
        return "" if answer.status == 404 else "another environment's, and there"
    refused = (401, 403) if operation.name in _NOT_THERE else (401, 403, 404)
    is_served = answer.status not in refused and (answer.status < 500 or answer.status in (502, 503))
    return "" if is_served else "refused, though the table lets them"


# Somebody else's is not there for whoever reaches only their own.
_HIDDEN: tuple[tuple[str, Action], ...] = (("{key}", "key.manage"), ("{approval}", "approval.read"))


def _where_more_decides(caller: Caller, operation: Operation, answer: Answer) -> str | None:
    """What is wrong where more than the tables decides: who is asked, whose it is. None where they do."""
    if operation.name in _OF_WHO_IS_ASKED:
        is_told = answer.status == 403 and {"required", "granted"} <= set(answer.json)
        return "" if is_told or answer.status in (404, 409) else "answered, and they were not asked"
    if caller.is_bound and operation.name in _OF_EVERY_PLACE:
        is_told = (answer.status, answer.json.get("code")) == (403, "bound_key")
        return "" if is_told else "ended in every environment by a key of one"
    if caller.may(operation) or caller.scopes:
        return None
    for word, action in _HIDDEN:
        if word in operation.path and caller.permissions.get(action) == "own":
            return "" if answer.status == 404 else "somebody else's, and there"
    return None


def without_ids(text: str, ids: Mapping[str, str]) -> str:
    """A body without what differs by nature: the ids that were asked for, and the request's own."""
    # First the request's: an id such as a version's, one digit, may stand in it.
    text = re.sub(r"urn:signoff:request:[\w-]+", "<request>", text)
    for name, value in sorted(ids.items(), key=lambda pair: -len(pair[1])):
        text = text.replace(value, f"<{name}>")
    return text
