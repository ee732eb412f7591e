"""Whoever takes a second factor away, its person is told by mail: it may not have been them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from signoff.kit import clock
from signoff.kit.errors import NotNow
from signoff.people.access import Principal, system
from signoff.people.actions import add_member, reset_second_factor
from signoff.people.actions.factor_news import FACTOR_GONE
from signoff.people.actions.second_factors import turn_off_second_factor
from signoff.people.mailing import factor_gone_mail
from signoff.people.own_factor import OwnFactor
from signoff.tables.record import OutboxMessage
from signoff.tables.session import Store
from tests.rooms.people.kit_signing_in import EMAIL, SEALER, door, forget_used_step, owner, with_factor, with_password


def news(store: Store) -> list[OutboxMessage]:
    with store.read() as session:
        return list(session.scalars(select(OutboxMessage).where(OutboxMessage.kind == FACTOR_GONE)))


def text_of(store: Store, payload: dict[str, Any]) -> tuple[str, str, str]:
    with store.read() as session:
        mail = factor_gone_mail(session, payload)
    assert mail is not None
    return mail.to, mail.subject, mail.text


def test_turning_it_off_is_told_to_its_person(store: Store) -> None:
    founded = with_password(store)
    app, _ = with_factor(store, founded)
    forget_used_step(store, founded)
    assert news(store) == []
    OwnFactor(store, SEALER, door(store).knocks).turn_off(owner(founded), app.now())
    (told,) = news(store)
    to, subject, text = text_of(store, told.payload)
    assert (to, subject) == (EMAIL, "Your second factor on Signoff was taken away")
    assert "by somebody who was signed in as you" in text
    assert EMAIL not in str(told.payload)


def test_a_reset_by_the_operator_is_told_to_its_person_once(store: Store) -> None:
    founded = with_password(store)
    with_factor(store, founded)
    with store.write() as session:
        reset_second_factor(session, system(founded.workspace_id), founded.member_id)
    (told,) = news(store)
    _, _, text = text_of(store, told.payload)
    assert "by an administrator of your workspace, or by whoever runs this installation" in text


def test_old_news_is_not_sent(store: Store) -> None:
    founded = with_password(store)
    with_factor(store, founded)
    with store.write() as session:
        turn_off_second_factor(session, founded.person_id)
    (told,) = news(store)
    old = {**told.payload, "at": (clock.now() - timedelta(days=3)).isoformat()}
    with store.read() as session:
        assert factor_gone_mail(session, old) is None
        assert factor_gone_mail(session, {**told.payload, "person": "per_gone"}) is None


def test_a_refused_reset_tells_nobody(store: Store) -> None:
    founded = with_password(store)
    with store.write() as session:
        alice: Principal = owner(founded)
        bob = add_member(session, alice, email="bob@example.com", name="Bob", role="member")
    with pytest.raises(NotNow, match="no second factor"), store.write() as session:
        reset_second_factor(session, alice, bob)
    assert news(store) == []
