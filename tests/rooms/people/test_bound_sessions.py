"""Single sign-on beside signing in with Signoff itself: what a bound session reaches, and which roles groups give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pyotp.totp import TOTP
from sqlalchemy import select, update

from signoff.kit.errors import Malformed, NotAllowed, NotNow, NotSignedIn
from signoff.people import own, queries
from signoff.people.access import Principal
from signoff.people.actions import (
    add_member,
    change_profile,
    create_role,
    delete_role,
    open_session,
    revoke_every_session,
    set_password,
    set_sign_in_rules,
)
from signoff.people.actions.instance import may_administer_instance
from signoff.people.actions.providers import change_provider
from signoff.people.entrance import Entrance
from signoff.people.sign_in_rules import other_ways
from signoff.tables.people import Member, Person, SignInSession, Workspace
from signoff.tables.session import Store
from tests.rooms.people.kit_signing_in import PASSWORD, PASSWORD_HASH
from tests.rooms.people.test_identities import BOB, Acme
from tests.rooms.people.test_identity_providers import ENTERED, GUARD, added, changed, make_owner, sealer

__all__ = ["sealer"]


@pytest.fixture
def acme(store: Store, sealer: Any) -> Acme:
    return Acme(store, sealer)


def entrance(acme: Acme) -> Entrance:
    return Entrance(acme.store, acme.sealer, attempts_per_minute=1_000, session_seconds=3_600)


def with_password(acme: Acme, who: Principal) -> None:
    with acme.store.write() as session:
        set_password(session, who.person_id or "", PASSWORD_HASH)


def custom(acme: Acme, slug: str, **permissions: str) -> None:
    with acme.store.write() as session:
        create_role(
            session,
            acme.owner,
            slug=slug,
            name=slug.title(),
            permissions={name.replace("__", "."): far for name, far in permissions.items()},
        )


def a_principal(acme: Acme, role: str) -> Principal:
    with acme.store.write() as session:
        made = add_member(session, acme.owner, email=f"{role}@acme.example", name=role, role=role)
        person_id = session.get_one(Member, made).person_id
        entered = open_session(session, person_id, lifetime_seconds=60)
    return acme.seen(entered)


def test_what_is_the_persons_is_out_of_reach(acme: Acme) -> None:
    with_password(acme, acme.builder)
    bound = acme.sign_in().principal
    at = entrance(acme)
    acts: list[Callable[[], object]] = [
        lambda: at.check_password(bound, PASSWORD),
        lambda: at.change_password(bound, old=PASSWORD, new="another long sentence", session_id=""),
        lambda: at.own_factor.begin(bound),
        lambda: at.own_factor.is_waiting(bound, "x"),
        lambda: at.own_factor.confirm(bound, "123456", session_id=""),
        lambda: at.own_factor.renew_codes(bound, "123456"),
        lambda: at.own_factor.turn_off(bound, "123456"),
    ]
    for act in acts:
        with pytest.raises(NotAllowed) as refused:
            act()
        assert refused.value.code == "bound_session"
    with acme.store.read() as session, pytest.raises(NotAllowed):
        own.second_factor_of(session, bound)
    assert at.sign_in(BOB["email"], PASSWORD, address="here")


def test_a_bound_session_keeps_the_name_and_may_set_the_time_zone(acme: Acme) -> None:
    bound = acme.sign_in().principal
    with acme.store.write() as session, pytest.raises(NotAllowed, match="Sign in with your password"):
        change_profile(session, bound, name="Somebody else", time_zone=None, has_single_keys=True)
    with acme.store.write() as session:
        change_profile(session, bound, name="builder", time_zone="Europe/Berlin", has_single_keys=False)
    with acme.store.read() as session:
        person = session.get_one(Person, bound.person_id or "")
        assert (person.name, person.time_zone) == ("builder", "Europe/Berlin")


def test_a_bound_session_signs_out_of_its_own_workspace_only(acme: Acme, store: Store) -> None:
    other = make_owner(store, "other")
    with store.write() as session:
        add_member(session, other, email=BOB["email"], name="Bob", role="administrator")
        person_id = acme.builder.person_id or ""
        elsewhere = open_session(session, person_id, lifetime_seconds=60, workspace_id=other.workspace_id)
    first, second = acme.sign_in(), acme.sign_in()
    with store.write() as session:
        assert revoke_every_session(session, first.principal) == 2
    assert acme.seen(elsewhere, "other").role == "administrator"
    with pytest.raises(NotSignedIn):
        acme.seen(second)


def test_a_provider_makes_nobody_an_instance_administrator(acme: Acme) -> None:
    with acme.store.write() as session:
        session.execute(update(Person).values(is_instance_administrator=True))
        by_hand = open_session(session, acme.builder.person_id or "", lifetime_seconds=60).principal
        assert may_administer_instance(session, by_hand)
    bound = acme.sign_in().principal
    with acme.store.read() as session:
        assert not may_administer_instance(session, bound)


def test_a_second_factor_is_the_providers_to_ask_for(acme: Acme) -> None:
    with_password(acme, acme.builder)
    at = entrance(acme)
    app = TOTP(at.own_factor.begin(acme.builder))
    at.own_factor.confirm(acme.builder, app.now(), session_id="")
    with acme.store.write() as session:
        by_hand = open_session(session, acme.builder.person_id or "", lifetime_seconds=60)
        session.execute(update(Workspace).values(is_second_factor_required=True))
    bound = acme.sign_in()
    assert acme.seen(bound).is_bound
    with acme.store.read() as session:
        row = session.scalars(select(SignInSession).where(SignInSession.id == bound.session_id)).one()
    assert (row.method, row.is_two_factor, row.provider_id) == ("sso", False, acme.provider.id)
    with pytest.raises(NotSignedIn, match="second factor"):
        acme.seen(by_hand)


def test_coming_in_through_a_provider_accepts_the_invitation(acme: Acme) -> None:
    with acme.store.read() as session:
        assert queries.member(session, acme.owner, acme.builder.id).state == "invited"
    acme.sign_in()
    with acme.store.read() as session:
        member = queries.member(session, acme.owner, acme.builder.id)
    assert (member.state, member.has_sso, member.has_password) == ("active", True, False)
    assert len(acme.audit("member.accepted")) == 1


def test_passwords_go_off_once_somebody_came_in_and_an_owner_can_repair_it(acme: Acme) -> None:
    def without_passwords() -> None:
        with acme.store.write() as session:
            set_sign_in_rules(
                session, acme.owner, session_id="", is_second_factor_required=False, is_password_allowed=False
            )

    with pytest.raises(NotNow, match="try it"):
        without_passwords()
    acme.sign_in()
    with acme.store.read() as session:
        assert list(other_ways(session, acme.owner.workspace_id)) == ["single sign-on"]
    with pytest.raises(NotNow, match="No owner has a password"):
        without_passwords()
    with_password(acme, acme.owner)
    without_passwords()
    with_password(acme, acme.builder)
    with pytest.raises(NotSignedIn, match="Use single sign-on"):
        entrance(acme).sign_in(BOB["email"], PASSWORD, address="here")


def test_groups_give_roles_of_the_workspace(acme: Acme) -> None:
    custom(acme, "auditor", run__read="all", audit__read="all")
    acme.change(group_claim="groups", role_rules=[("audit", "auditor")], default_role="auditor")
    principal = acme.sign_in(groups=["audit"]).principal
    assert principal.role == "auditor"
    assert principal.permissions["audit.read"] == "all"
    assert "agent.create" not in principal.permissions


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"group_claim": "groups", "role_rules": [("x", "nothing-like-it")]}, "role_rules"),
        ({"default_role": "nothing-like-it"}, "default_role"),
    ],
)
def test_a_role_that_is_not_there_is_named_at_its_field(acme: Acme, more: dict[str, Any], name: str) -> None:
    with pytest.raises(Malformed, match="not a role of this workspace") as refused:
        acme.change(**more)
    assert set(refused.value.errors) == {name}


def test_a_role_that_was_deleted_lets_nobody_in(acme: Acme) -> None:
    custom(acme, "auditor", run__read="all")
    acme.change(group_claim="groups", role_rules=[("audit", "auditor")])
    with acme.store.write() as session:
        delete_role(session, acme.owner, "auditor")
    assert acme.refused(groups=["audit"]) == "no_role"
    assert acme.role() == "builder"


def test_who_may_less_than_an_administrator_sets_no_provider_up(acme: Acme, store: Store) -> None:
    custom(acme, "sso-keeper", identity__manage="all", member__read="all")
    keeper = a_principal(acme, "sso-keeper")
    with pytest.raises(NotAllowed, match="all that an administrator may"):
        added(store, keeper, acme.sealer)
    with pytest.raises(NotAllowed, match="all that an administrator may"):
        changed(store, keeper, acme.sealer, acme.provider, issuer="https://own.example", client_secret="own")


def test_an_administrator_does_not_take_what_a_provider_gives_beyond_them(acme: Acme, store: Store) -> None:
    acme.change(group_claim="groups", role_rules=[("bosses", "owner")])
    administrator = a_principal(acme, "administrator")
    with store.write() as session, pytest.raises(NotAllowed, match="Only an owner makes owners"):
        change_provider(
            session, administrator, acme.sealer, GUARD, acme.provider.id, ENTERED, version=acme.provider.version
        )
