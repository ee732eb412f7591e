"""Why a sign-in through a provider was refused: one stable code each, and never the provider's own words."""

from __future__ import annotations

from typing import Literal

Reason = Literal[
    "bad_discovery",
    "bad_keys",
    "provider_unreachable",
    "provider_error",
    "wrong_issuer",
    "code_refused",
    "bad_token_answer",
    "bad_algorithm",
    "bad_signature",
    "unknown_key",
    "bad_claims",
    "wrong_audience",
    "wrong_nonce",
    "token_expired",
    "token_from_the_future",
    "bad_user_info",
]


class OidcRefused(Exception):
    """The provider, or what came in its name, is not to be believed.

    Args:
        about: what exactly, in our words, for the log and for an administrator's test; never a token, never a secret.
    """

    def __init__(self, reason: Reason, about: str) -> None:
        super().__init__(f"{reason}: {about}")
        self.reason: Reason = reason
        self.about = about
