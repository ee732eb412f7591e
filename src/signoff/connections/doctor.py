"""Why a call through a connection failed, as one of a few diagnoses, each with its fix. Pure.

The codes of faults and verdicts are many and say what happened; a diagnosis says what somebody has to do about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from signoff.connectors import faults

DiagnosisCode = Literal[
    "never_attached",
    "expired_or_revoked",
    "wrong_scope",
    "wrong_address",
    "shared_account",
    "second_factor",
    "capability",
    "unreachable",
    "outcome_unknown",
]
DIAGNOSES: tuple[DiagnosisCode, ...] = get_args(DiagnosisCode)


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is wrong, in words, and what to do next."""

    code: DiagnosisCode
    title: str
    fix: str


_ALL: dict[DiagnosisCode, Diagnosis] = {
    found.code: found
    for found in (
        Diagnosis(
            "never_attached",
            "Nothing was attached",
            "The environment lacks the connection, or nobody has signed it in: create it under the slot's name, enter "
            "its secrets, or authorise its login.",
        ),
        Diagnosis(
            "expired_or_revoked",
            "The login expired or was revoked",
            "Authorise the connection again on its page, or enter its secret again. Nothing else needs to change.",
        ),
        Diagnosis(
            "wrong_scope",
            "The login does not reach far enough",
            "Add the missing scope to the login and authorise it again, or give the account the right it lacks.",
        ),
        Diagnosis(
            "wrong_address",
            "The address, region or configuration is wrong",
            "Compare the connection's address with the one the system's owner gives out; many have one per region.",
        ),
        Diagnosis(
            "shared_account",
            "Something else that shares the connection got in the way",
            "The connection was switched off, frozen or used up for everybody. Look at who else uses it, and give "
            "production an account of its own.",
        ),
        Diagnosis(
            "second_factor",
            "A second factor is not finished",
            "Sign in to the system as that account in a browser, finish the second factor, then authorise again; or "
            "use a service account.",
        ),
        Diagnosis(
            "capability",
            "The system does not do that",
            "Look at the tool on the connection's page: it may be gone, changed, not accepted, or refuse such "
            "arguments.",
        ),
        Diagnosis(
            "unreachable",
            "The system could not be reached",
            "Test the connection. If its status page says it is up, look at networks and firewalls between here and "
            "there.",
        ),
        Diagnosis(
            "outcome_unknown",
            "Nobody knows whether it was carried out",
            "Look in the system itself, and say on the reconciliation page what you found.",
        ),
    )
}

_BY_CODE: Mapping[str, DiagnosisCode] = {
    "connection_not_bound": "never_attached",
    "secret_unresolved": "never_attached",
    "secret_not_granted": "never_attached",
    "login_needed": "never_attached",
    "login_missing": "never_attached",
    "login_locked": "expired_or_revoked",
    "login_expired": "expired_or_revoked",
    "login_revoked": "expired_or_revoked",
    "login_refresh_failed": "expired_or_revoked",
    "login_unreadable": "expired_or_revoked",
    faults.SIGN_IN: "expired_or_revoked",
    faults.WRONG_SCOPE: "wrong_scope",
    faults.SECOND_FACTOR: "second_factor",
    faults.REFUSED_ADDRESS: "wrong_address",
    faults.BAD_CONFIG: "wrong_address",
    faults.RATE_LIMITED: "shared_account",
    "connection_disabled": "shared_account",
    "connection_disconnected": "shared_account",
    "frozen": "shared_account",
    faults.UNKNOWN_TOOL: "capability",
    faults.REJECTED: "capability",
    faults.BAD_ARGUMENTS: "capability",
    "tool_error": "capability",
    "tool_unknown": "capability",
    "tool_new": "capability",
    "tool_changed": "capability",
    "tool_removed": "capability",
    "not_granted": "capability",
    "bad_arguments": "capability",
    "login_refresh_failing": "unreachable",
    faults.UNREACHABLE: "unreachable",
    faults.TIMEOUT: "unreachable",
    faults.BAD_ANSWER: "unreachable",
    faults.OUTCOME_UNKNOWN: "outcome_unknown",
    "outcome_unknown": "outcome_unknown",
}


def diagnosis_of(code: str | None) -> Diagnosis | None:
    """Return the diagnosis for the code of a failed call; None when its failure says nothing about a connection."""
    found = _BY_CODE.get(code or "")
    return _ALL[found] if found is not None else None


def diagnosis_called(name: str | None) -> Diagnosis | None:
    """Return the diagnosis of this name, or None."""
    return next((found for code, found in _ALL.items() if code == name), None)
