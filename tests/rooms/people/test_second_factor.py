"""The second factor: two steps, no code twice, recovery codes once, throttled, and taken away by the right people."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from pyotp.totp import TOTP
from sqlalchemy import select

from signoff.kit import clock
from signoff.kit.errors import Fault, Malformed, NotAllowed, NotNow, NotSignedIn, TooMuch
from signoff.kit.sealing import MasterKey, MasterKeys, Sealer
from signoff.people import own, queries
from signoff.people.access import Principal, system
from signoff.people.actions import (
    add_member,
    create_setup_link,
    open_session,
    reset_second_factor,
    seal_second_factors_anew,
    set_instance_administrator,
    set_password,
)
from signoff.people.actions.second_factors import use_second_factor
from signoff.people.facts import SignedIn
from signoff.record.actor import SYSTEM
from signoff.tables.people import PendingSignIn, RecoveryCode, SecondFactor
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.people.kit_signing_in import (
    PASSWORD,
    PASSWORD_HASH,
    SEALER,
    door,
    enter,
    forget_used_step,
    halfway,
    owner,
    require_factor,
    with_factor,
    with_password,
)


def audits(store: Store, workspace_id: str) -> list[str]:
    with store.read() as session:
        return list(
            session.scalars(select(AuditRow.action).where(AuditRow.workspace_id == workspace_id).order_by(AuditRow.seq))
        )


def test_a_secret_shown_to_a_stranger_is_never_shown_to_the_person(store: Store) -> None:
    founded, at = with_password(store), door(store)
    require_factor(store, founded)
    thief = halfway(at)
    stolen = at.begin_enrolment(thief.token)
    assert at.begin_enrolment(thief.token) == stolen, "a page drawn again shows the same key"
    mine = halfway(at)
    shown = at.begin_enrolment(mine.token)
    assert shown != stolen
    # Nor is the person's shown to the stranger's sign-in, which is older and still open; theirs is begun anew.
    assert at.begin_enrolment(thief.token) not in (stolen, shown)
    with pytest.raises(NotNow, match="Begin again"):
        at.enrol(mine.token, TOTP(shown).now(), address="local")
    stolen = at.begin_enrolment(mine.token)
    with store.write() as session:
        set_password(session, founded.person_id, PASSWORD_HASH)
    with store.read() as session:
        assert session.scalars(select(SecondFactor)).all() == [], "nor does it outlive the password"
    with pytest.raises(NotSignedIn):
        at.begin_enrolment(mine.token)
    assert at.begin_enrolment(halfway(at).token) != stolen


def test_a_password_alone_opens_the_second_step_only(store: Store) -> None:
    founded = with_password(store)
    app, _ = with_factor(store, founded)
    at = door(store)
    pending = halfway(at)
    assert pending.needs == "code"
    # The token of the second step is no session, and no key.
    with store.read() as session, pytest.raises(NotSignedIn):
        queries.principal_of_session(session, pending.token, idle_seconds=3600)
    entered = at.second_step(pending.token, app.now(), address="local")
    with store.read() as session:
        assert queries.principal_of_session(session, entered.session_token, idle_seconds=3600).principal.name == "Alice"
    assert entered.session_token != pending.token
    # It was used up.
    forget_used_step(store, founded)
    with pytest.raises(NotSignedIn) as again:
        at.second_step(pending.token, app.now(), address="local")
    assert again.value.code == "sign_in_over"


def test_a_code_is_good_once_and_so_is_an_older_one(store: Store) -> None:
    founded = with_password(store)
    app, _ = with_factor(store, founded)
    at = door(store)
    code, older = app.now(), app.at(clock.now() - timedelta(seconds=30))
    at.second_step(halfway(at).token, code, address="local")
    for replayed in (code, older):
        with pytest.raises(Malformed) as refused:
            at.second_step(halfway(at).token, replayed, address="local")
        assert refused.value.code == "bad_code"


@pytest.mark.parametrize(("seconds", "is_good"), [(-30, True), (30, True), (-90, False), (90, False)])
def test_clocks_may_differ_by_half_a_minute(store: Store, seconds: int, is_good: bool) -> None:
    founded = with_password(store)
    app, _ = with_factor(store, founded)
    at, code = door(store), app.at(clock.now() + timedelta(seconds=seconds))
    if is_good:
        assert at.second_step(halfway(at).token, code, address="local").principal.name == "Alice"
    else:
        with pytest.raises(Malformed):
            at.second_step(halfway(at).token, code, address="local")


@pytest.mark.parametrize("code", ["", " ", "000000", "12345", "1234567", "٠١٢٣٤٥", "abcdef", "\x00" * 6, "9" * 5000])
def test_what_is_no_code_is_refused_alike(store: Store, code: str) -> None:
    founded = with_password(store)
    app, _ = with_factor(store, founded)
    at = door(store)
    if code == app.now():
        pytest.skip("one in a million")
    with pytest.raises(Malformed) as refused:
        at.second_step(halfway(at).token, code, address="local")
    assert (
        refused.value.detail
        == "This code is not right, or was used before. Wait for the app's next one, then type that."
    )


def test_of_two_who_bring_one_code_at_once_one_comes_in(store: Store) -> None:
    founded = with_password(store)
    app, _ = with_factor(store, founded)
    at = door(store)
    tokens, code, barrier = [halfway(at).token for _ in range(2)], app.now(), threading.Barrier(2)
    results: list[object] = []

    def go(token: str) -> None:
        barrier.wait()
        try:
            results.append(at.second_step(token, code, address="local"))
        except (Malformed, NotSignedIn) as refusal:
            results.append(refusal)

    threads = [threading.Thread(target=go, args=(token,)) for token in tokens]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len([one for one in results if isinstance(one, SignedIn)]) == 1


def test_a_recovery_code_stands_in_once_however_it_is_typed(store: Store) -> None:
    founded = with_password(store)
    _, codes = with_factor(store, founded)
    assert len(set(codes)) == 10
    at = door(store)
    at.second_step(halfway(at).token, f"  {codes[0].upper().replace('-', ' ')} ", address="local")
    with pytest.raises(Malformed):
        at.second_step(halfway(at).token, codes[0], address="local")
    with store.read() as session:
        facts = own.second_factor_of(session, owner(founded))
        kept = [row.code_hash for row in session.scalars(select(RecoveryCode))]
    assert (facts.is_on, facts.codes_left) == (True, 9)
    assert not set(kept) & set(codes)
    assert "second_factor.recovery_code_used" in audits(store, founded.workspace_id)


def test_another_persons_codes_open_nothing(store: Store) -> None:
    alice, bob = with_password(store), with_password(store, "other", "bob@example.com")
    _, codes = with_factor(store, alice)
    bobs_app, bobs_codes = with_factor(store, bob)
    at = door(store)
    for code in (bobs_codes[0], bobs_app.now()):
        with pytest.raises(Malformed):
            at.second_step(halfway(at).token, code, address="local")
    # And bob's are not used up by it.
    assert at.second_step(halfway(at, "bob@example.com").token, bobs_codes[0], address="local")
    assert codes


def test_guessing_is_stopped_by_sign_in_and_by_person(store: Store) -> None:
    founded = with_password(store)
    app, _ = with_factor(store, founded)
    at = door(store)
    token = halfway(at).token
    answers: list[str] = []
    for _ in range(8):
        try:
            at.second_step(token, "000001", address="local")
        except (Malformed, NotSignedIn, TooMuch) as refusal:
            answers.append(refusal.code)
    assert answers == ["bad_code"] * 5 + ["sign_in_over"] * 3
    # A new sign-in is not a new allowance: five tries were made, in whatever process.
    other = door(store)
    with pytest.raises(TooMuch) as refused:
        other.second_step(halfway(other).token, app.now(), address="elsewhere")
    assert 60 < (refused.value.retry_after_seconds or 0) <= 120


def test_a_second_step_ends_after_minutes(store: Store) -> None:
    founded = with_password(store)
    app, _ = with_factor(store, founded)
    at = door(store)
    token = halfway(at).token
    with store.write() as session:
        for row in session.scalars(select(PendingSignIn)):
            row.expires_at = clock.now() - timedelta(seconds=1)
    assert at.pending(token) is None
    for dead in (token, "", "psi_made-up", "null", "\x00"):
        with pytest.raises(NotSignedIn) as refused:
            at.second_step(dead, app.now(), address="local")
        assert refused.value.code == "sign_in_over"


def test_a_new_password_ends_a_half_finished_sign_in(store: Store) -> None:
    founded = with_password(store)
    app, _ = with_factor(store, founded)
    at = door(store)
    token = halfway(at).token
    with store.write() as session:
        set_password(session, founded.person_id, PASSWORD_HASH)
    with pytest.raises(NotSignedIn):
        at.second_step(token, app.now(), address="local")


def test_the_secret_is_kept_sealed_and_survives_a_new_master_key(store: Store) -> None:
    founded = with_password(store)
    app, _ = with_factor(store, founded)
    with store.read() as session:
        row = session.get_one(SecondFactor, founded.person_id)
        assert app.secret.encode() not in row.ciphertext
    newer = Sealer(MasterKeys(MasterKey(bytes(range(1, 33))), (SEALER.keys.current,)))
    with store.write() as session:
        assert seal_second_factors_anew(session, newer) == 1
        assert seal_second_factors_anew(session, newer) == 0
    alone = Sealer(MasterKeys(newer.keys.current))
    with store.write() as session:
        assert use_second_factor(session, alone, founded.person_id, app.now()) == "app"
    # Moved to another person, it opens for nobody.
    other = with_password(store, "other", "bob@example.com")
    with store.write() as session:
        mine = session.get_one(SecondFactor, founded.person_id)
        session.add(
            SecondFactor(
                person_id=other.person_id, ciphertext=mine.ciphertext, nonce=mine.nonce, key_id=mine.key_id,
                last_step=0, created_at=clock.now(), confirmed_at=clock.now(),
            )
        )  # fmt: skip
    with store.write() as session, pytest.raises(Fault):
        use_second_factor(session, alone, other.person_id, app.now())


def test_where_a_workspace_asks_for_it_it_is_set_up_on_the_way_in(store: Store) -> None:
    founded = with_password(store)
    require_factor(store, founded)
    at = door(store)
    pending = halfway(at)
    assert pending.needs == "enrolment"
    app = TOTP(at.begin_enrolment(pending.token))
    # Looking again shows the same picture; a wrong code keeps it good.
    assert at.begin_enrolment(pending.token) == app.secret
    with pytest.raises(Malformed):
        at.enrol(pending.token, "000000" if app.now() != "000000" else "111111", address="local")
    done = at.enrol(pending.token, app.now(), address="local")
    assert len(done.recovery_codes) == 10
    with store.read() as session:
        queries.principal_of_session(session, done.signed_in.session_token, idle_seconds=3600)
    assert halfway(at).needs == "code"
    with pytest.raises(NotSignedIn):
        at.begin_enrolment(pending.token)
    assert "second_factor.turned_on" in audits(store, founded.workspace_id)


def test_a_second_step_with_a_code_cannot_become_an_enrolment(store: Store) -> None:
    """Whoever has only the password must not replace the app by their own."""
    founded = with_password(store)
    with_factor(store, founded)
    at = door(store)
    pending = halfway(at)
    with pytest.raises(NotSignedIn):
        at.begin_enrolment(pending.token)
    with pytest.raises(NotSignedIn):
        at.enrol(pending.token, "123456", address="local")
    with pytest.raises(NotNow):
        at.own_factor.begin(owner(founded))


def test_its_person_renews_codes_and_turns_it_off_with_a_code(store: Store) -> None:
    founded = with_password(store)
    app, codes = with_factor(store, founded)
    mine, who = door(store).own_factor, owner(founded)
    with pytest.raises(Malformed):
        mine.turn_off(who, "nonsense")
    fresh = mine.renew_codes(who, app.now())
    assert not set(fresh) & set(codes)
    with pytest.raises(Malformed):
        mine.turn_off(who, codes[1])
    mine.turn_off(who, fresh[0])
    assert enter(door(store)).principal.name == "Alice"
    told = audits(store, founded.workspace_id)
    assert {"second_factor.codes_renewed", "second_factor.turned_off"} <= set(told)
    with store.read() as session:
        assert session.scalars(select(RecoveryCode)).all() == []


def test_an_administrator_resets_it_and_its_sessions_end(store: Store) -> None:
    founded = with_password(store)
    with store.write() as session:
        bob = add_member(session, owner(founded), email="bob@example.com", name="Bob", role="administrator")
        bobs_person = queries.member(session, owner(founded), bob).person_id
        set_password(session, bobs_person, PASSWORD_HASH)
    with pytest.raises(NotNow), store.write() as session:
        reset_second_factor(session, owner(founded), bob)
    at = door(store)

    who = Principal("member", bob, "Bob", founded.workspace_id, "administrator", person_id=bobs_person)
    app = TOTP(at.own_factor.begin(who))
    codes = at.own_factor.confirm(who, app.now(), session_id="").codes
    entered = at.second_step(halfway(at, "bob@example.com").token, codes[0], address="local")
    # An administrator changes no owner.
    with_factor(store, founded)
    with pytest.raises(NotAllowed), store.write() as session:
        reset_second_factor(session, who, founded.member_id)
    with store.write() as session:
        reset_second_factor(session, owner(founded), bob)
    with store.read() as session, pytest.raises(NotSignedIn):
        queries.principal_of_session(session, entered.session_token, idle_seconds=3600)
    assert enter(at, "bob@example.com").principal.name == "Bob"
    assert "second_factor.reset" in audits(store, founded.workspace_id)


def test_a_workspace_does_not_make_another_less_safe(store: Store) -> None:
    here = with_password(store)
    there = with_password(store, "other", "bob@example.com")
    with_factor(store, there)
    with store.write() as session:
        open_session(session, there.person_id, lifetime_seconds=60, workspace_id=there.workspace_id)
        bob = add_member(session, owner(here), email="bob@example.com", name="Bob", role="member")
    with pytest.raises(NotNow, match="another workspace"), store.write() as session:
        reset_second_factor(session, owner(here), bob)
    # The operator, on the machine itself, can.
    with store.write() as session:
        reset_second_factor(session, system(here.workspace_id), bob)
    with pytest.raises(NotNow), store.write() as session:
        reset_second_factor(session, system(here.workspace_id), bob)


def test_nobody_takes_the_installations_second_factor_nor_their_own_from_the_side(store: Store) -> None:
    founded = with_password(store)
    with_factor(store, founded)
    with pytest.raises(NotAllowed, match="on your profile"), store.write() as session:
        reset_second_factor(session, owner(founded), founded.member_id)
    with store.write() as session:
        bob = add_member(session, owner(founded), email="bob@example.com", name="Bob", role="administrator")
        person_id = queries.member(session, owner(founded), bob).person_id
        set_instance_administrator(session, SYSTEM, person_id=person_id, is_on=True)
    with pytest.raises(NotNow, match="administers the installation"), store.write() as session:
        reset_second_factor(session, owner(founded), bob)


def test_before_it_is_set_up_the_password_is_asked_again_and_guessing_is_throttled(store: Store) -> None:
    founded = with_password(store)
    at = door(store)
    at.check_password(owner(founded), PASSWORD)
    for _ in range(4):
        with pytest.raises(Malformed):
            at.check_password(owner(founded), "not the password")
    with pytest.raises(TooMuch):
        at.check_password(owner(founded), PASSWORD)


def test_an_invitation_and_a_reset_do_not_walk_around_it(store: Store) -> None:

    founded = with_password(store)
    app, _ = with_factor(store, founded)
    at = door(store)
    for purpose in ("first_run", "reset"):
        with store.write() as session:
            token = create_setup_link(
                session, system(founded.workspace_id), member_id=founded.member_id, purpose=purpose, lifetime_seconds=60
            )
        entered = at.redeem(token, "an entirely new sentence", address="local")
        assert not isinstance(entered, SignedIn)
        assert entered.needs == "code"
    assert at.second_step(entered.token, app.now(), address="local").principal.name == "Alice"
