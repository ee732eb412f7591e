"""API keys: shown once, rotated, revoked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from signoff.kit import clock
from signoff.kit.errors import NotSignedIn
from signoff.people.actions import create_key
from signoff.people.facts import KeyFacts
from signoff.people.key_queries import keys, principal_of_key
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions

GOOD = {"name": "Nightly import", "preset": "runner", "environment": "all", "expires": "90"}


def all_keys(site: Site) -> list[KeyFacts]:
    with site.store.read() as session:
        return list(keys(session, site.seeded.owner, size=100).rows)


def shown_key(html: str) -> str:
    found = re.search(r'id="fresh-key"[^>]*>(so_[^<]+)<', html)
    assert found
    return found[1]


def make(site: Site, who: str = "mei", **fields: str | list[str]):
    return site.browser(who).post(f"{site.base}/settings/keys", data={**GOOD, **fields})


def test_without_one_it_says_what_a_key_is(site: Site):
    html = site.browser().get(f"{site.base}/settings/keys").text
    assert "No API key yet" in html
    assert f"{site.base}/settings/keys/new" in html


def test_a_key_is_shown_once_and_works(site: Site):
    answer = make(site, environment="staging")
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    key = shown_key(answer.text)
    assert "http://testserver/v1/northwind/agents" in answer.text
    assert key not in answer.text.split('id="fresh-example"')[1]
    with site.store.read() as session:
        principal = principal_of_key(session, key).principal
    assert principal.environment_id == site.seeded.environments["staging"]
    (made,) = all_keys(site)
    assert made.expires_at is not None
    assert timedelta(days=89) < made.expires_at - clock.now() < timedelta(days=91)
    again = site.browser().get(f"{site.base}/settings/keys").text
    assert key not in again
    assert made.prefix in again
    assert "Nightly import" in again


def test_fewer_actions_than_the_preset(site: Site):
    assert make(site, scopes=["run.read", "agent.read"], expires="never").status_code == 201
    (made,) = all_keys(site)
    assert set(made.scopes) == {"run.read", "agent.read"}
    assert made.expires_at is None


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"name": ""}, "name"),
        ({"preset": "god"}, "is no preset"),
        ({"scopes": ["member.manage"]}, "The preset does not include"),
        ({"environment": "moon"}, "There is no environment"),
        ({"expires": "12345"}, "Choose when the key expires"),
    ],
)
def test_a_refusal_keeps_what_was_typed(site: Site, fields: dict[str, str], word: str):
    answer = make(site, **fields)
    assert answer.status_code == 422
    assert word in answer.text
    if "name" not in fields:
        assert 'value="Nightly import"' in answer.text
    assert all_keys(site) == []


def test_rotating_shows_a_new_secret_and_ends_the_old(site: Site):
    old = shown_key(make(site).text)
    (made,) = all_keys(site)
    browser = site.browser()
    answer = browser.post(f"{site.base}/settings/keys/{made.id}/rotate")
    new = shown_key(answer.text)
    assert new != old
    assert "Nightly import has a new secret" in answer.text
    with site.store.read() as session:
        assert principal_of_key(session, new).row_id == made.id
        with pytest.raises(NotSignedIn):
            principal_of_key(session, old)


def test_revoking_ends_it_and_rotating_it_then_is_refused(site: Site):
    key = shown_key(make(site).text)
    (made,) = all_keys(site)
    browser = site.browser()
    assert browser.post(f"{site.base}/settings/keys/{made.id}/revoke").status_code == 303
    with site.store.read() as session, pytest.raises(NotSignedIn):
        principal_of_key(session, key)
    html = browser.get(f"{site.base}/settings/keys").text
    assert "Revoked" in html
    assert "/rotate" not in html
    refused = browser.post(f"{site.base}/settings/keys/{made.id}/rotate")
    assert refused.status_code == 409
    assert "revoked" in refused.text
    with site.store.read() as session:
        assert audit_actions(session, site.seeded)[-2:] == ["key.created", "key.revoked"]


def test_who_may_not(site: Site):
    for who in ("ines", "tomasz", "rosa"):
        browser = site.browser(who)
        assert browser.get(f"{site.base}/settings/keys").status_code == 403
        assert browser.get(f"{site.base}/settings/keys/new").status_code == 403
        assert make(site, who).status_code == 403
        assert browser.post(f"{site.base}/settings/keys/key_x/revoke").status_code == 403
    assert all_keys(site) == []


def test_many_are_paged(site: Site):
    with site.store.write() as session:
        for number in range(35):
            create_key(session, site.seeded.owner, name=f"Key {number:02}")
    browser = site.browser()
    first = browser.get(f"{site.base}/settings/keys").text
    assert first.count("data-row") == 30
    older = re.search(r'href="([^"]*cursor=[^"]*)" rel="next"', first)
    assert older
    assert browser.get(older[1]).text.count("data-row") == 5
