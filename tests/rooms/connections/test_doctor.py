"""Every way a connection fails has one diagnosis with a fix, and all of them are documented."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from signoff.connections.doctor import DIAGNOSES, diagnosis_called, diagnosis_of
from signoff.connections.logins.views import LoginView
from signoff.connections.privilege import may_write, warnings_of
from signoff.connectors import faults
from signoff.kit import clock

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("code", [value for name, value in vars(faults).items() if name.isupper() and name[0] != "_"])
def test_every_fault_of_a_connector_has_a_diagnosis(code: str):
    found = diagnosis_of(code)
    assert found is not None
    assert found.fix.endswith(".")


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("connection_not_bound", "never_attached"),
        ("login_needed", "never_attached"),
        (faults.SIGN_IN, "expired_or_revoked"),
        ("login_refresh_failed", "expired_or_revoked"),
        (faults.WRONG_SCOPE, "wrong_scope"),
        (faults.REFUSED_ADDRESS, "wrong_address"),
        ("connection_disconnected", "shared_account"),
        (faults.SECOND_FACTOR, "second_factor"),
        (faults.UNKNOWN_TOOL, "capability"),
    ],
)
def test_the_ones_people_meet(code: str, name: str):
    found = diagnosis_of(code)
    assert found == diagnosis_called(name)
    assert found is not None


def test_a_failure_that_is_not_the_connections_has_none():
    assert diagnosis_of("cancelled") is diagnosis_of(None) is diagnosis_called("nothing") is None


def test_all_are_documented_and_nothing_else():
    text = (ROOT / "docs/reference/connectors.md").read_text().partition("## Diagnoses")[2]
    assert tuple(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == DIAGNOSES


@pytest.mark.parametrize(
    ("scope", "is_writing"),
    [
        ("orders:write", True), ("https://www.googleapis.com/auth/gmail.modify", True), ("full_access", True),
        ("repo.admin", True), ("*", True), ("orders:read", False), ("openid", False), ("gmail.readonly", False),
        ("edit.read-only", False),
    ],
)  # fmt: skip
def test_what_a_scope_sounds_like(scope: str, is_writing: bool):
    assert may_write(scope) is is_writing


def login(**changes: Any) -> LoginView:
    values: dict[str, Any] = {
        "id": "log_1", "connection_id": "con_1", "kind": "oauth_authorization_code", "principal": "service",
        "state": "active", "authorised_by": "Ann", "issuer": None, "authorize_url": None, "token_url": "", "revoke_url":
        None, "resource": None, "client_id": "", "client_auth": "none", "has_client_secret": False,
        "is_registered_by_us": False, "scopes_asked": ("a:read",), "scopes_granted": ("a:read",), "scopes_missing": (),
        "scopes_beyond": (), "hosts": (), "is_locked": False, "can_refresh": True, "version": 1, "expires_at": None,
        "refresh_due_at": None, "authorised_at": clock.now(), "last_refreshed_at": None, "last_error": None,
        "created_at": clock.now(), **changes,
    }  # fmt: skip
    return LoginView(**values)


@pytest.mark.parametrize(
    ("changes", "place", "codes"),
    [
        ({}, {}, []),
        ({"principal": "personal"}, {}, ["personal_in_production"]),
        ({"principal": "personal"}, {"is_production": False}, []),
        ({"scopes_granted": ("a:write",)}, {"live_effects": {"read"}}, ["wider_than_used"]),
        ({"scopes_granted": ("a:write",)}, {"live_effects": {"read", "send"}}, []),
        ({"scopes_granted": ("a:write",)}, {"has_live_agents": False}, []),
        ({"scopes_beyond": ("b",)}, {}, ["wider_than_asked"]),
        ({"scopes_missing": ("c",)}, {}, ["narrower_than_asked"]),
        ({"principal": "personal", "state": "revoked"}, {}, []),
    ],
)
def test_what_is_wider_or_more_personal_than_it_should_be(changes: Any, place: Any, codes: list[str]):
    where = {"is_production": True, "live_effects": {"read"}, "has_live_agents": True, **place}
    assert [found.code for found in warnings_of(login(**changes), **where)] == codes


def test_without_a_login_there_is_nothing_to_warn_of():
    assert warnings_of(None, is_production=True, live_effects=(), has_live_agents=False) == ()
