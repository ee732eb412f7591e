"""Whom an account is taken for, and how far the session goes that it opens."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from signoff.kit import clock, ids
from signoff.kit.errors import NotAllowed, NotFound, NotNow, NotSignedIn
from signoff.people import own, passwords, queries
from signoff.people.access import Principal, system
from signoff.people.actions import (
    add_member,
    create_setup_link,
    name_last_resort,
    open_session,
    remove_member,
    revoke_session,
    set_password,
    set_role,
)
from signoff.people.actions.attempts import Attempt, begin_attempt, sweep_attempts, use_attempt
from signoff.people.actions.identities import sign_in_account, unlink_identity
from signoff.people.actions.providers import change_provider, remove_provider, switch_provider, vouch_for_provider
from signoff.people.actions.sso_only import set_sso_only
from signoff.people.entrance import Entrance
from signoff.people.facts import SignedIn
from signoff.people.providers import ProviderFacts, identities, provider_row
from signoff.people.sso_refusals import SsoRefused
from signoff.tables.identity import Identity
from signoff.tables.people import Member, Person, SignInSession
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.people.kit_signing_in import prove
from tests.rooms.people.test_identity_providers import (
    ENTERED,
    GUARD,
    added,
    changed,
    colleague,
    look,
    make_owner,
    sealer,
)

__all__ = ["sealer"]

IDLE = 3_600
BOB = {"sub": "bob-1", "email": "builder@acme.example", "email_verified": True, "name": "Robert of IT"}


class Acme:
    """A workspace with an owner, a builder, and a provider that is switched on."""

    def __init__(self, store: Store, sealer: Any, **more: Any) -> None:
        self.store, self.sealer = store, sealer
        self.owner = make_owner(store, "acme")
        self.builder = colleague(store, self.owner, "builder")
        self.provider = self.on(added(store, self.owner, sealer, **more))

    def on(self, facts: ProviderFacts) -> ProviderFacts:
        with self.store.write() as session:
            switch_provider(session, self.owner, facts.id, is_enabled=True)
        return look(self.store, self.owner, facts.id)

    def sign_in(self, **claims: Any) -> SignedIn:
        attempt = Attempt(ids.new_id("sia"), self.provider.id, self.provider.issuer, "")
        with self.store.write() as session:
            return sign_in_account(session, attempt, {**BOB, **claims}, lifetime_seconds=3_600)

    def refused(self, **claims: Any) -> str:
        with pytest.raises(SsoRefused) as refusal:
            self.sign_in(**claims)
        return refusal.value.reason

    def change(self, by: Principal | None = None, **more: Any) -> None:
        self.provider = changed(self.store, by or self.owner, self.sealer, self.provider, **more)

    def role(self, email: str = BOB["email"]) -> str:
        with self.store.read() as session:
            return session.scalars(
                select(Member.role)
                .join(Person, Person.id == Member.person_id)
                .where(Person.email == email, Member.workspace_id == self.owner.workspace_id)
            ).one()

    def seen(self, signed_in: SignedIn, slug: str | None = None) -> Principal:
        with self.store.read() as session:
            token = signed_in.session_token
            return queries.principal_of_session(session, token, idle_seconds=IDLE, workspace_slug=slug).principal

    def audit(self, action: str) -> list[AuditRow]:
        with self.store.read() as session:
            return list(session.scalars(select(AuditRow).where(AuditRow.action == action)))


@pytest.fixture
def acme(store: Store, sealer: Any) -> Acme:
    return Acme(store, sealer)


MAPPED = {"group_claim": "groups", "role_rules": [("leads", "manager"), ("staff", "member")]}
JOINING = {"makes_members": True, "domains": ["acme.example"], "default_role": "viewer"}


def test_a_members_first_sign_in_links_their_account(acme: Acme):
    signed_in = acme.sign_in()
    assert signed_in.principal.id == acme.builder.id
    assert signed_in.principal.name == "builder"
    with acme.store.read() as session:
        linked = identities(session, acme.owner, acme.provider.id)
    assert [(one.member_id, one.email) for one in linked] == [(acme.builder.id, BOB["email"])]
    assert acme.audit("identity.linked")[0].actor_name == "Single sign-on: Acme Login"


def test_a_session_of_single_sign_on_reaches_its_own_workspace_only(acme: Acme, store: Store):
    other = make_owner(store, "other")
    with store.write() as session:
        add_member(session, other, email=BOB["email"], name="Bob", role="administrator")
        elsewhere = open_session(
            session, acme.builder.person_id or "", lifetime_seconds=3_600, workspace_id=other.workspace_id
        )
    bound = acme.sign_in()
    assert acme.seen(bound).workspace_id == acme.owner.workspace_id
    assert acme.seen(bound, "acme").is_bound
    with pytest.raises(NotFound):
        acme.seen(bound, "other")
    assert acme.seen(elsewhere, "other").role == "administrator"
    with store.write() as session:
        viewer = acme.seen(bound)
        assert [place.slug for place in queries.workspaces_of(session, viewer)] == ["acme"]
        mine = own.sessions_of(session, viewer)
        assert len(mine) == 1
        foreign = own.sessions_of(session, acme.seen(elsewhere))
        theirs = next(row.id for row in foreign if row.id != mine[0].id)
        with pytest.raises(NotFound):
            revoke_session(session, viewer, theirs)


def test_a_session_of_single_sign_on_has_no_say_in_the_password(acme: Acme, store: Store):
    with store.write() as session:
        set_password(session, acme.builder.person_id or "", passwords.make_hash("a rather long sentence"))
    entrance = Entrance(store, acme.sealer, attempts_per_minute=100, session_seconds=3_600)
    with pytest.raises(NotAllowed, match="Sign in with your password"):
        entrance.change_password(
            acme.sign_in().principal, old="a rather long sentence", new="another long sentence", session_id=""
        )


def test_a_provider_says_nothing_about_people_of_other_workspaces(acme: Acme, store: Store):
    make_owner(store, "other")
    assert acme.refused(sub="x", email="alice@other.example") == "not_a_member"
    acme.change(makes_members=True, domains=["other.example"], default_role="member")
    joined = acme.sign_in(sub="x", email="alice@other.example", name="Not Alice")
    # They are a member here now, as an invitation would have made them; the person is untouched, and so is the other.
    assert joined.principal.name == "Alice"
    with pytest.raises(NotFound):
        acme.seen(joined, "other")


def test_an_address_must_be_verified_in_the_claim_that_was_chosen(acme: Acme):
    assert acme.refused(email_verified=None) == "email_not_verified"
    acme.change(email_verified_claim="xms_edov")
    assert acme.refused() == "email_not_verified"
    assert acme.sign_in(xms_edov="1").principal.id == acme.builder.id


def test_an_address_that_changed_hands_does_not_hand_the_account_on(acme: Acme):
    acme.sign_in()
    assert acme.refused(sub="bob-2") == "already_linked"
    with acme.store.write() as session:
        linked = identities(session, acme.owner, acme.provider.id)
        unlink_identity(session, acme.owner, linked[0].id)
    assert acme.sign_in(sub="bob-2").principal.id == acme.builder.id
    assert len(acme.audit("identity.unlinked")) == 1


def test_unlinking_ends_the_sessions(acme: Acme, store: Store):
    signed_in = acme.sign_in()
    stranger = make_owner(store, "other")
    with store.write() as session:
        linked = identities(session, acme.owner, acme.provider.id)[0]
        with pytest.raises(NotFound):
            unlink_identity(session, stranger, linked.id)
        unlink_identity(session, acme.owner, linked.id)
    with pytest.raises(queries.NotSignedIn):
        acme.seen(signed_in)


def test_whoever_was_removed_stays_out(store: Store, sealer: Any):
    acme = Acme(store, sealer, **JOINING)
    signed_in = acme.sign_in()
    with store.write() as session:
        remove_member(session, acme.owner, acme.builder.id)
    with pytest.raises(queries.NotSignedIn):
        acme.seen(signed_in)
    assert acme.refused() == "member_removed"
    assert acme.refused(sub="bob-2") == "member_removed"
    with store.write() as session:
        add_member(session, acme.owner, email=BOB["email"], name="Bob", role="member")
    assert acme.sign_in().principal.role == "member"


def test_people_of_a_domain_join(store: Store, sealer: Any):
    acme = Acme(store, sealer, **JOINING)
    new = acme.sign_in(sub="n", email="New@Acme.example", name="  New\n Person ")
    assert (new.principal.name, new.principal.role) == ("New Person", "viewer")
    assert acme.audit("member.added")[-1].detail == {"role": "viewer", "how": "sso"}
    assert acme.refused(sub="o", email="x@evil.example") == "domain_not_allowed"
    assert acme.refused(sub="o", email="x@acme.example.evil.example") == "domain_not_allowed"
    assert acme.refused(sub="o", email="x@acme.example", email_verified=False) == "email_not_verified"
    acme.change(**{**JOINING, "makes_members": False})
    assert acme.refused(sub="o", email="x@acme.example") == "not_a_member"
    assert acme.sign_in(sub="n").principal.name == "New Person"


def test_a_name_that_is_none_is_made_from_the_address(store: Store, sealer: Any):
    acme = Acme(store, sealer, **JOINING)
    assert acme.sign_in(sub="n", email="kim@acme.example", name=["x"]).principal.name == "kim"


def test_the_first_group_that_fits_decides_at_every_sign_in(store: Store, sealer: Any):
    acme = Acme(store, sealer, **MAPPED)
    assert acme.sign_in(groups=["staff", "leads"]).principal.role == "manager"
    assert acme.sign_in(groups="staff").principal.role == "member"
    changes = [row.detail for row in acme.audit("member.role_changed")]
    assert changes == [
        {"role": "manager", "before": "builder", "how": "sso"},
        {"role": "member", "before": "manager", "how": "sso"},
    ]
    assert acme.sign_in(groups=["staff"]).principal.role == "member"
    assert len(acme.audit("member.role_changed")) == 2


@pytest.mark.parametrize("groups", [None, [], "", ["Staff"], {"staff": True}, [["staff"]], 7])
def test_whoever_is_in_no_group_is_refused_or_gets_the_default(store: Store, sealer: Any, groups: Any):
    acme = Acme(store, sealer, **MAPPED)
    assert acme.refused(groups=groups) == "no_role"
    assert acme.role() == "builder"
    acme.change(**MAPPED, default_role="viewer")
    assert acme.sign_in(groups=groups).principal.role == "viewer"


def test_without_groups_a_role_given_here_stays(store: Store, sealer: Any):
    acme = Acme(store, sealer, **JOINING)
    assert acme.sign_in().principal.role == "builder"


ALICE = {"sub": "alice-1", "email": "alice@acme.example"}


def test_groups_take_no_owners_place(store: Store, sealer: Any):
    acme = Acme(store, sealer, **MAPPED)
    assert acme.sign_in(**ALICE, groups=["staff"]).principal.role == "owner"
    assert acme.audit("member.role_changed") == []


def test_an_owner_may_let_groups_make_owners_and_the_last_one_stays(store: Store, sealer: Any):
    acme = Acme(store, sealer, group_claim="groups", role_rules=[("bosses", "owner"), ("staff", "member")])
    assert acme.sign_in(**ALICE, groups=["staff"]).principal.role == "owner"
    assert acme.sign_in(groups=["bosses"]).principal.role == "owner"
    # The owner of last resort stays an administrator, whatever groups say.
    assert acme.sign_in(**ALICE, groups=["staff"]).principal.role == "owner"
    with store.write() as session:
        name_last_resort(session, acme.owner, acme.builder.id)
    assert acme.sign_in(**ALICE, groups=["staff"]).principal.role == "member"
    assert acme.sign_in(groups=["staff"]).principal.role == "owner"


def test_an_administrators_provider_opens_no_owners_session(store: Store, sealer: Any):
    acme = Acme(store, sealer)
    administrator = colleague(store, acme.owner, "administrator")
    acme.provider = acme.on(added(store, administrator, sealer, issuer="https://administrators.own.example"))
    assert acme.refused(**ALICE) == "owner_not_vouched"
    assert acme.sign_in().principal.role == "builder"
    with store.write() as session:
        vouch_for_provider(session, acme.owner, acme.provider.id, version=acme.provider.version)
    assert acme.sign_in(**ALICE).principal.role == "owner"


def test_another_issuer_knows_nobody_the_old_one_knew(acme: Acme):
    signed_in = acme.sign_in()
    with acme.store.write() as session:
        set_role(session, acme.owner, acme.builder.id, role="administrator")
    acme.change(issuer="https://new.example", client_secret="another secret")
    with pytest.raises(queries.NotSignedIn):
        acme.seen(signed_in)
    with acme.store.read() as session:
        assert session.scalars(select(Identity)).all() == []
    assert acme.refused(email_verified=False) == "email_not_verified"


def test_a_provider_that_was_pointed_elsewhere_meanwhile_lets_nobody_in(acme: Acme):
    attempt = Attempt("x", acme.provider.id, "https://before.example", "")
    with acme.store.write() as session, pytest.raises(SsoRefused) as refusal:
        sign_in_account(session, attempt, BOB, lifetime_seconds=60)
    assert refusal.value.reason == "provider_disabled"


def test_switching_off_and_removing_end_what_it_opened(acme: Acme):
    first = acme.sign_in()
    with acme.store.write() as session:
        switch_provider(session, acme.owner, acme.provider.id, is_enabled=False)
    with pytest.raises(queries.NotSignedIn):
        acme.seen(first)
    assert acme.refused() == "provider_disabled"
    acme.provider = acme.on(acme.provider)
    second = acme.sign_in()
    with acme.store.write() as session:
        remove_provider(session, acme.owner, acme.provider.id)
    with pytest.raises(queries.NotSignedIn):
        acme.seen(second)
    assert acme.refused() == "unknown_provider"


def with_password(acme: Acme, person_id: str | None) -> None:
    with acme.store.write() as session:
        set_password(session, person_id or "", passwords.make_hash("a rather long sentence"))


def close_to_passwords(acme: Acme) -> None:
    with acme.store.write() as session:
        set_sso_only(session, acme.owner, is_on=True)


def by_password(acme: Acme, email: str) -> SignedIn:
    entrance = Entrance(acme.store, acme.sealer, attempts_per_minute=100, session_seconds=3_600)
    entered = entrance.sign_in(email, "a rather long sentence", address="here")
    assert isinstance(entered, SignedIn)
    return entered


def test_a_workspace_closes_to_passwords_except_an_owners(acme: Acme):
    with_password(acme, acme.owner.person_id)
    with_password(acme, acme.builder.person_id)
    with acme.store.write() as session, pytest.raises(NotNow, match="Set up single sign-on first"):
        set_sso_only(session, acme.owner, is_on=True)
    before = by_password(acme, BOB["email"])
    signed_in = acme.sign_in()
    close_to_passwords(acme)
    with pytest.raises(NotSignedIn, match="Use single sign-on"):
        acme.seen(before)
    with pytest.raises(NotSignedIn, match="Use single sign-on"):
        by_password(acme, BOB["email"])
    assert acme.seen(signed_in).role == "builder"
    assert by_password(acme, "alice@acme.example").principal.role == "owner"
    with acme.store.write() as session:
        set_sso_only(session, acme.owner, is_on=False)
    assert acme.seen(before).role == "builder"
    changes = acme.audit("workspace.sign_in_rules_changed")
    assert [row.detail["password_allowed"] for row in changes] == [False, True]


def test_the_last_way_in_is_not_closed(acme: Acme):
    acme.sign_in()
    with acme.store.write() as session, pytest.raises(NotNow, match="No owner has a password"):
        set_sso_only(session, acme.owner, is_on=True)
    with_password(acme, acme.owner.person_id)
    close_to_passwords(acme)
    with acme.store.write() as session:
        with pytest.raises(NotNow, match="only way in"):
            switch_provider(session, acme.owner, acme.provider.id, is_enabled=False)
        with pytest.raises(NotNow, match="only way in"):
            remove_provider(session, acme.owner, acme.provider.id)
    acme.on(added(acme.store, acme.owner, acme.sealer, name="A second"))
    with acme.store.write() as session:
        remove_provider(session, acme.owner, acme.provider.id)


def test_a_closed_workspace_does_not_close_the_persons_others(acme: Acme, store: Store):
    other = make_owner(store, "other")
    with store.write() as session:
        add_member(session, other, email=BOB["email"], name="Bob", role="member")
    with_password(acme, acme.owner.person_id)
    with_password(acme, acme.builder.person_id)
    prove(store, BOB["email"])
    acme.sign_in()
    close_to_passwords(acme)
    elsewhere = by_password(acme, BOB["email"])
    assert elsewhere.workspace_slug == "other"
    with pytest.raises(NotSignedIn, match="Use single sign-on"):
        acme.seen(elsewhere, "acme")


def test_a_link_does_not_go_around_single_sign_on(acme: Acme, store: Store):
    with_password(acme, acme.owner.person_id)
    acme.sign_in()
    close_to_passwords(acme)
    with store.write() as session:
        token = create_setup_link(
            session, system(acme.owner.workspace_id), member_id=acme.builder.id, purpose="reset", lifetime_seconds=60
        )
    with pytest.raises(NotSignedIn, match="Use single sign-on"):
        Entrance(store, acme.sealer, attempts_per_minute=100, session_seconds=60).redeem(token, None, address="here")


def test_only_administrators_close_it(acme: Acme):
    with acme.store.write() as session, pytest.raises(NotAllowed):
        set_sso_only(session, acme.builder, is_on=True)


def test_every_session_says_which_provider_opened_it(acme: Acme):
    acme.sign_in()
    with acme.store.read() as session:
        rows = session.scalars(select(SignInSession.provider_id)).all()
    assert list(rows) == [acme.provider.id]
    assert acme.audit("session.opened")[-1].detail == {"how": "sso", "two_factor": False}


def test_a_change_that_is_refused_changes_nothing(acme: Acme):
    acme.sign_in()
    with acme.store.write() as session, pytest.raises(NotFound):
        change_provider(session, acme.owner, acme.sealer, GUARD, "idp_nobody", ENTERED, version=1)
    assert acme.sign_in().principal.id == acme.builder.id


def at_once(count: int, work: Callable[[], Any]) -> list[Any]:
    """What `count` callers get who begin together; an exception counts as what one got."""
    barrier = threading.Barrier(count)

    def one(_: int) -> Any:
        barrier.wait()
        try:
            return work()
        except SsoRefused as refusal:
            return refusal.reason

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_of_two_answers_to_one_sign_in_the_first_counts(acme: Acme):
    with acme.store.write() as session:
        token = begin_attempt(session, provider_row(session, acme.owner, acme.provider.id), target="/w/acme")

    def use() -> str:
        with acme.store.write() as session:
            return use_attempt(session, token, acme.provider.id, token.state).target

    assert sorted(at_once(4, use)) == ["/w/acme", "used_before", "used_before", "used_before"]


def test_two_first_sign_ins_at_once_make_one_member(store: Store, sealer: Any):
    acme = Acme(store, sealer, **JOINING)
    found = at_once(4, lambda: acme.sign_in(sub="n", email="new@acme.example").principal.id)
    assert len(set(found)) == 1
    assert len(acme.audit("identity.linked")) == 1


def test_sign_ins_that_were_never_finished_are_swept(acme: Acme):
    with acme.store.write() as session:
        begin_attempt(session, provider_row(session, acme.owner, acme.provider.id), target="")
        assert sweep_attempts(session, before=clock.now()) == 0
        assert sweep_attempts(session, before=clock.now() + timedelta(seconds=601)) == 1
