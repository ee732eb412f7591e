"""Pages of roles and keys have words for every right; without one they could not be shown."""

from __future__ import annotations

from signoff.people.roles import ACTIONS, ROLES
from signoff.web.permission_words import ACTION_WORDS, AREA_WORDS, ROLE_WORDS


def test_every_action_role_and_area_has_its_words():
    assert set(ACTION_WORDS) == set(ACTIONS)
    assert set(ROLE_WORDS) == set(ROLES)
    assert set(AREA_WORDS) == {action.partition(".")[0] for action in ACTIONS}
