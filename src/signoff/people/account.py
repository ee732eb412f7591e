"""What a provider says of an account, read from its claims. Pure; the claims were verified before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from signoff.kit.errors import Malformed
from signoff.kit.text import storable
from signoff.people.emails import clean_email
from signoff.people.providers import ProviderFacts

_GROUPS_MAX = 2_000
_TRUE = (True, 1, "1", "true", "True")


@dataclass(frozen=True, slots=True)
class Account:
    """One account at a provider. `email` is empty when none is told; it may be taken for theirs when verified only."""

    subject: str
    email: str
    is_email_verified: bool
    name: str
    groups: frozenset[str]

    @property
    def domain(self) -> str:
        """Return what stands after the @."""
        return self.email.rpartition("@")[2]


def account_of(claims: Mapping[str, Any], provider: ProviderFacts) -> Account:
    """Return the account that verified claims speak of."""
    email = claims.get("email")
    try:
        address = clean_email(email) if isinstance(email, str) else ""
    except Malformed:
        address = ""
    verified = claims.get(provider.email_verified_claim)
    return Account(
        subject=str(claims["sub"]),
        email=address,
        # Some providers say it as text or as a number; a list or an object that happens to be there says nothing.
        is_email_verified=isinstance(verified, bool | int | str) and verified in _TRUE,
        name=_name(claims, address),
        groups=_groups(claims.get(provider.group_claim)) if provider.group_claim else frozenset(),
    )


def wants_more(claims: Mapping[str, Any], provider: ProviderFacts) -> bool:
    """Return whether the ID token leaves out what the provider may tell when it is asked."""
    wanted = ["email", provider.email_verified_claim]
    if provider.role_rules:
        wanted.append(provider.group_claim)
    return any(claim not in claims for claim in wanted)


def mapped_role(rules: Sequence[tuple[str, str]], groups: frozenset[str]) -> str | None:
    """Return the role of the first rule whose group the account is in."""
    return next((role for group, role in rules if group in groups), None)


def _groups(value: Any) -> frozenset[str]:
    if isinstance(value, str):
        return frozenset((value,))
    if not isinstance(value, list):
        return frozenset()
    return frozenset(item for item in cast(list[Any], value)[:_GROUPS_MAX] if isinstance(item, str))


def _name(claims: Mapping[str, Any], email: str) -> str:
    for claim in ("name", "preferred_username"):
        value = claims.get(claim)
        if isinstance(value, str) and (name := " ".join(storable(value).split())[:200]):
            return name
    return email.partition("@")[0] or "Unnamed"
