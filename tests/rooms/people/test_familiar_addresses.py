"""Nobody is kept out of their account by what others try from elsewhere."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signoff.kit import clock
from signoff.kit.errors import Malformed, NotSignedIn, TooMuch
from signoff.people.access import Principal
from signoff.people.actions import create_setup_link
from signoff.people.actions.setup_links import LinkNotGood
from signoff.people.entrance import Entrance
from signoff.people.facts import Pending, SignedIn
from signoff.tables.session import Store
from tests.rooms.people.kit_signing_in import EMAIL, PASSWORD, door, with_factor, with_password

HOME = "192.0.2.7"
NEW_PASSWORD = "violet harbour umbrella 42"


def attack(at: Entrance, tries: int = 20) -> list[str]:
    """Try wrong passwords, each from another address; return what came of it."""
    found: list[str] = []
    for number in range(tries):
        try:
            at.sign_in(EMAIL, "wrong password", address=f"10.0.{number}.1")
        except (NotSignedIn, TooMuch) as refusal:
            found.append(refusal.code)
    return found


def test_from_where_a_person_came_in_before_others_cannot_keep_them_out(store: Store) -> None:
    with_password(store)
    at = door(store, attempts=3)
    assert isinstance(at.sign_in(EMAIL, PASSWORD, address=HOME), SignedIn)
    assert "too_many_attempts" in attack(at)
    # In this process and in another one, now and the next time.
    assert isinstance(at.sign_in(EMAIL, PASSWORD, address=HOME), SignedIn)
    assert isinstance(door(store, attempts=3).sign_in(EMAIL, PASSWORD, address=HOME), SignedIn)


def test_coming_in_gives_those_elsewhere_no_new_tries(store: Store) -> None:
    with_password(store)
    at = door(store, attempts=3)
    at.sign_in(EMAIL, PASSWORD, address=HOME)
    attack(at)
    at.sign_in(EMAIL, PASSWORD, address=HOME)
    assert set(attack(at, 2)) == {"too_many_attempts"}


def test_a_flood_of_all_accounts_keeps_nobody_out_either(store: Store) -> None:
    with_password(store)
    at = door(store, total_per_minute=2)
    at.sign_in(EMAIL, PASSWORD, address=HOME)
    with pytest.raises(NotSignedIn):
        at.sign_in("nobody@example.com", "wrong password", address="10.0.0.1")
    with pytest.raises(TooMuch):
        at.sign_in("somebody@example.com", "wrong password", address="10.0.0.2")
    assert isinstance(at.sign_in(EMAIL, PASSWORD, address=HOME), SignedIn)


def test_a_familiar_address_has_a_limit_of_its_own(store: Store) -> None:
    with_password(store)
    door(store).sign_in(EMAIL, PASSWORD, address=HOME)
    at = door(store, attempts=3)
    for _ in range(3):
        with pytest.raises(NotSignedIn):
            at.sign_in(EMAIL, "wrong password", address=HOME)
    for again in (at, door(store, attempts=3)):
        with pytest.raises(TooMuch):
            again.sign_in(EMAIL, PASSWORD, address=HOME)


def test_it_is_familiar_to_one_account_only(store: Store) -> None:
    with_password(store)
    with_password(store, "other", "bob@example.com")
    at = door(store, attempts=3)
    at.sign_in("bob@example.com", PASSWORD, address=HOME)
    attack(at)
    with pytest.raises(TooMuch):
        at.sign_in(EMAIL, PASSWORD, address=HOME)


def test_a_password_alone_makes_no_address_familiar_where_a_second_step_is_asked_for(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    founded = with_password(store)
    _, codes = with_factor(store, founded)
    at = door(store, attempts=3)
    assert isinstance(at.sign_in(EMAIL, PASSWORD, address="10.9.9.9"), Pending)
    attack(at)
    with pytest.raises(TooMuch):
        at.sign_in(EMAIL, PASSWORD, address="10.9.9.9")
    # The minute in which the others used up every try is over.
    later = clock.now() + timedelta(seconds=61)
    with monkeypatch.context() as patched:
        patched.setattr("signoff.people.throttle._now_ms", lambda: int(later.timestamp() * 1000))
        again = door(store)
        pending = again.sign_in(EMAIL, PASSWORD, address=HOME)
    assert isinstance(pending, Pending)
    again.second_step(pending.token, codes[0], address=HOME)
    attack(at)
    assert isinstance(at.sign_in(EMAIL, PASSWORD, address=HOME), Pending)


def test_a_link_makes_the_address_familiar_where_it_is_used(store: Store) -> None:
    founded = with_password(store)
    at = door(store, attempts=3)
    operator = Principal("system", "operator", "operator", founded.workspace_id, "owner")
    with store.write() as session:
        link = create_setup_link(
            session, operator, member_id=founded.member_id, purpose="first_run", lifetime_seconds=600
        )
    attack(at)
    # However much is tried elsewhere, a link is the way in from an address nobody knows.
    assert isinstance(at.redeem(link, NEW_PASSWORD, address=HOME), SignedIn)
    assert isinstance(at.sign_in(EMAIL, NEW_PASSWORD, address=HOME), SignedIn)


def test_of_an_ipv6_network_all_addresses_are_one(store: Store) -> None:
    with_password(store)
    at = door(store, attempts=3)
    for number in range(3):
        with pytest.raises(NotSignedIn):
            at.sign_in(f"p{number}@example.com", "wrong password", address=f"2001:db8:1:2::{number + 1:x}")
    with pytest.raises(TooMuch):
        at.sign_in(EMAIL, PASSWORD, address="2001:db8:1:2:ffff::9")
    assert at.sign_in(EMAIL, PASSWORD, address="2001:db8:1:3::1")


def test_who_knows_the_password_uses_up_no_codes_of_a_familiar_address(store: Store) -> None:
    founded = with_password(store)
    _, codes = with_factor(store, founded)
    at = door(store)

    def second_step(code: str, address: str) -> SignedIn:
        pending = at.sign_in(EMAIL, PASSWORD, address=address)
        assert isinstance(pending, Pending)
        return at.second_step(pending.token, code, address=address)

    assert second_step(codes[0], HOME)
    tried: list[str] = []
    for number in range(8):
        with pytest.raises((Malformed, TooMuch)) as refused:
            second_step("000000", f"10.0.{number}.1")
        tried.append(refused.value.code)
    assert tried == ["bad_code"] * 5 + ["too_many_attempts"] * 3
    assert second_step(codes[1], HOME)
    # That they came in gives the others no new tries.
    with pytest.raises(TooMuch):
        second_step(codes[2], "10.0.99.1")


def test_many_come_in_from_one_office_by_links_of_their_own(store: Store) -> None:
    founded = with_password(store)
    at = door(store, attempts=3)
    operator = Principal("system", "operator", "operator", founded.workspace_id, "owner")
    came_in: list[object] = []
    for _ in range(5):
        with store.write() as session:
            link = create_setup_link(
                session, operator, member_id=founded.member_id, purpose="first_run", lifetime_seconds=600
            )
        came_in.append(at.redeem(link, None, address=HOME))
    assert [type(one) for one in came_in] == [SignedIn] * 5
    # Who has none guesses, and is counted.
    for _ in range(3):
        with pytest.raises(LinkNotGood):
            at.redeem("set_nothing-of-the-kind", None, address=HOME)
    with pytest.raises(TooMuch):
        at.redeem("set_nothing-of-the-kind", None, address=HOME)
