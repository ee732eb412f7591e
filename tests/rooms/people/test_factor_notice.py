"""Whoever sets a second factor up, its person is told by mail, and can take it away: it may be a stranger's."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pyotp.totp import TOTP
from sqlalchemy import select, update

from signoff.kit import clock
from signoff.kit.errors import Malformed, NotSignedIn
from signoff.people import queries
from signoff.people.access import system
from signoff.people.actions import create_setup_link
from signoff.people.actions.setup_links import NOT_ME_SECONDS, LinkNotGood
from signoff.people.facts import SignedIn
from signoff.people.mailing import link_mail
from signoff.tables.people import RecoveryCode, SecondFactor, SetupLink
from signoff.tables.record import AuditRow
from signoff.tables.session import Store
from tests.rooms.people.kit_signing_in import (
    EMAIL,
    PASSWORD,
    SEALER,
    door,
    halfway,
    owner,
    require_factor,
    with_password,
)
from tests.rooms.people.test_forgotten import AT, NEW, mails, token_of


def enrolled_by_a_stranger(store: Store) -> tuple[SignedIn, str]:
    """Somebody who knows the password sets an app up on the way in; returns their session and the link of the mail."""
    founded, at = with_password(store), door(store, reset_link_seconds=1800)
    require_factor(store, founded)
    pending = halfway(at)
    app = TOTP(at.begin_enrolment(pending.token))
    thief = at.enrol(pending.token, app.now(), address="local").signed_in
    at.close()
    return thief, token_of(mails(store)[-1])


def test_the_mail_says_what_happened_and_what_to_do(store: Store) -> None:
    _, token = enrolled_by_a_stranger(store)
    assert len(mails(store)) == 1
    assert token not in repr(mails(store))
    with store.read() as session:
        mail = link_mail(session, SEALER, mails(store)[0], public_address=AT)
    assert mail is not None
    assert (mail.to, mail.subject) == (EMAIL, "A second factor was set up for your account on Signoff")
    assert f"{AT}setup/{token}" in mail.text
    for words in ("If that was you, there is nothing to do", "somebody knows your password", "an administrator"):
        assert words in mail.text


def test_the_link_takes_app_codes_sessions_and_password_away(store: Store) -> None:
    thief, token = enrolled_by_a_stranger(store)
    at = door(store)
    with pytest.raises(Malformed, match="somebody else knows"):
        at.redeem(token, None, address="local")
    assert not isinstance(at.redeem(token, NEW, address="local"), SignedIn), "their own app comes next"
    with store.read() as session:
        assert session.scalars(select(SecondFactor)).all() == []
        assert session.scalars(select(RecoveryCode)).all() == []
        told = session.scalars(select(AuditRow.detail).where(AuditRow.action == "second_factor.turned_off")).all()
        with pytest.raises(NotSignedIn):
            queries.principal_of_session(session, thief.session_token, idle_seconds=60)
    assert told == [{"how": "link:not_me"}]
    with pytest.raises(NotSignedIn):
        at.sign_in(EMAIL, PASSWORD, address="local")
    with pytest.raises(LinkNotGood):
        at.redeem(token, NEW, address="local")


def test_the_stranger_cannot_end_the_link(store: Store) -> None:
    thief, token = enrolled_by_a_stranger(store)
    at = door(store)
    at.change_password(thief.principal, old=PASSWORD, new="the stranger's own sentence", session_id=thief.session_id)
    with store.write() as session:
        who = system(thief.principal.workspace_id)
        create_setup_link(session, who, member_id=thief.principal.id, purpose="first_run", lifetime_seconds=60)
    assert at.redeem(token, NEW, address="local")
    assert at.sign_in(EMAIL, NEW, address="local")


def test_it_is_good_for_three_days(store: Store) -> None:
    _, token = enrolled_by_a_stranger(store)
    with store.write() as session:
        row = session.scalars(select(SetupLink)).one()
        assert row.expires_at - row.created_at == timedelta(seconds=NOT_ME_SECONDS) == timedelta(days=3)
        session.execute(update(SetupLink).values(expires_at=clock.now()))
    with pytest.raises(LinkNotGood):
        door(store).redeem(token, NEW, address="local")


def test_on_ones_profile_too_and_nothing_is_written_where_no_mail_is_sent(store: Store) -> None:
    founded = with_password(store)
    for seconds, count in ((None, 0), (1800, 1)):
        at = door(store, **({"reset_link_seconds": seconds} if seconds else {}))
        with store.write() as session:
            session.query(SecondFactor).delete()
        app = TOTP(at.own_factor.begin(owner(founded)))
        assert at.own_factor.confirm(owner(founded), app.now(), session_id="")
        assert len(mails(store)) == count
        at.close()
