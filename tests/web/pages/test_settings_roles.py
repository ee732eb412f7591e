"""The table of roles is the permission table, nothing else."""

from __future__ import annotations

import re
from html import unescape

from signoff.people.levels import GRANTABLE, LEVEL_ACTIONS, LEVELS
from signoff.people.queries import environment_by_slug
from signoff.people.roles import ACTIONS, PERMISSIONS, ROLES
from signoff.web.permission_words import LEVEL_WORDS
from tests.web.pages.conftest import Site


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


def test_what_each_level_allows_is_the_table_of_levels(site: Site):
    html = site.browser().get(f"{site.base}/settings/roles").text.split('id="levels"')[1].split("</section>")[0]
    assert set(LEVEL_WORDS) == set(LEVELS)
    for action in GRANTABLE:
        row = next(part for part in html.split("<tr>") if f">{action}<" in part)
        cells = re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)
        assert ['aria-label="yes"' in cell for cell in cells] == [action in LEVEL_ACTIONS[level] for level in LEVELS]


REVIEWER = {"name": "Reviewer", "slug": "reviewer", "description": "Reads runs.", "may-run.read": "all"}


def test_a_role_is_made_given_changed_and_deleted(site: Site):
    browser, at = site.browser(), f"{site.base}/settings/roles"
    empty = browser.get(f"{at}/new").text
    assert 'name="may-run.read"' in empty
    assert 'name="may-owner.manage"' not in empty
    assert browser.post(at, data=REVIEWER).status_code == 303
    shown = browser.get(at).text
    assert f'href="{at}/reviewer"' in shown
    row = shown.split('<tr id="run.read">')[1].split("</tr>")[0]
    assert len(re.findall("<td", row)) == len(ROLES) + 1
    rosa = site.seeded.people["rosa"].id
    given = browser.post(f"{site.base}/settings/members/{rosa}/role", data={"role": "reviewer"})
    assert given.status_code == 303
    assert "Reviewer" in browser.get(f"{site.base}/settings/members").text
    assert "data-row" in site.browser("rosa").get(f"{site.base}/runs").text
    refused = browser.post(f"{at}/reviewer/delete")
    assert refused.status_code == 409
    assert "carried by Rosa Marín" in unescape(refused.text)
    changed = browser.post(f"{at}/reviewer", data={"name": "Reader", "description": "", "may-agent.read": "all"})
    assert changed.status_code == 303
    # Every role sees what is its own, and these runs were other people's.
    assert site.browser("rosa").get(f"{site.base}").status_code == 200
    assert "data-row" not in site.browser("rosa").get(f"{site.base}/runs").text
    assert browser.post(f"{site.base}/settings/members/{rosa}/role", data={"role": "viewer"}).status_code == 303
    assert browser.post(f"{at}/reviewer/delete").status_code == 303
    assert browser.get(f"{at}/reviewer").status_code == 404


def test_a_refused_role_keeps_what_was_chosen(site: Site):
    browser, at = site.browser(), f"{site.base}/settings/roles"
    answer = browser.post(at, data=REVIEWER | {"slug": "Not a slug"})
    assert answer.status_code == 422
    assert 'value="Reviewer"' in answer.text
    chosen = answer.text.split('id="may-run.read"')[1].split("</select>")[0]
    assert '<option value="all" selected>' in chosen
    odd = browser.post(at, data=REVIEWER | {"may-member.manage": "own", "may-nothing.such": "all"})
    assert odd.status_code == 422


def test_who_may_make_live_and_who_is_the_last_resort(site: Site):
    browser, at = site.browser(), f"{site.base}/settings"
    rules = {"environment": "production", "restricted": "yes", "four_eyes": "yes"}
    assert browser.post(f"{at}/deploy-rules", data=rules).status_code == 303
    with site.store.read() as session:
        place = environment_by_slug(session, site.seeded.owner, "production")
    assert (place.is_deploy_restricted, place.is_four_eyes) == (True, True)
    form = browser.get(f"{at}/roles").text.split('id="four-eyes-production"')[1].split(">")[0]
    assert "checked" in form
    assert browser.post(f"{at}/deploy-rules", data={"environment": "production"}).status_code == 303
    with site.store.read() as session:
        assert not environment_by_slug(session, site.seeded.owner, "production").is_four_eyes
    refused = browser.post(f"{at}/last-resort", data={"member": site.seeded.people["rosa"].id})
    assert refused.status_code == 409
    assert "administrator" in refused.text
    assert browser.post(f"{at}/last-resort", data={"member": site.seeded.owner.id}).status_code == 303


def test_who_may_not_change_roles(site: Site):
    at = f"{site.base}/settings"
    for who in ("ines", "rosa"):
        browser = site.browser(who)
        shown = browser.get(f"{at}/roles").text
        assert "/settings/roles/new" not in shown
        assert "<form" not in shown.split('id="last-resort"')[1].split("</section>")[0]
        assert browser.get(f"{at}/roles/new").status_code == 403
        for path, data in (
            ("roles", REVIEWER),
            ("deploy-rules", {"environment": "production", "four_eyes": "yes"}),
            ("last-resort", {"member": site.seeded.people[who].id}),
        ):
            assert browser.post(f"{at}/{path}", data=data).status_code == 403
