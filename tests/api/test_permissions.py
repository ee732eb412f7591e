"""Every operation, asked by nobody, by a stranger, and by each role: the answer is what the table says."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.api.permissions import NEEDS
from signoff.people.roles import PERMISSIONS, ROLES, Action, Role
from tests.api.sweep import Operation, ask, of_workspaces, operations, own_target
from tests.api.world import World

_THINGS = ("run", "agent", "connection", "secret", "key", "member", "freeze", "alert", "effect", "provider", "identity")
_PUBLIC = ("live", "ready", "health", "metrics")
# Operations on one thing, where a role that reaches only its own is refused Alice's.
_ON_ONE_THING = {
    "run", "steps", "step", "messages", "events", "cancel_run", "acknowledge_run", "replay_run", "edit_agent",
    "disable_agent", "enable_agent", "save_draft", "freeze_revision", "make_live", "settle_effect",
    "orchestration_run", "orchestration_summary",
}  # fmt: skip

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def name_of(operation: Operation) -> str:
    return operation.name


def test_without_a_key_it_is_401(world: World) -> None:
    with world.client() as nobody, world.client(key="so_aaaaaaaaaa_" + "b" * 43) as forger:
        for operation in operations():
            if operation.name in _PUBLIC:
                continue
            for caller, code in ((nobody, "AGENT_API_KEY_MISSING"), (forger, "AGENT_API_KEY_INVALID")):
                answer = ask(world, caller, operation)
                assert (answer.status_code, answer.json()["code"]) == (401, code), operation.name


def test_a_stranger_gets_404_for_the_workspace_and_for_its_things(world: World) -> None:
    """Charlie owns another workspace: neither this one's address nor its ids under his own show him anything."""
    for caller in ({"key": world.keys["charlie"]}, {"session": world.tokens["charlie"]}):
        with world.client(**caller) as charlie:
            for operation in of_workspaces():
                assert ask(world, charlie, operation).status_code == 404, operation.name
                if any("{" + word + "}" in operation.path for word in _THINGS):
                    answer = ask(world, charlie, operation, ids={"workspace": "other"})
                    assert answer.status_code == 404, operation.name


def test_each_role_may_read_what_the_table_says(world: World) -> None:
    cancel = next(each for each in operations() if each.name == "cancel_run")
    with world.client(session=world.tokens["owner"]) as alice:
        assert ask(world, alice, cancel).status_code == 204
    for operation in of_workspaces():
        if operation.method == "get":
            _each_role(world, operation)


@pytest.mark.parametrize("operation", [each for each in of_workspaces() if each.method != "get"], ids=name_of)
def test_each_role_may_do_what_the_table_says(world: World, operation: Operation) -> None:
    if operation.name == "remove_price":
        set_price = next(each for each in operations() if each.name == "set_price")
        with world.client(session=world.tokens["owner"]) as alice:
            assert ask(world, alice, set_price).status_code == 200
    _each_role(world, operation)


def _each_role(world: World, operation: Operation) -> None:
    needed = NEEDS[operation.name]
    found: dict[str, Any] = {}
    for number, role in enumerate(reversed(ROLES)):
        with world.client(session=world.tokens[role]) as caller:
            answer = ask(world, caller, operation, ids=own_target(world, operation, number))
        found[role] = answer.status_code
        told = (operation.name, found, answer.text)
        if _is_refused(role, operation, needed) and operation.name == "cancel_runs":
            assert set(answer.json()["runs"].values()) == {"not_allowed"}, told
        elif _is_refused(role, operation, needed):
            assert answer.status_code == 403, told
            assert {"required", "granted"} <= set(answer.json())
        elif operation.name in ("step", "remove_price"):
            assert answer.status_code in (200, 404), told
        else:
            assert answer.status_code in (200, 201, 202, 204, 409, 422, 502, 503), told


def _is_refused(role: Role, operation: Operation, needed: Action | None) -> bool:
    if needed is None:
        return False
    granted = PERMISSIONS[role].get(needed)
    if operation.name == "replay_run" and PERMISSIONS[role].get("run.read") != "all":
        return True  # Nobody replays what they may not read.
    return granted is None or (granted == "own" and operation.name in _ON_ONE_THING)


@pytest.mark.parametrize("header", ["viewer", "member", "admin", "owner", "root", ""])
def test_the_role_header_only_takes_away(world: World, header: str) -> None:
    with world.client(session=world.tokens["builder"]) as client:
        before = client.get("/v1/me").json()["permissions"]
        after = client.get("/v1/me", headers={"x-user-role": header}).json()["permissions"]
        assert set(after) <= set(before)
        assert all(before[action] in ("all", far) for action, far in after.items())
        if header in ("viewer", "root"):
            assert (
                client.post(
                    "/v1/acme/agents", json={"slug": "x", "name": "X"}, headers={"x-user-role": header}
                ).status_code
                == 403
            )
    with world.client() as nobody:
        assert nobody.get("/v1/me", headers={"x-user-role": "admin"}).status_code == 401
