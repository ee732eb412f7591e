"""The table of roles is the permission table, nothing else."""

from __future__ import annotations

import re

from signoff.people.roles import ACTIONS, PERMISSIONS, ROLES
from signoff.web.permission_words import ACTION_WORDS, AREA_WORDS, ROLE_WORDS
from tests.web.pages.conftest import Site


def test_every_action_role_and_area_has_its_words():
    assert set(ACTION_WORDS) == set(ACTIONS)
    assert set(ROLE_WORDS) == set(ROLES)
    assert set(AREA_WORDS) == {action.partition(".")[0] for action in ACTIONS}


def test_each_cell_says_what_the_table_says(site: Site):
    html = site.browser().get(f"{site.base}/settings/roles").text
    for action in ACTIONS:
        row = html.split(f'<tr id="{action}">')[1].split("</tr>")[0]
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)
        said = ["all" if 'aria-label="yes"' in cell else "own" if ">own<" in cell else None for cell in cells]
        assert said == [PERMISSIONS[role].get(action) for role in ROLES], action


def test_everybody_may_read_it_and_sees_their_own_role(site: Site):
    for who, role in (("mei", "Owner"), ("rosa", "Viewer"), ("tomasz", "Member")):
        answer = site.browser(who).get(f"{site.base}/settings/roles")
        assert answer.status_code == 200
        tile = answer.text.split("yours")[0].rsplit("<h2>", 1)[1]
        assert tile.startswith(role)
