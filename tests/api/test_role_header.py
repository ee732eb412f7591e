"""`x-user-role` takes away, and never gives: every word, in every spelling, for every kind of caller."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.api.identity import narrowed
from signoff.people.access import Principal, reach
from signoff.people.roles import ACTIONS, PERMISSIONS, ROLES, Role
from tests.api.world import World

WORDS = (*ROLES, "admin", "provider", "ADMIN", " Owner ", "root", "administrator,owner", "*", "own", "é", "")
FAR = {None: 0, "own": 1, "all": 2}


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("role", ROLES)
def test_no_word_gives_anything(role: Role, word: str) -> None:
    caller = Principal("member", "mem_1", "Alice", "ws_1", role)
    after = narrowed(caller, [word])
    for action in ACTIONS:
        assert FAR[reach(after, action)] <= FAR[reach(caller, action)], action
    assert (after.role == "owner") <= (role == "owner")


@pytest.mark.parametrize("word", ROLES)
@pytest.mark.parametrize("role", ROLES)
def test_what_both_roles_allow_is_what_is_left(role: Role, word: Role) -> None:
    after = narrowed(Principal("member", "mem_1", "Alice", "ws_1", role), [word])
    for action in ACTIONS:
        fars = [PERMISSIONS[one].get(action) for one in (role, word)]
        assert FAR[reach(after, action)] == min(FAR[far] for far in fars), action


def test_of_several_words_each_counts() -> None:
    caller = Principal("member", "mem_1", "Alice", "ws_1", "owner")
    for words in (["viewer", "owner"], ["owner", "viewer"], ["admin", "viewer", "admin"]):
        assert reach(narrowed(caller, words), "run.start") is None
    assert narrowed(caller, []) == narrowed(caller, ["", "  "]) == caller


def test_a_word_nobody_knows_leaves_the_least() -> None:
    caller = Principal("member", "mem_1", "Alice", "ws_1", "owner")
    assert {action for action in ACTIONS if reach(narrowed(caller, ["root"]), action)} == set(PERMISSIONS["viewer"])


on_sqlite = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


def start(world: World, headers: list[tuple[str, str]], key: str | None = None) -> Any:
    with world.client(key=key) as client:
        body = {"runId": "r-1", "workflowId": "helper", "input": {"text": "x"}}
        return client.post("/v1/orchestrations/run", json=body, headers=headers)


@on_sqlite
@pytest.mark.parametrize(
    ("words", "status"),
    [([], 202), (["manager"], 202), (["Admin"], 202), (["viewer"], 403), (["root"], 403), (["manager", "viewer"], 403)],
)
def test_a_write_without_the_role_is_403_and_names_what_it_takes(world: World, words: list[str], status: int) -> None:
    answer = start(world, [("x-user-role", word) for word in words], world.keys["runner"])
    assert answer.status_code == status, answer.text
    if status == 403:
        problem = answer.json()
        assert (problem["code"], problem["required"], problem["ok"]) == ("AUTHZ_FORBIDDEN", "run.start", False)
        assert "run.start" not in problem["granted"]
        assert "the role member or higher" in problem["detail"]


@on_sqlite
@pytest.mark.parametrize("word", WORDS[:-2])
def test_the_word_alone_lets_nobody_in(world: World, word: str) -> None:
    answer = start(world, [("x-user-role", word)])
    assert (answer.status_code, answer.json()["code"]) == (401, "AGENT_API_KEY_MISSING")


@on_sqlite
def test_an_administrator_who_calls_himself_owner_makes_no_owner(world: World) -> None:
    owner = {"email": "mallory@acme.example", "name": "Mallory", "role": "owner"}
    with world.client(session=world.tokens["administrator"]) as client:
        for headers in ({}, {"x-user-role": "owner"}, {"x-user-role": "OWNER"}):
            assert client.post("/v1/acme/members", json=owner, headers=headers).status_code == 403
            changed = client.patch(f"/v1/acme/members/{world.ids['member']}", json={"role": "viewer"}, headers=headers)
            assert changed.status_code == 403


@on_sqlite
def test_a_builder_who_says_administrator_still_edits_what_is_his(world: World) -> None:
    with world.client(session=world.tokens["builder"]) as client:
        before = client.get("/v1/me").json()["permissions"]
        after = client.get("/v1/me", headers={"x-user-role": "administrator"}).json()["permissions"]
    assert before == after
