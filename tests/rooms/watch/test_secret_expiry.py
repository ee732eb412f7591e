"""Warnings before a secret runs out: one for each threshold, taken back when there is a new value."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signoff.connections.secrets import create_secret, delete_secret, replace_secret
from signoff.kit import clock
from signoff.tables.session import Store
from signoff.watch.queries import open_alerts
from signoff.watch.secret_expiry import KIND, forget_warnings, threshold, warn_of_expiry
from tests.rooms.connections import kit_connections as kit


def test_it_warns_once_at_each_threshold_and_is_taken_back(store: Store) -> None:
    from signoff.connections.actions import create_connection

    acme, vault = kit.place(store), kit.vault()
    ends = clock.now() + timedelta(days=100)
    with store.write() as session:
        erp = create_connection(
            session, acme.owner, environment_id=acme.production, slug="erp", name="ERP", kind="mcp_http",
            config={"url": kit.URL},
        )  # fmt: skip
        token = create_secret(
            session, acme.owner, vault, connection_id=erp, name="ERP_TOKEN", value="a value", expires_at=ends
        )
        create_secret(session, acme.owner, vault, connection_id=erp, name="OTHER", value="a value")
    told: list[int] = []
    for days in (60, 30, 29, 20, 14, 13, 4, 3, 1, 0, -1, -20):
        with store.write() as session:
            if warn_of_expiry(session, now=ends - timedelta(days=days)):
                told.append(days)
            assert warn_of_expiry(session, now=ends - timedelta(days=days)) == 0
    assert told == [30, 14, 3, 0]
    with store.write() as session:
        (alert,) = open_alerts(session, acme.owner)
        assert (alert.kind, alert.occurrences, alert.detail["days"]) == (KIND, 4, 0)
        assert "ran out" in alert.text
        assert forget_warnings(session, now=ends) == 0
        replace_secret(session, acme.owner, vault, token, value="a new value", expires_at=ends + timedelta(days=365))
        assert forget_warnings(session, now=ends) == 1
        assert open_alerts(session, acme.owner) == []
        # The next value's end is warned of anew.
        assert warn_of_expiry(session, now=ends + timedelta(days=360)) == 1
        delete_secret(session, acme.owner, token)
        assert forget_warnings(session, now=ends + timedelta(days=360)) == 1


@pytest.mark.parametrize(
    ("days", "expected"), [(31, None), (30, 30), (14.5, 30), (14, 14), (3, 3), (2, 3), (0, 0), (-9, 0)]
)
def test_a_threshold_is_passed_when_no_more_than_its_days_are_left(days: float, expected: int | None) -> None:
    moment = clock.now()
    assert threshold(moment + timedelta(days=days), moment) == expected
