"""An ID token, believed only when its signature and every claim hold. The checks are Authlib's, the rules are here."""

from __future__ import annotations

import base64
import json
import warnings
from dataclasses import dataclass
from typing import Any, Final, cast

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError, MissingClaimError, SecurityWarning

from signoff.connectors.oidc.refused import OidcRefused, Reason
from signoff.connectors.oidc.signing_keys import ALGORITHMS, KeyCache
from signoff.kit import clock

SKEW_SECONDS: Final = 120
# A token is made for the code that was just exchanged. Some providers date it five minutes back on purpose.
AGE_SECONDS_MAX: Final = 600
_TOKEN_CHARS_MAX: Final = 100_000
_SUBJECT_CHARS_MAX: Final = 255
_REASONS: Final[dict[str, Reason]] = {"aud": "wrong_audience", "azp": "wrong_audience", "iss": "wrong_issuer",
                                      "nonce": "wrong_nonce", "iat": "token_from_the_future",
                                      "nbf": "token_from_the_future"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token must say to be ours."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str


async def verified_claims(keys: KeyCache, jwks_uri: str, token: str, expected: Expected) -> dict[str, Any]:
    """Return the claims of `token`.

    Raises:
        OidcRefused: the signature or one of the claims does not hold.
    """
    header = _header(token)
    algorithm, key_id = header.get("alg"), header.get("kid", "")
    if algorithm not in ALGORITHMS:
        raise OidcRefused("bad_algorithm", "The token is not signed with an asymmetric algorithm we take.")
    if not isinstance(key_id, str) or "crit" in header:
        raise OidcRefused("bad_signature", "The token's header asks for what we do not know.")
    signer = await keys.find(jwks_uri, key_id, str(algorithm))
    try:
        with warnings.catch_warnings():
            # The library asks signers to write Ed25519 instead of EdDSA (RFC 9864); whoever verifies takes both.
            warnings.simplefilter("ignore", SecurityWarning)
            # One key, one algorithm: the token has no say in how it is verified.
            verified = jwt.decode(token, signer.key, algorithms=[str(algorithm)])
    except (JoseError, ValueError, TypeError) as error:
        raise OidcRefused("bad_signature", "The token's signature does not hold.") from error
    claims = CodeIDToken(verified.claims, verified.header, _rules(expected), _params(expected))
    _check(claims)
    return dict(claims)


def _rules(expected: Expected) -> Any:
    return {
        "iss": {"essential": True, "value": expected.issuer},
        "aud": {"essential": True, "value": expected.client_id},
        "nonce": {"essential": True, "value": expected.nonce},
    }


def _params(expected: Expected) -> dict[str, Any]:
    return {"client_id": expected.client_id, "nonce": expected.nonce, "access_token": expected.access_token}


def _header(token: str) -> dict[str, Any]:
    try:
        if len(token) > _TOKEN_CHARS_MAX or token.count(".") != 2:
            raise ValueError
        part = token.split(".", 1)[0]
        header: Any = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, RecursionError):
        raise OidcRefused("bad_signature", "The ID token is not a signed token.") from None
    if not isinstance(header, dict):
        raise OidcRefused("bad_signature", "The ID token is not a signed token.")
    return cast(dict[str, Any], header)


def _check(claims: Any) -> None:
    moment = int(clock.now().timestamp())
    try:
        claims.validate(now=moment, leeway=SKEW_SECONDS)
    except ExpiredTokenError as error:
        raise OidcRefused("token_expired", "The token has expired.") from error
    except (InvalidClaimError, MissingClaimError) as error:
        name = str(getattr(error, "claim", "") or "")
        raise OidcRefused(_REASONS.get(name, "bad_claims"), f"The claim {name or 'of the token'} is wrong.") from error
    except (JoseError, ValueError, TypeError, AttributeError) as error:
        raise OidcRefused("bad_claims", "The token's claims are not of the form they must have.") from error
    issued, subject = claims.get("iat"), claims.get("sub")
    if not isinstance(issued, int | float) or issued < moment - AGE_SECONDS_MAX:
        raise OidcRefused("token_expired", "The token was issued too long ago for this sign-in.")
    if not isinstance(subject, str) or not 0 < len(subject) <= _SUBJECT_CHARS_MAX or not subject.isprintable():
        raise OidcRefused("bad_claims", "The token does not name an account.")
