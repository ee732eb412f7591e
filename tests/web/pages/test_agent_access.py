"""Who may do what on one agent, and why; a level is given and taken back."""

from __future__ import annotations

import re
from html import unescape

from signoff.agents.grants import SHOWN, grants_on
from signoff.people.actions import create_service_account
from signoff.people.levels import LEVELS
from signoff.web.permission_words import ON_AGENT_WORDS
from tests.web.pages.conftest import Site

AT = "/w/northwind/agents/supplier-mail/access"


def held(site: Site) -> dict[str, list[str]]:
    with site.store.read() as session:
        found: dict[str, list[str]] = {}
        for grant in grants_on(session, site.seeded.owner, "supplier-mail"):
            found.setdefault(grant.name, []).append(grant.level)
        return found


def give(site: Site, who: str, level: str, by: str = "mei"):
    return site.browser(by).post(AT, data={"member": site.seeded.people[who].id, "level": level})


def line(site: Site, who: str, by: str = "mei") -> str:
    html = site.browser(by).get(AT).text
    return unescape(html.split(f'<tr id="{site.seeded.people[who].id}"')[1].split("</tr>")[0])


def test_it_says_who_owns_it_and_what_each_role_allows(site: Site):
    assert set(ON_AGENT_WORDS) == set(SHOWN)
    html = unescape(site.browser().get(AT).text)
    assert "Last resort" in line(site, "mei")
    roles = html.split('aria-label="By role"')[1].split("</section>")[0]
    assert "Manager" in roles
    assert "Viewer" in roles


def test_a_level_is_given_seen_used_and_taken_back(site: Site):
    assert site.browser("rosa").get("/w/northwind/agents/supplier-mail/run").text.count("<form") <= 2
    assert give(site, "rosa", "editor").status_code == 303
    assert give(site, "rosa", "deployer").status_code == 303
    assert held(site)["Rosa Marín"] == ["editor", "deployer"]
    shown = line(site, "rosa")
    assert "Editor" in shown
    assert "deploy" in shown
    assert "Edit" in site.browser("rosa").get("/w/northwind/agents/supplier-mail").text
    grant = re.search(r'name="grant" value="(grt_\w+)"', shown)
    assert grant
    assert site.browser().post(f"{AT}/take", data={"grant": grant[1]}).status_code == 303
    assert held(site)["Rosa Marín"] == ["deployer"]
    assert site.browser().post(f"{AT}/take", data={"grant": grant[1]}).status_code == 404


def test_a_service_account_gets_a_level_too(site: Site):
    with site.store.write() as session:
        create_service_account(session, site.seeded.owner, slug="nightly", name="Nightly", role="viewer")
    assert "Nightly (service account)" in site.browser().get(AT).text
    given = site.browser().post(AT, data={"member": "account:nightly", "level": "operator"})
    assert given.status_code == 303
    assert held(site)["Nightly"] == ["operator"]
    html = unescape(site.browser().get(AT).text)
    shown = html.split('<tr id="nightly"')[1].split("</tr>")[0]
    assert "service account" in shown
    assert "Operator" in shown
    unknown = site.browser().post(AT, data={"member": "account:nobody", "level": "operator"})
    assert unknown.status_code == 422
    assert "There is no service account" in unescape(unknown.text)


def test_a_level_that_is_not_given_keeps_the_form(site: Site):
    give(site, "rosa", "admin")
    twice = give(site, "rosa", "admin")
    assert twice.status_code == 409
    assert "already" in twice.text
    assert re.search(r'id="level-admin"[^>]*checked', twice.text)
    assert f'<option value="{site.seeded.people["rosa"].id}" selected' in twice.text
    nobody = site.browser().post(AT, data={"member": "", "level": "viewer"})
    assert nobody.status_code == 422
    assert "not an active member" in nobody.text
    assert site.browser().post(AT, data={"member": site.seeded.people["rosa"].id, "level": "king"}).status_code == 422


def test_who_may_not_share_sees_why_others_may_and_gives_nothing(site: Site):
    give(site, "tomasz", "operator")
    page = site.browser("rosa").get(AT)
    assert page.status_code == 200
    assert "Give a level" not in page.text
    assert "Take back" not in page.text
    assert "Operator" in line(site, "tomasz", by="rosa")
    for level in LEVELS:
        assert give(site, "rosa", level, by="rosa").status_code == 403
    with site.store.read() as session:
        grant = grants_on(session, site.seeded.owner, "supplier-mail")[0].id
    assert site.browser("rosa").post(f"{AT}/take", data={"grant": grant}).status_code == 403
    assert held(site) == {"Tomasz Wilk": ["operator"]} or len(held(site)) == 1


def test_a_stranger_gets_nothing(site: Site):
    assert site.browser().get("/w/northwind/agents/nobody-there/access").status_code == 404
    assert site.browser().get("/w/elsewhere/agents/supplier-mail/access").status_code == 404
