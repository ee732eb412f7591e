"""Environments: made, changed, moved, capped, removed when empty."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from signoff.people.queries import environments
from tests.web.pages.conftest import Site
from tests.web.seed import audit_actions


def post(site: Site, rest: str = "", who: str = "mei", **fields: str) -> Any:
    return site.browser(who).post(f"{site.base}/settings/environments{rest}", data=fields)


def slugs(site: Site) -> list[str]:
    with site.store.read() as session:
        return [place.slug for place in environments(session, site.seeded.owner)]


def test_one_is_made_before_production_moved_capped_and_removed(site: Site):
    assert slugs(site) == ["staging", "production"]
    assert post(site, slug="pre-prod", name="Pre-production").status_code == 303
    assert slugs(site) == ["staging", "pre-prod", "production"]
    assert post(site, "/pre-prod/move", position="0").status_code == 303
    assert slugs(site) == ["pre-prod", "staging", "production"]
    assert post(site, "/pre-prod", name="Rehearsal", cap_usd="$1,250.50", is_production="yes").status_code == 303
    with site.store.read() as session:
        found = environments(session, site.seeded.owner)[0]
        assert (found.name, found.is_production, found.daily_cap_usd) == ("Rehearsal", True, Decimal("1250.50"))
    html = site.browser().get(f"{site.base}/settings/environments").text
    assert "Rehearsal" in html
    assert "nothing yet" in html
    assert post(site, "/pre-prod/delete").status_code == 303
    assert slugs(site) == ["staging", "production"]
    with site.store.read() as session:
        assert audit_actions(session, site.seeded)[-5:] == [
            "environment.created", "environment.moved", "environment.changed", "budget.environment_cap_set",
            "environment.deleted",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("rest", "fields", "status", "words"),
    [
        ("", {"slug": "Bad Slug", "name": "Kept name"}, 422, "a letter, then letters"),
        ("", {"slug": "staging", "name": "Kept name"}, 409, "taken in this workspace"),
        ("/staging", {"name": "Kept name", "cap_usd": "much"}, 422, "Write an amount of dollars"),
        ("/production", {"name": "Kept name", "cap_usd": ""}, 409, "stays production"),
    ],
)
def test_what_is_refused_says_why_and_keeps_what_was_typed(
    site: Site, rest: str, fields: dict[str, str], status: int, words: str
):
    answer = post(site, rest, **fields)
    assert answer.status_code == status
    assert words in answer.text
    assert "Kept name" in answer.text
    assert slugs(site) == ["staging", "production"]


def test_what_holds_something_stays(site: Site):
    answer = post(site, "/staging/delete")
    assert answer.status_code == 409
    assert "not empty" in answer.text
    assert "connections" in answer.text


def test_what_an_environment_holds_is_counted_so_far(site: Site, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("signoff.people.actions.environments._COUNT_MAX", 1)
    html = site.browser().get(f"{site.base}/settings/environments").text
    assert "connections more than 1" in html


def test_who_may_not(site: Site):
    for who in ("ines", "tomasz", "rosa"):
        html = site.browser(who).get(f"{site.base}/settings/environments")
        assert html.status_code == 200
        assert "Add an environment" not in html.text
        assert post(site, who=who, slug="x", name="X").status_code == 403
        assert post(site, "/staging", who=who, name="X").status_code == 403
        assert post(site, "/staging/delete", who=who).status_code == 403
    assert slugs(site) == ["staging", "production"]


def test_nobody_elses(site: Site):
    assert post(site, "/nowhere", name="X").status_code == 404
