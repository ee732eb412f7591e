"""Every operation of the API with a valid request, for tests that ask all of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from fastapi import FastAPI

from signoff.api import openapi
from signoff.api.permissions import NEEDS
from tests.api.world import BODY, World, make_connection, make_identity, make_provider, make_secret

YAML = "slug: fromfile\nname: From a file\nmodel:\n  name: openai:gpt-5-mini\n"

PROVIDER = {"name": "Login", "issuer": "http://127.0.0.1:65432", "client_id": "signoff"}

BODIES: dict[str, Any] = {
    "start_orchestration": {"runId": "r-1", "workflowId": "helper", "input": {"text": "x"}},
    "add_member": {"email": "new@acme.example", "name": "New", "role": "member"},
    "set_role": {"role": "viewer"},
    "link_member": {"purpose": "invitation"},
    "add_identity_provider": {**PROVIDER, "client_secret": "the secret"},
    "change_identity_provider": {**PROVIDER, "version": 1},
    "enable_identity_provider": {},
    "disable_identity_provider": {},
    "test_identity_provider": {},
    "set_sso_only": {"is_sso_only": False},
    "create_key": {"name": "k", "preset": "read-only"},
    "apply_agents": {"agents": [{"folder": "fromfile", "agent_yaml": YAML, "sop_md": "Be kind."}]},
    "create_agent": {"slug": "second", "name": "Second", "body": BODY},
    "edit_agent": {"description": "changed"},
    "disable_agent": {},
    "enable_agent": {},
    "save_draft": {"body": {**BODY, "sop": "Other words."}, "version": 1},
    "lint_draft": {},
    "freeze_revision": {"reason": "because"},
    "make_live": {"environment": "staging", "revision": "1", "reason": "because"},
    "execute": {"input": {"text": "x"}},
    "settle_effect": {"outcome": "did_not_happen", "reason": "looked"},
    "create_connection": {
        "environment": "staging",
        "slug": "erp2",
        "name": "ERP",
        "kind": "mcp_http",
        "config": {"url": "http://127.0.0.1:65432/mcp"},
    },
    "edit_connection": {"name": "ERP renamed"},
    "disable_connection": {},
    "enable_connection": {},
    "accept_tool": {},
    "set_tool_effect": {"effect": "irreversible"},
    "replace_secret": {"value": "another-value"},
    "set_daily_cap": {"daily_cap_usd": "5"},
    "set_price": {"input_usd": "1", "output_usd": "2"},
    "order_freeze": {"scope": "workspace", "reason": "stop"},
    "cancel_run": {},
    "replay_run": {},
}
# Operations that take something away: each caller gets one of their own to try it on.
_OWN_TARGET = ("remove_member", "set_role", "revoke_key", "disconnect", "delete_secret", "link_member",
               "remove_identity_provider", "unlink_identity")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Operation:
    name: str
    method: str
    path: str
    takes_body: bool


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


def body_of(world: World, operation: Operation, ids: dict[str, str]) -> Any:
    """A valid body."""
    if operation.name == "create_secret":
        return {"connection_id": ids["connection"], "name": "OTHER", "value": "secret-value"}
    if operation.name == "cancel_runs":
        return {"runs": [ids["run"]]}
    return BODIES.get(operation.name) if operation.takes_body else None


def ask(world: World, client: Any, operation: Operation, *, ids: dict[str, str] | None = None) -> Any:
    """Send a valid request for the operation about the things of `ids`."""
    known = {**world.ids, **(ids or {})}
    path = operation.path
    for name, value in known.items():
        path = path.replace("{" + name + "}", value)
    assert "{" not in path, path
    return client.request(operation.method.upper(), path, json=body_of(world, operation, known))


def own_target(world: World, operation: Operation, number: int) -> dict[str, str]:
    """A thing of its own for an operation that takes something away."""
    if operation.name not in _OWN_TARGET:
        return {}
    from signoff.people.actions import add_member, create_key

    with world.store.write() as session:
        member = add_member(session, world.alice, email=f"target{number}@acme.example", name="Target", role="member")
        key = create_key(session, world.alice, name=f"target {number}").id
        connection = make_connection(session, world.alice, world.acme, f"target{number}")
        secret = make_secret(session, world.alice, world.house, connection, f"TARGET{number}")
        provider = make_provider(session, world.alice, world.house)
        identity = make_identity(session, provider, member)
    return {
        "member": member,
        "key": key,
        "connection": connection,
        "secret": secret,
        "provider": provider,
        "identity": identity,
    }
