"""API keys: shown once, rotated, revoked."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from signoff.kit import clock
from signoff.kit.errors import NotSignedIn
from signoff.people.actions import create_key, note_key_used, note_revoked_key_used, revoke_key
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
    assert "http://testserver/mcp" in answer.text.split('id="fresh-agents"')[1]
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


def test_members_keep_their_own_keys_and_see_no_other(site: Site):
    make(site, name="Of the owner")
    for who in ("ines", "tomasz"):
        browser = site.browser(who)
        assert make(site, who, name=f"Of {who}", preset="runner").status_code == 201
        html = browser.get(f"{site.base}/settings/keys").text
        assert f"Of {who}" in html
        assert "These are your own keys" in html
        assert "Of the owner" not in html
        assert "(service account)" not in browser.get(f"{site.base}/settings/keys/new").text
        wide = make(site, who, name="Wide", preset="admin")
        assert wide.status_code == 403
        assert "does not include" in wide.text
        assert make(site, who, owner="robots").status_code == 403
    hers = next(key for key in all_keys(site) if key.name == "Of the owner")
    for path in ("rotate", "revoke", "end-overlap"):
        assert site.browser("ines").post(f"{site.base}/settings/keys/{hers.id}/{path}").status_code == 404
    assert {key.name for key in all_keys(site)} == {"Of the owner", "Of ines", "Of tomasz"}


def test_a_viewer_has_none(site: Site):
    browser = site.browser("rosa")
    assert browser.get(f"{site.base}/settings/keys").status_code == 403
    assert browser.get(f"{site.base}/settings/keys/new").status_code == 403
    assert make(site, "rosa").status_code == 403
    assert browser.post(f"{site.base}/settings/keys/key_x/revoke").status_code == 403
    assert all_keys(site) == []


def test_the_old_secret_may_stay_good_for_a_while_and_be_ended(site: Site):
    old = shown_key(make(site, expires="30").text)
    (made,) = all_keys(site)
    browser = site.browser()
    answer = browser.post(f"{site.base}/settings/keys/{made.id}/rotate", data={"overlap": "24", "end": "365"})
    new = shown_key(answer.text)
    assert "The old one stays good until" in answer.text
    (now,) = all_keys(site)
    assert now.old_secret_until is not None
    assert timedelta(hours=23) < now.old_secret_until - clock.now() <= timedelta(hours=24)
    assert now.expires_at is not None
    assert now.expires_at - clock.now() > timedelta(days=364)
    with site.store.read() as session:
        assert principal_of_key(session, old).row_id == principal_of_key(session, new).row_id
    assert "The old secret is good too" in browser.get(f"{site.base}/settings/keys").text
    assert browser.post(f"{site.base}/settings/keys/{made.id}/end-overlap").status_code == 303
    with site.store.read() as session, pytest.raises(NotSignedIn):
        principal_of_key(session, old)


def test_what_ends_soon_and_what_is_still_tried_is_told(site: Site):
    with site.store.write() as session:
        soon = create_key(session, site.seeded.owner, name="Soon", expires_at=clock.now() + timedelta(days=13))
        create_key(session, site.seeded.owner, name="Late", expires_at=clock.now() + timedelta(days=15))
        note_key_used(session, soon.id, "192.0.2.4")
        over = create_key(session, site.seeded.owner, name="Over")
        revoke_key(session, site.seeded.owner, over.id)
        note_revoked_key_used(session, over.id, "revoked", "192.0.2.9")
    html = site.browser().get(f"{site.base}/settings/keys").text
    assert "1 key on this page ends within 14 days" in html
    assert "192.0.2.4" in html
    assert "Tried after its end" in html
    assert "192.0.2.9" in html


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
