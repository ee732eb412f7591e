"""The permission table answers as the roles are defined, and a foreign thing does not exist."""

from __future__ import annotations

import pytest

from signoff.kit.errors import NotAllowed, NotFound
from signoff.people.access import Principal, authorize, can, reach, system
from signoff.people.roles import ACTIONS, KEY_PRESETS, PERMISSIONS, ROLES, Action, Role


def person(role: Role, **more: object) -> Principal:
    return Principal("member", "mem_1", "Mei", "ws_1", role, **more)  # pyright: ignore[reportArgumentType]


def test_every_role_is_in_the_table_and_every_action_has_someone() -> None:
    assert tuple(PERMISSIONS) == ROLES
    for action in ACTIONS:
        assert PERMISSIONS["owner"][action] == "all"


@pytest.mark.parametrize(
    ("role", "action", "expected"),
    [
        ("member", "run.read", "own"),
        ("member", "agent.edit", None),
        ("builder", "agent.edit", "own"),
        ("manager", "agent.edit", "all"),
        ("manager", "member.manage", None),
        ("administrator", "member.manage", "all"),
        ("viewer", "run.start", None),
        ("viewer", "run.read", "all"),
    ],
)
def test_the_roles_of_the_promotion_guide(role: Role, action: Action, expected: str | None) -> None:
    assert reach(person(role), action) == expected


def test_another_workspaces_thing_is_not_found_even_for_an_owner() -> None:
    with pytest.raises(NotFound):
        authorize(person("owner"), "run.read", workspace_id="ws_2")


def test_own_means_own() -> None:
    authorize(person("builder"), "agent.edit", workspace_id="ws_1", owners=("mem_1",))
    with pytest.raises(NotAllowed) as refused:
        authorize(person("builder"), "agent.edit", workspace_id="ws_1", owners=("mem_2", None))
    assert refused.value.extra["required"] == "agent.edit"
    assert "agent.edit" in refused.value.extra["granted"]
    assert "manager" in refused.value.detail


def test_scopes_narrow_and_never_widen() -> None:
    narrow = person("administrator", scopes=frozenset({"run.read"}))
    assert reach(narrow, "run.read") == "all"
    assert reach(narrow, "secret.manage") is None
    wide = person("viewer", scopes=frozenset({"secret.manage"}))
    assert reach(wide, "secret.manage") is None


def test_a_key_of_one_environment_does_not_see_the_other() -> None:
    staging = person("administrator", environment_id="env_s")
    with pytest.raises(NotFound):
        authorize(staging, "run.start", workspace_id="ws_1", environment_id="env_p")
    assert can(staging, "run.start", environment_id="env_s")


def test_a_preset_never_asks_for_more_than_its_role_has() -> None:
    for role, scopes in KEY_PRESETS.values():
        assert set(scopes) <= set(PERMISSIONS[role])


def test_the_product_itself_may_act_in_its_workspace_only() -> None:
    authorize(system("ws_1"), "secret.manage", workspace_id="ws_1")
    with pytest.raises(NotFound):
        authorize(system("ws_1"), "secret.manage", workspace_id="ws_2")
