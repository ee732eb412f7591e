"""Service accounts: made, changed, switched off, deleted, and what is seen of their keys."""

from __future__ import annotations

import pytest

from signoff.people.account_queries import service_accounts
from signoff.people.actions import create_key, create_service_account, remove_member
from signoff.people.facts import ServiceAccountFacts
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions

GOOD = {
    "name": "Nightly import",
    "slug": "nightly",
    "description": "Runs on batch-2.",
    "role": "manager",
    "environment": "staging",
    "contact": "-",
}


def accounts(site: Site) -> list[ServiceAccountFacts]:
    with site.store.read() as session:
        return list(service_accounts(session, site.seeded.owner).rows)


def make(site: Site, who: str = "mei", **fields: str):
    return site.browser(who).post(f"{site.base}/settings/keys/accounts", data={**GOOD, **fields})


def test_without_one_it_says_what_it_is_for(site: Site):
    html = site.browser().get(f"{site.base}/settings/keys/accounts").text
    assert "No service account yet" in html
    assert f"{site.base}/settings/keys/accounts/new" in html


def test_an_account_is_made_and_led_to_its_first_key(site: Site):
    ines = site.seeded.people["ines"]
    answer = make(site, contact=ines.id)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{site.base}/settings/keys/accounts/nightly")
    (made,) = accounts(site)
    assert (made.name, made.role, made.environment, made.contact_name) == (
        "Nightly import", "manager", "staging", ines.name,
    )  # fmt: skip
    browser = site.browser()
    html = browser.get(answer.headers["location"]).text
    assert "It has no key yet" in html
    assert f"{site.base}/settings/keys/new?account=nightly" in html
    form = browser.get(f"{site.base}/settings/keys/new?account=nightly").text
    assert '<option value="nightly" selected>' in form
    fields = {"name": "batch-2", "preset": "runner", "environment": "all", "expires": "90", "owner": "nightly"}
    assert browser.post(f"{site.base}/settings/keys", data=fields).status_code == 201
    assert "batch-2" in browser.get(f"{site.base}/settings/keys/accounts/nightly").text
    assert "Nightly import" in browser.get(f"{site.base}/settings/keys").text
    assert accounts(site)[0].keys == 1


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"slug": "Not A Slug"}, "cannot name an account"),
        ({"name": ""}, "A name has 1 to 200 characters"),
        ({"role": "owner"}, "is no role for a service account"),
        ({"environment": "moon"}, "There is no environment"),
        ({"contact": "mem_x"}, "The contact is no member"),
    ],
)
def test_a_refusal_keeps_what_was_typed(site: Site, fields: dict[str, str], word: str):
    answer = make(site, **fields)
    assert answer.status_code == 422
    assert word in answer.text
    assert "Runs on batch-2." in answer.text
    assert accounts(site) == []


def test_a_change_holds_and_a_refused_one_keeps_what_was_typed(site: Site):
    make(site)
    browser, at = site.browser(), f"{site.base}/settings/keys/accounts/nightly"
    assert browser.post(at, data={**GOOD, "name": "Renamed", "role": "viewer"}).status_code == 303
    assert (accounts(site)[0].name, accounts(site)[0].role) == ("Renamed", "viewer")
    refused = browser.post(at, data={**GOOD, "name": "", "description": "kept words"})
    assert refused.status_code == 422
    assert "kept words" in refused.text
    assert accounts(site)[0].description == "Runs on batch-2."


def test_off_and_on_and_gone(site: Site):
    make(site)
    browser, at = site.browser(), f"{site.base}/settings/keys/accounts/nightly"
    with site.store.write() as session:
        create_key(session, site.seeded.owner, name="batch-2", service_account="nightly")
    assert browser.post(f"{at}/disable").status_code == 303
    html = browser.get(at).text
    assert "This account is disabled" in html
    assert "its account is disabled" in browser.get(f"{site.base}/settings/keys").text
    assert browser.post(f"{at}/enable").status_code == 303
    refused = browser.post(f"{at}/delete")
    assert refused.status_code == 409
    assert "Revoke them first" in refused.text
    assert f"{at}/delete" not in refused.text
    with site.store.write() as session:
        from signoff.people.actions import revoke_key
        from signoff.people.key_queries import keys

        (key,) = keys(session, site.seeded.owner, service_account="nightly").rows
        revoke_key(session, site.seeded.owner, key.id)
    assert browser.post(f"{at}/delete").status_code == 303
    assert browser.get(at).status_code == 404
    with site.store.read() as session:
        done = [action for action in audit_actions(session, site.seeded) if action.startswith("service_account.")]
    assert done == [
        "service_account.created", "service_account.disabled", "service_account.enabled", "service_account.deleted",
    ]  # fmt: skip


def test_a_contact_who_left_is_told(site: Site):
    make(site, contact=site.seeded.people["tomasz"].id)
    with site.store.write() as session:
        remove_member(session, site.seeded.owner, site.seeded.people["tomasz"].id)
    browser = site.browser()
    assert "who left" in browser.get(f"{site.base}/settings/keys/accounts").text
    html = browser.get(f"{site.base}/settings/keys/accounts/nightly").text
    assert "Its contact has left" in html
    assert '<option value="-" selected>' in html


def test_who_may_not(site: Site):
    make(site)
    at = f"{site.base}/settings/keys/accounts"
    for who in ("ines", "tomasz", "rosa"):
        browser = site.browser(who)
        for path in ("", "/new", "/nightly"):
            assert browser.get(at + path).status_code == 403
        for path in ("", "/nightly", "/nightly/disable", "/nightly/enable", "/nightly/delete"):
            assert browser.post(at + path, data=GOOD).status_code == 403
    assert [one.state for one in accounts(site)] == ["active"]
    assert site.browser().get(f"{at}/none-such").status_code == 404


def test_many_are_paged(site: Site):
    with site.store.write() as session:
        for number in range(32):
            create_service_account(
                session, site.seeded.owner, slug=f"svc-{number}", name=f"Account {number}", role="viewer"
            )
    html = site.browser().get(f"{site.base}/settings/keys/accounts").text
    assert html.count("data-row") == 30
    assert 'rel="next"' in html
