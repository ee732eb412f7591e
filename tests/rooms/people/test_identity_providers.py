"""Who may set a provider up, what is refused, and what a provider is never told or believed."""

from __future__ import annotations

import base64
import os
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from signoff.connections.keys import keys_of, new_key_text
from signoff.connectors.addresses import AddressRules
from signoff.connectors.net import Guard
from signoff.kit import ids
from signoff.kit.errors import Fault, Malformed, NotAllowed, NotFound, NotNow, TooMuch
from signoff.kit.sealing import MasterKey, MasterKeys, Sealer
from signoff.people.access import Principal
from signoff.people.actions import add_member, found_workspace
from signoff.people.actions import providers as providers_actions
from signoff.people.actions.providers import (
    add_provider,
    change_provider,
    remove_provider,
    seal_client_secrets_anew,
    switch_provider,
    vouch_for_provider,
)
from signoff.people.provider_input import ProviderInput
from signoff.people.providers import ProviderFacts, client_secret, provider, providers
from signoff.tables.identity import IdentityProvider
from signoff.tables.people import Member
from signoff.tables.record import AuditRow
from signoff.tables.session import Store

GUARD = Guard(AddressRules(allow_loopback=False))
ENTERED = ProviderInput(
    name="Acme Login",
    issuer="https://login.example.com/realms/acme",
    client_id="signoff",
    client_secret="the client secret",
)


@pytest.fixture
def sealer() -> Sealer:
    return Sealer(keys_of([new_key_text()]))


@pytest.fixture
def owner(store: Store) -> Principal:
    return make_owner(store, "acme")


def make_owner(store: Store, slug: str) -> Principal:
    with store.write() as session:
        made = found_workspace(session, slug=slug, name=slug, owner_email=f"alice@{slug}.example", owner_name="Alice")
    return Principal("member", made.member_id, "Alice", made.workspace_id, "owner", person_id=made.person_id)


def colleague(store: Store, owner: Principal, role: Any) -> Principal:
    with store.write() as session:
        made = add_member(session, owner, email=f"{role}@acme.example", name=role, role=role)
        person_id = session.get_one(Member, made).person_id
    return Principal("member", made, role, owner.workspace_id, role, person_id=person_id)


def added(store: Store, by: Principal, sealer: Sealer, **more: Any) -> ProviderFacts:
    with store.write() as session:
        made = add_provider(session, by, sealer, GUARD, replace(ENTERED, **more))
    return look(store, by, made)


def changed(store: Store, by: Principal, sealer: Sealer, before: ProviderFacts, **more: Any) -> ProviderFacts:
    with store.write() as session:
        entered = replace(ENTERED, **{"client_secret": "", **more})
        change_provider(session, by, sealer, GUARD, before.id, entered, version=before.version)
    return look(store, by, before.id)


def look(store: Store, by: Principal, provider_id: str) -> ProviderFacts:
    with store.read() as session:
        return provider(session, by, provider_id)


def test_a_provider_is_kept_switched_off_with_its_secret_sealed(store: Store, owner: Principal, sealer: Sealer):
    made = added(store, owner, sealer, domains=["ACME.example", " @acme.example "], makes_members=True,
                 default_role="member")  # fmt: skip
    assert (made.is_enabled, made.is_vouched, made.domains) == (False, True, ("acme.example",))
    with store.read() as session:
        row = session.get_one(IdentityProvider, made.id)
        assert client_secret(sealer, row) == "the client secret"
        assert b"client secret" not in row.ciphertext
        row.issuer = "https://evil.example"
        with pytest.raises(Fault, match="does not open"):
            client_secret(sealer, row)
        noted = session.scalars(select(AuditRow).where(AuditRow.action == "identity_provider.added")).one()
        assert "secret" not in str(noted.detail)


@pytest.mark.parametrize("role", ["manager", "builder", "member", "viewer"])
def test_only_administrators_see_or_set_up_providers(store: Store, owner: Principal, sealer: Sealer, role: str):
    made = added(store, owner, sealer)
    other = colleague(store, owner, role)
    with store.write() as session:
        for act in (
            lambda: providers(session, other),
            lambda: provider(session, other, made.id),
            lambda: add_provider(session, other, sealer, GUARD, ENTERED),
            lambda: switch_provider(session, other, made.id, is_enabled=True),
            lambda: remove_provider(session, other, made.id),
        ):
            with pytest.raises(NotAllowed):
                act()


def test_another_workspaces_provider_is_not_there(store: Store, owner: Principal, sealer: Sealer):
    made = added(store, owner, sealer)
    stranger = make_owner(store, "other")
    with store.write() as session:
        assert providers(session, stranger) == []
        for act in (
            lambda: provider(session, stranger, made.id),
            lambda: change_provider(session, stranger, sealer, GUARD, made.id, ENTERED, version=1),
            lambda: vouch_for_provider(session, stranger, made.id, version=1),
            lambda: switch_provider(session, stranger, made.id, is_enabled=True),
            lambda: remove_provider(session, stranger, made.id),
        ):
            with pytest.raises(NotFound):
                act()


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"name": "  "}, "name"),
    ({"issuer": "http://login.example.com"}, "issuer"),
    ({"issuer": "http://127.0.0.1:8080"}, "issuer"),
    ({"issuer": "file:///etc/passwd"}, "issuer"),
    ({"issuer": "https://user:pass@login.example.com"}, "issuer"),
    ({"issuer": "https://login.example.com:22"}, "issuer"),
    ({"issuer": "https://login.example.com/?x=1"}, "issuer"),
    ({"issuer": "https://login.example.com/.well-known/openid-configuration"}, "issuer"),
    ({"issuer": "https://[::1"}, "issuer"),
    ({"issuer": ""}, "issuer"),
    ({"issuer": "https://" + "x" * 600}, "issuer"),
    ({"client_id": ""}, "client_id"),
    ({"client_id": "a\nb"}, "client_id"),
    ({"client_secret": ""}, "client_secret"),
    ({"client_secret": "x" * 5_000}, "client_secret"),
    ({"scopes": ["email"]}, "scopes"),
    ({"scopes": ["openid", 'a"b']}, "scopes"),
    ({"scopes": ["openid", *map(str, range(30))]}, "scopes"),
    ({"email_verified_claim": "a claim"}, "email_verified_claim"),
    ({"role_rules": [("staff", "member")]}, "group_claim"),
    ({"role_rules": [("staff", "god")], "group_claim": "groups"}, "role_rules"),
    ({"role_rules": [("", "member")], "group_claim": "groups"}, "role_rules"),
    ({"role_rules": [(f"g{n}", "member") for n in range(60)], "group_claim": "groups"}, "role_rules"),
    ({"default_role": "owner"}, "default_role"),
    ({"default_role": "god"}, "default_role"),
    ({"domains": ["localhost"]}, "domains"),
    ({"domains": ["*.example.com"]}, "domains"),
    ({"domains": [f"d{n}.example" for n in range(60)]}, "domains"),
    ({"makes_members": True, "default_role": "member"}, "domains"),
    ({"makes_members": True, "domains": ["acme.example"]}, "default_role"),
]


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("more", "field"), WRONG)
def test_wrong_input_names_its_field(store: Store, owner: Principal, sealer: Sealer, more: dict[str, Any], field: str):
    with pytest.raises(Malformed) as refusal:
        added(store, owner, sealer, **more)
    assert field in refusal.value.errors
    assert "the client secret" not in str(refusal.value.errors)
    with store.read() as session:
        assert providers(session, owner) == []


def test_loopback_is_an_issuer_only_where_the_operator_allows_it(store: Store, owner: Principal, sealer: Sealer):
    open_guard = Guard(AddressRules(allow_loopback=True))
    with store.write() as session:
        entered = replace(ENTERED, issuer="http://127.0.0.1:8080")
        assert add_provider(session, owner, sealer, open_guard, entered)
        with pytest.raises(Malformed):
            add_provider(session, owner, sealer, open_guard, replace(ENTERED, issuer="http://10.0.0.1:8080"))


def test_the_secret_never_goes_to_an_issuer_it_was_not_entered_for(store: Store, owner: Principal, sealer: Sealer):
    made = added(store, owner, sealer)
    with pytest.raises(Malformed) as refusal:
        changed(store, owner, sealer, made, issuer="https://evil.example")
    assert "client_secret" in refusal.value.errors
    after = changed(store, owner, sealer, made, issuer="https://new.example", client_secret="another secret")
    with store.read() as session:
        assert client_secret(sealer, session.get_one(IdentityProvider, after.id)) == "another secret"


def test_a_change_without_a_secret_keeps_it_and_a_late_one_loses(store: Store, owner: Principal, sealer: Sealer):
    made = added(store, owner, sealer)
    after = changed(store, owner, sealer, made, name="New name")
    assert (after.name, after.version) == ("New name", made.version + 1)
    with store.read() as session:
        assert client_secret(sealer, session.get_one(IdentityProvider, made.id)) == "the client secret"
    with pytest.raises(NotNow, match="meanwhile"):
        changed(store, owner, sealer, made, name="Too late")
    assert look(store, owner, made.id).name == "New name"


def test_an_administrators_change_takes_the_owners_confirmation_away(store: Store, owner: Principal, sealer: Sealer):
    administrator = colleague(store, owner, "administrator")
    made = added(store, owner, sealer)
    renamed = changed(store, administrator, sealer, made, name="Only a name")
    assert renamed.is_vouched
    after = changed(store, administrator, sealer, renamed, name="Only a name", email_verified_claim="anything")
    assert not after.is_vouched
    with store.write() as session, pytest.raises(NotAllowed, match="Only an owner"):
        vouch_for_provider(session, administrator, made.id, version=after.version)
    with store.write() as session, pytest.raises(NotNow, match="meanwhile"):
        vouch_for_provider(session, owner, made.id, version=made.version)
    with store.write() as session:
        vouch_for_provider(session, owner, made.id, version=after.version)
    assert look(store, owner, made.id).is_vouched
    assert not added(store, administrator, sealer, name="Theirs").is_vouched


def test_only_owners_set_up_or_touch_what_makes_owners(store: Store, owner: Principal, sealer: Sealer):
    administrator = colleague(store, owner, "administrator")
    makes_owners = {"role_rules": [("bosses", "owner")], "group_claim": "groups"}
    with pytest.raises(NotAllowed, match="Only an owner"):
        added(store, administrator, sealer, **makes_owners)
    made = added(store, owner, sealer, **makes_owners)
    for more in (makes_owners, {}):
        with pytest.raises(NotAllowed, match="Only an owner"):
            changed(store, administrator, sealer, made, **more)


def test_there_is_a_most_and_a_form_counts_once(store: Store, owner: Principal, sealer: Sealer):
    shown = ids.new_id("idp")
    with store.write() as session:
        assert add_provider(session, owner, sealer, GUARD, ENTERED, provider_id=shown) == shown
    for used in (shown, "idp_short", "../../x", shown.replace("idp", "mem")):
        with store.write() as session, pytest.raises(NotNow):
            add_provider(session, owner, sealer, GUARD, ENTERED, provider_id=used)
    with store.write() as session:
        for _ in range(19):
            add_provider(session, owner, sealer, GUARD, ENTERED)
        with pytest.raises(TooMuch):
            add_provider(session, owner, sealer, GUARD, ENTERED)


def test_of_two_who_send_one_form_at_once_the_later_is_told(
    store: Store, owner: Principal, sealer: Sealer, monkeypatch: pytest.MonkeyPatch
):
    shown, other = ids.new_id("idp"), make_owner(store, "other")
    with store.write() as session:
        add_provider(session, owner, sealer, GUARD, ENTERED, provider_id=shown)
    # The later one looked before the earlier one wrote, or could not see it behind the wall of its workspace.
    monkeypatch.setattr(providers_actions, "_checked_id", lambda _, wanted: wanted or ids.new_id("idp"))
    with store.write() as session:
        with pytest.raises(NotNow) as refused:
            add_provider(session, other, sealer, GUARD, ENTERED, provider_id=shown)
        assert refused.value.code == "form_used"
        assert add_provider(session, other, sealer, GUARD, ENTERED), "the transaction goes on"
    with store.read() as session:
        assert session.get_one(IdentityProvider, shown).workspace_id == owner.workspace_id


def test_a_new_master_key_holds_client_secrets_too(store: Store, owner: Principal, sealer: Sealer):
    made = added(store, owner, sealer)
    new = MasterKey(base64.b64decode(base64.b64encode(os.urandom(32))))
    both = Sealer(MasterKeys(new, (sealer.keys.current,)))
    with store.write() as session:
        assert seal_client_secrets_anew(session, both) == 1
        assert seal_client_secrets_anew(session, both) == 0
    with store.read() as session:
        assert client_secret(Sealer(MasterKeys(new)), session.get_one(IdentityProvider, made.id)) == "the client secret"
