"""The second factor: six digits of an authenticator app (TOTP, RFC 6238), or a recovery code. Pure but for the clock.

A code is good for its half minute and the ones beside it, because clocks differ; and never twice.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from pyotp import random_base32
from pyotp.totp import TOTP

from signoff.kit import clock
from signoff.kit.canonical import canonical_json

STEP_SECONDS = 30
STEPS_BESIDE = 1
DIGITS = 6
RECOVERY_CODES = 10
ISSUER = "Signoff"
# No letter that is taken for another: codes are read from paper.
_ALPHABET = "abcdefghjkmnpqrstvwxyz23456789"
_GROUPS, _GROUP_CHARS = 4, 4
_TYPED_CHARS_MAX = 64


def new_secret() -> str:
    """Return a fresh secret of 160 random bits, in base32 as apps take it."""
    return random_base32()


def place_of(person_id: str) -> bytes:
    """Return what a person's sealed secret is bound to."""
    return canonical_json(["signoff.second-factor.v1", person_id]).encode()


def uri_of(secret: str, *, email: str) -> str:
    """Return the address that an authenticator app reads from a picture."""
    return TOTP(secret, digits=DIGITS, interval=STEP_SECONDS).provisioning_uri(name=email, issuer_name=ISSUER)


def step_now() -> int:
    """Return the number of the present half minute."""
    return int(clock.now().timestamp()) // STEP_SECONDS


def matching_step(secret: str, code: str, *, after: int) -> int | None:
    """Return the half minute `code` belongs to, when it is near now and later than `after`; else None."""
    typed = digits_of(code)
    if typed is None:
        return None
    app = TOTP(secret, digits=DIGITS, interval=STEP_SECONDS)
    present, found = step_now(), None
    # Every step is compared, so that the time taken does not tell which one it was.
    for step in range(present - STEPS_BESIDE, present + STEPS_BESIDE + 1):
        if hmac.compare_digest(app.generate_otp(step), typed) and step > after:
            found = step
    return found


def digits_of(text: str) -> str | None:
    """Return the six digits somebody typed, without spaces; None when it is something else."""
    typed = "".join(text[:_TYPED_CHARS_MAX].split())
    return typed if len(typed) == DIGITS and typed.isascii() and typed.isdigit() else None


def new_recovery_code() -> str:
    """Return a code such as `k7fd-92mw-xq3n-4tcb`: 78 random bits, so its hash tells nothing."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARS)) for _ in range(_GROUPS))
    return "-".join(groups)


def recovery_hash(person_id: str, code: str) -> str:
    """Return what is stored of a recovery code, however it was typed."""
    plain = "".join(sign for sign in code[:_TYPED_CHARS_MAX].lower() if sign.isascii() and sign.isalnum())
    return hashlib.sha256(f"signoff.recovery.v1\0{person_id}\0{plain}".encode()).hexdigest()
