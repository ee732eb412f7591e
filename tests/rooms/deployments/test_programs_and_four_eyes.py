"""A service account is nobody's second pair of eyes: whoever made one of its keys acts with it."""

from __future__ import annotations

import pytest

from signoff.agents.actions import reset_draft, save_draft
from signoff.agents.queries import draft_of
from signoff.deployments.actions import freeze_and_serve_first
from signoff.kit.errors import NotAllowed
from signoff.people.access import Principal
from signoff.people.actions import create_key, set_deploy_rules
from signoff.people.actions.service_accounts import create_service_account
from signoff.people.key_queries import principal_of_key
from signoff.releases.actions import make_live, sign_release
from signoff.tables.session import Store
from tests.rooms.agents.kit_agents import body, person
from tests.rooms.releases.kit_releases import Says, World, world


@pytest.fixture
def at(store: Store) -> World:
    return world(store, revisions=1)


def account(at: World, slug: str = "ci") -> str:
    with at.store.write() as session:
        create_service_account(session, at.ann, slug=slug, name=slug, role="administrator")
    return slug


def key_of(at: World, maker: Principal, slug: str) -> Principal:
    """The account's principal, by a key that `maker` made."""
    with at.store.write() as session:
        made = create_key(session, maker, name=f"by {maker.name}", preset="admin", service_account=slug)
        return principal_of_key(session, made.key).principal


def freeze(at: World, who: Principal) -> int:
    with at.store.write() as session:
        version = draft_of(session, who, at.agent_id).version
        save_draft(session, who, at.agent_id, body=body(sop=f"As {who.name} wrote it."), version=version)
        return freeze_and_serve_first(session, who, at.agent_id, reason="because").number


def live(at: World, who: Principal, number: int) -> None:
    with at.store.write() as session:
        make_live(session, who, at.agent_id, environment="production", revision=number, reason="because")


def sign(at: World, who: Principal, made: str) -> None:
    with at.store.write() as session:
        sign_release(session, who, made, "approve", at.detail(made).diff_digest, "read it")


def test_an_author_does_not_make_it_live_with_an_accounts_key_of_their_own_making(at: World):
    slug = account(at)
    with at.store.write() as session:
        set_deploy_rules(session, at.ann, "production", is_four_eyes=True)
    number = freeze(at, at.bob)
    by_bob, by_cat = key_of(at, at.bob, slug), key_of(at, at.cat, slug)
    with pytest.raises(NotAllowed) as refused:
        live(at, by_bob, number)
    assert (refused.value.code, at.live()) == ("four_eyes", 1)
    # The same account with a key that somebody else holds is somebody else.
    live(at, by_cat, number)
    assert at.live() == number


def test_what_an_account_wrote_is_not_made_live_by_who_holds_a_key_of_it(at: World):
    slug = account(at)
    with at.store.write() as session:
        set_deploy_rules(session, at.ann, "production", is_four_eyes=True)
    number = freeze(at, key_of(at, at.bob, slug))
    with pytest.raises(NotAllowed) as refused:
        live(at, at.bob, number)
    assert (refused.value.code, at.live()) == ("four_eyes", 1)
    live(at, at.cat, number)
    assert at.live() == number


def test_nobody_signs_what_an_account_wrote_or_asked_for_with_a_key_of_their_making(
    at: World, monkeypatch: pytest.MonkeyPatch
):
    Says(monkeypatch, "high")
    slug = account(at)
    by_bob = key_of(at, at.bob, slug)
    number = freeze(at, by_bob)
    written = at.ask(number, who=at.ann)
    with pytest.raises(NotAllowed) as refused:
        sign(at, at.bob, written)
    assert (refused.value.code, at.state(written)) == ("own_release", "requested")
    sign(at, at.cat, written)
    assert at.live() == number
    asked = at.ask(freeze(at, at.ann), who=by_bob)
    with pytest.raises(NotAllowed) as refused:
        sign(at, at.bob, asked)
    assert (refused.value.code, at.state(asked)) == ("own_release", "requested")
    sign(at, at.cat, asked)
    assert at.live() == number + 1


def test_accounts_of_the_command_line_do_not_stand_for_one_another(at: World, monkeypatch: pytest.MonkeyPatch):
    Says(monkeypatch, "high")
    dan = person(at.store, at.at, "Dan")
    first, second = key_of(at, dan, account(at, "first")), key_of(at, at.cat, account(at, "second"))
    made = at.ask(freeze(at, first), who=second)
    sign(at, at.bob, made)
    assert at.live() == 2


def test_everybody_who_saved_the_draft_since_the_revision_before_wrote_it(at: World, monkeypatch: pytest.MonkeyPatch):
    Says(monkeypatch, "high")
    with at.store.write() as session:
        version = draft_of(session, at.bob, at.agent_id).version
        version = save_draft(session, at.bob, at.agent_id, body=body(sop="Nearly all of it."), version=version)
        save_draft(session, at.cat, at.agent_id, body=body(sop="Nearly all of it!"), version=version)
        number = freeze_and_serve_first(session, at.cat, at.agent_id, reason="because").number
    made = at.ask(number)
    for who in (at.bob, at.cat):
        with pytest.raises(NotAllowed) as refused:
            sign(at, who, made)
        assert (refused.value.code, at.state(made)) == ("own_release", "requested")
    # What comes after it is no work of theirs.
    dan = person(at.store, at.at, "Dan")
    sign(at, dan, made)
    following = at.ask(freeze(at, dan))
    sign(at, at.bob, following)
    assert at.live() == number + 1


def test_a_text_that_was_frozen_before_is_still_its_authors(at: World, monkeypatch: pytest.MonkeyPatch):
    Says(monkeypatch, "high")
    number = freeze(at, at.bob)
    freeze(at, at.cat)
    with at.store.write() as session:
        version = draft_of(session, at.cat, at.agent_id).version
        reset_draft(session, at.cat, at.agent_id, revision=number, version=version)
        again = freeze_and_serve_first(session, at.cat, at.agent_id, reason="as it was").number
    made = at.ask(again)
    with pytest.raises(NotAllowed) as refused:
        sign(at, at.bob, made)
    assert (refused.value.code, at.state(made)) == ("own_release", "requested")
