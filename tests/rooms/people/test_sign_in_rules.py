"""How a workspace lets its members in: asked at each request, and nobody locks themselves or the others out."""

from __future__ import annotations

import pytest
from pyotp.totp import TOTP
from sqlalchemy.orm import Session

from signoff.kit.errors import NotAllowed, NotNow, NotSignedIn
from signoff.people import own, queries, sign_in_rules
from signoff.people.access import Principal
from signoff.people.actions import (
    accept_by_looking,
    add_member,
    change_profile,
    create_setup_link,
    open_session,
    revoke_every_session,
    set_password,
    set_sign_in_rules,
)
from signoff.people.facts import Founded, Pending, SignedIn
from signoff.tables.people import Person, SignInSession
from signoff.tables.session import Store
from tests.rooms.people.kit_signing_in import (
    PASSWORD,
    PASSWORD_HASH,
    door,
    enter,
    halfway,
    owner,
    prove,
    require_factor,
    with_factor,
    with_password,
)
from tests.rooms.people.test_workspaces_and_members import found

BOB = "bob@example.com"


def sso_of_example(session: Session, workspace_id: str) -> str:
    return "Example"


@pytest.fixture
def other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """The workspace has another way in, as single sign-on is one."""
    monkeypatch.setattr(sign_in_rules, "OTHER_WAYS", [sso_of_example])


def set_rules(store: Store, who: Principal, session_id: str, *, factor: bool = False, password: bool = True) -> None:
    with store.write() as session:
        set_sign_in_rules(
            session, who, session_id=session_id, is_second_factor_required=factor, is_password_allowed=password
        )


def reach(store: Store, token: str, slug: str | None = None) -> str:
    with store.read() as session:
        return queries.principal_of_session(session, token, idle_seconds=3600, workspace_slug=slug).principal.name


def bob_in(store: Store, founded: Founded, role: str = "member") -> None:
    with store.write() as session:
        member = add_member(session, owner(founded), email=BOB, name="Bob", role=role)
        set_password(session, queries.member(session, owner(founded), member).person_id, PASSWORD_HASH)


def test_who_has_no_second_factor_cannot_demand_one(store: Store) -> None:
    founded = with_password(store)
    at = door(store)
    entered = enter(at)
    with pytest.raises(NotNow, match="for yourself first"):
        set_rules(store, owner(founded), entered.session_id, factor=True)
    app = TOTP(at.own_factor.begin(owner(founded)))
    on = at.own_factor.confirm(owner(founded), app.now(), session_id=entered.session_id)
    # Set up in this very session, it counts for it.
    set_rules(store, owner(founded), entered.session_id, factor=True)
    assert reach(store, on.session_token) == "Alice"
    # A copy of the old token has not proven anything.
    with pytest.raises(NotSignedIn):
        reach(store, entered.session_token)
    assert on.codes


def test_a_session_without_it_cannot_demand_it_either(store: Store) -> None:
    founded = with_password(store)
    plain = enter(door(store))
    with_factor(store, founded)
    with pytest.raises(NotNow, match="Sign in again"):
        set_rules(store, owner(founded), plain.session_id, factor=True)
    with pytest.raises(NotNow, match="Sign in again"):
        set_rules(store, owner(founded), "ses_of_somebody", factor=True)


def test_a_session_without_it_ends_at_once_for_that_workspace_only(store: Store) -> None:
    founded = with_password(store)
    found(store, "second", "alice@example.com")
    entered = enter(door(store))
    assert reach(store, entered.session_token, "acme") == "Alice"
    require_factor(store, founded)
    with pytest.raises(NotSignedIn) as refused:
        reach(store, entered.session_token, "acme")
    assert refused.value.code == "second_factor_needed"
    assert reach(store, entered.session_token, "second") == "Alice"
    # And the next sign-in asks for it, whichever workspace it leads to.
    assert halfway(door(store)).needs == "enrolment"


def test_with_single_sign_on_its_own_second_factor_counts(store: Store) -> None:
    founded = with_password(store)
    require_factor(store, founded)
    with store.write() as session:
        entered = open_session(session, founded.person_id, lifetime_seconds=60, how="sso", method="sso")
    assert reach(store, entered.session_token) == "Alice"
    with store.write() as session, pytest.raises(NotSignedIn):
        open_session(session, founded.person_id, lifetime_seconds=60)


def test_the_last_way_in_is_not_closed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    founded = with_password(store)
    bob_in(store, founded)
    at = door(store)
    alices, bobs = enter(at), enter(at, BOB)
    with pytest.raises(NotNow) as refused:
        set_rules(store, owner(founded), alices.session_id, password=False)
    assert refused.value.code == "last_way_in"
    assert reach(store, bobs.session_token) == "Bob"
    monkeypatch.setattr(sign_in_rules, "OTHER_WAYS", [sso_of_example])
    set_rules(store, owner(founded), alices.session_id, password=False)
    with pytest.raises(NotSignedIn) as over:
        reach(store, bobs.session_token)
    assert over.value.code == "password_not_allowed"
    with pytest.raises(NotSignedIn):
        at.sign_in(BOB, PASSWORD, address="local")
    # An owner always comes in.
    assert reach(store, alices.session_token) == "Alice"
    assert enter(at).principal.name == "Alice"


def test_who_may_change_the_rules(store: Store) -> None:
    founded = with_password(store)
    bob_in(store, founded, "manager")
    bobs = enter(door(store), BOB)
    with pytest.raises(NotAllowed):
        set_rules(store, bobs.principal, bobs.session_id, factor=True)


def test_a_password_is_right_for_one_workspace_and_not_for_the_other(store: Store, other_way: None) -> None:
    here = with_password(store)
    bob_in(store, here)
    prove(store, BOB)
    there = with_password(store, "other", "carol@example.com")
    with store.write() as session:
        add_member(session, owner(there), email=BOB, name="Bob", role="member")
    set_rules(store, owner(there), "", password=False)
    # The newest place does not let him in like this, so he comes to the other.
    assert enter(door(store), BOB).workspace_slug == "acme"


def test_signing_out_everywhere_ends_all_at_once(store: Store) -> None:
    founded = with_password(store)
    at = door(store)
    tokens = [enter(at) for _ in range(3)]
    bob_in(store, founded)
    bobs = enter(at, BOB)
    with store.write() as session:
        assert revoke_every_session(session, owner(founded), but=tokens[0].session_id) == 2
    assert reach(store, tokens[0].session_token) == "Alice"
    for entered in tokens[1:]:
        with pytest.raises(NotSignedIn):
            reach(store, entered.session_token)
    with store.write() as session:
        assert revoke_every_session(session, owner(founded)) == 1
    with pytest.raises(NotSignedIn):
        reach(store, tokens[0].session_token)
    assert reach(store, bobs.session_token) == "Bob"
    with store.read() as session:
        assert own.sessions_of(session, owner(founded)) == []


def test_a_new_password_leaves_one_session_of_the_same_kind(store: Store) -> None:
    founded = with_password(store)
    _, codes = with_factor(store, founded)
    at = door(store)
    first = at.second_step(halfway(at).token, codes[0], address="local", user_agent="Firefox/1 Linux")
    second = at.second_step(halfway(at).token, codes[1], address="local")
    require_factor(store, founded)
    fresh = at.change_password(
        owner(founded), old=PASSWORD, new="an entirely new sentence", session_id=first.session_id
    )
    for old in (first, second):
        with pytest.raises(NotSignedIn):
            reach(store, old.session_token)
    assert reach(store, fresh.session_token) == "Alice"
    with store.read() as session:
        row = session.get_one(SignInSession, fresh.session_id)
        assert (row.is_two_factor, row.user_agent) == (True, "Firefox/1 Linux")


def test_an_invited_member_has_accepted_once_they_came_in(store: Store) -> None:
    founded = with_password(store)
    with store.write() as session:
        dora = add_member(session, owner(founded), email="dora@example.com", name="D.", role="member")
        assert queries.member(session, owner(founded), dora).state == "invited"

    with store.write() as session:
        token = create_setup_link(session, owner(founded), member_id=dora, lifetime_seconds=60)
    entered = door(store).redeem(token, PASSWORD, address="local", name="Dora  Diaz")
    assert isinstance(entered, SignedIn)
    with store.read() as session:
        facts = queries.member(session, owner(founded), dora)
        assert (facts.state, facts.name, facts.has_password) == ("active", "Dora Diaz", True)


def test_a_profile_is_ones_own(store: Store) -> None:
    founded = with_password(store)
    with store.write() as session:
        change_profile(session, owner(founded), name="Alice A.", time_zone="Asia/Tokyo", has_single_keys=False)
    with store.read() as session:
        person = session.get_one(Person, founded.person_id)
        assert (person.name, person.time_zone, person.has_single_keys) == ("Alice A.", "Asia/Tokyo", False)
    key = Principal("key", "key_1", "k", founded.workspace_id, "owner")
    with pytest.raises(NotAllowed), store.write() as session:
        change_profile(session, key, name="x", time_zone=None, has_single_keys=True)


def test_a_workspace_that_only_invited_forces_nobody_to_set_one_up(store: Store) -> None:
    founded = with_password(store)
    stranger = found(store, "mallory", "mallory@example.com")
    require_factor(store, stranger)
    with store.write() as session:
        add_member(session, owner(stranger), email="alice@example.com", name="Alice", role="viewer")
    entered = enter(door(store))
    assert reach(store, entered.session_token) == "Alice"
    assert entered.principal.workspace_id == founded.workspace_id
    with pytest.raises(NotSignedIn) as refused:
        reach(store, entered.session_token, "mallory")
    assert refused.value.code == "second_factor_needed", "it goes on asking at its own door"


def test_an_invitation_asks_for_what_its_own_workspace_asks_for(store: Store) -> None:
    founded = with_password(store)
    require_factor(store, founded)
    with store.write() as session:
        bob = add_member(session, owner(founded), email=BOB, name="Bob", role="member")
        link = create_setup_link(session, owner(founded), member_id=bob, lifetime_seconds=60)
    at = door(store)
    first = at.redeem(link, PASSWORD, address="local")
    assert isinstance(first, Pending)
    assert first.needs == "enrolment"
    # Whoever closed the window there has been nowhere else, and is asked again.
    again = halfway(at, BOB)
    assert again.needs == "enrolment"
    done = at.enrol(again.token, TOTP(at.begin_enrolment(again.token)).now(), address="local")
    assert reach(store, done.signed_in.session_token, "acme") == "Bob"


def test_whoever_looks_in_has_accepted_and_meets_its_rules_at_the_next_sign_in(store: Store) -> None:
    with_password(store)
    second = found(store, "second", "carol@example.com")
    with store.write() as session:
        added = add_member(session, owner(second), email="alice@example.com", name="Alice", role="viewer")
    entered = enter(door(store))
    assert entered.workspace_slug == "acme", "whoever is invited goes on coming in where they are at home"
    with store.write() as session:
        assert queries.member(session, owner(second), added).state == "invited"
        seen = queries.principal_of_session(session, entered.session_token, idle_seconds=60, workspace_slug="second")
        assert seen.is_first_look
        accept_by_looking(session, seen.principal)
        assert queries.member(session, owner(second), added).state == "active"
    require_factor(store, second)
    assert halfway(door(store)).needs == "enrolment"
