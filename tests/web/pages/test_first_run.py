"""The one-time link: looking uses nothing up, using it works once."""

from __future__ import annotations

import pytest

from signoff.people.access import system
from signoff.people.actions import create_setup_link
from signoff.tables.people import Person
from tests.web.pages.conftest import Site

NEW = "a brand new sentence"


@pytest.fixture
def link(empty_site: Site) -> str:
    with empty_site.store.write() as session:
        token = create_setup_link(
            session,
            system(empty_site.seeded.workspace_id),
            member_id=empty_site.seeded.owner.id,
            purpose="first_run",
            lifetime_seconds=60,
        )
    return f"/setup/{token}"


def test_looking_says_whose_it_is_and_uses_nothing_up(empty_site: Site, link: str):
    for _ in range(3):
        shown = empty_site.visitor().get(link)
        assert shown.status_code == 200
        assert "mei@bare.example" in shown.text
        assert shown.headers["cache-control"] == "no-store"
        assert shown.headers["referrer-policy"] == "no-referrer"


def test_it_sets_the_password_signs_in_and_works_once(empty_site: Site, link: str):
    visitor = empty_site.visitor()
    entered = visitor.post(link, data={"password": NEW, "again": NEW, "how": "with"})
    assert (entered.status_code, entered.headers["location"]) == (303, "/w/bare")
    assert visitor.get("/w/bare/agents").status_code == 200
    second = empty_site.visitor().post(link, data={"password": NEW, "again": NEW, "how": "with"})
    assert second.status_code == 410
    assert "cannot be used" in second.text
    assert "signoff setup-link" in second.text
    again = empty_site.visitor().post("/sign-in", data={"email": "mei@bare.example", "password": NEW})
    assert again.status_code == 303


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"password": "tiny-0", "again": "tiny-0", "how": "with"}, "at least 12 characters"),
        ({"password": NEW, "again": NEW + "!", "how": "with"}, "not the same"),
    ],
)
def test_a_password_that_does_not_do_leaves_the_link_good(
    empty_site: Site, link: str, fields: dict[str, str], words: str
):
    refused = empty_site.visitor().post(link, data=fields)
    assert refused.status_code == 422
    assert words in refused.text
    assert fields["password"] not in refused.text
    assert empty_site.visitor().get(link).status_code == 200


def test_without_a_password_it_still_signs_in(empty_site: Site, link: str):
    with empty_site.store.read() as session:
        before = session.get_one(Person, empty_site.seeded.owner.person_id).password_hash
    visitor = empty_site.visitor()
    assert visitor.post(link, data={"how": "without"}).status_code == 303
    assert visitor.get("/w/bare/agents").status_code == 200
    with empty_site.store.read() as session:
        assert session.get_one(Person, empty_site.seeded.owner.person_id).password_hash == before


def test_a_made_up_link_says_what_to_do(empty_site: Site):
    gone = empty_site.visitor().get("/setup/nonsense")
    assert gone.status_code == 410
    assert "Ask whoever sent it" in gone.text or "ask whoever sent it" in gone.text
