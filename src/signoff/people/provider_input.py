"""What a person enters about an identity provider, checked whole: every wrong field is named at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from signoff.connectors import net
from signoff.connectors.oidc.metadata import WELL_KNOWN, checked_address
from signoff.kit.errors import ConnectorError, Malformed
from signoff.kit.text import is_slug, storable
from signoff.people.emails import clean_name
from signoff.people.roles import ROLES

ISSUER_CHARS_MAX = 500
CLIENT_ID_CHARS_MAX = 300
SECRET_CHARS_MAX = 4_096
RULES_MAX, DOMAINS_MAX, SCOPES_MAX = 50, 50, 20
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,100}")
_CLAIM = re.compile(r"[\x21-\x7e]{1,200}")
_VISIBLE = re.compile(r"[\x20-\x7e]+")
_DOMAIN = re.compile(r"(?=.{4,190}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")


@dataclass(frozen=True, slots=True)
class ProviderInput:
    """A provider as it is entered.

    Args:
        client_secret: empty keeps the one that is stored.
        email_verified_claim: the claim that says the e-mail address is verified.
        role_rules: `(group, role)` in order; the first group an account is in decides.
        default_role: for whoever is in no listed group; None refuses them.
        makes_members: people of `domains` who are no members yet become members.
    """

    name: str
    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)
    scopes: Sequence[str] = ("openid", "email", "profile")
    email_verified_claim: str = "email_verified"
    group_claim: str = ""
    role_rules: Sequence[tuple[str, str]] = ()
    default_role: str | None = None
    makes_members: bool = False
    domains: Sequence[str] = ()

    @property
    def makes_owners(self) -> bool:
        """Return whether a group gives the role owner."""
        return any(role == "owner" for _, role in self.role_rules)


def checked(entered: ProviderInput, guard: net.Guard, *, is_new: bool) -> ProviderInput:
    """Return the input in the form that is stored.

    Raises:
        Malformed: `errors` names every field that is wrong.
    """
    clean = ProviderInput(
        name=" ".join(storable(entered.name).split()),
        issuer=entered.issuer.strip(),
        client_id=entered.client_id.strip(),
        client_secret=entered.client_secret.strip(),
        scopes=tuple(dict.fromkeys(scope for scope in entered.scopes if scope)),
        email_verified_claim=entered.email_verified_claim.strip() or "email_verified",
        group_claim=entered.group_claim.strip(),
        role_rules=tuple((storable(group).strip(), role.strip()) for group, role in entered.role_rules),
        default_role=entered.default_role or None,
        makes_members=entered.makes_members,
        domains=tuple(
            dict.fromkeys(domain.strip().lower().lstrip("@") for domain in entered.domains if domain.strip())
        ),
    )
    errors: dict[str, list[str]] = {}
    _check_client(clean, guard, errors, is_new=is_new)
    _check_claims(clean, errors)
    _check_members(clean, errors)
    if errors:
        raise Malformed("Some of what was entered cannot be used; the fields say why.", errors=errors)
    return clean


def _check_client(clean: ProviderInput, guard: net.Guard, errors: dict[str, list[str]], *, is_new: bool) -> None:
    try:
        clean_name(clean.name)
    except Malformed as refusal:
        errors["name"] = [refusal.detail]
    try:
        parts = urlsplit(clean.issuer)
        if len(clean.issuer) > ISSUER_CHARS_MAX or parts.query or parts.fragment or clean.issuer.endswith(WELL_KNOWN):
            raise ConnectorError(f"Enter what stands before {WELL_KNOWN}, without a query.")
        checked_address(clean.issuer, guard)
    except (ConnectorError, ValueError) as error:
        sentence = error.detail if isinstance(error, ConnectorError) else "That is no address."
        errors["issuer"] = [sentence]
    if not _VISIBLE.fullmatch(clean.client_id) or len(clean.client_id) > CLIENT_ID_CHARS_MAX:
        errors["client_id"] = [f"The client id the provider gave you, at most {CLIENT_ID_CHARS_MAX} characters."]
    secret = clean.client_secret
    if (is_new and not secret) or len(secret) > SECRET_CHARS_MAX or (secret and not _VISIBLE.fullmatch(secret)):
        errors["client_secret"] = [f"The client secret the provider gave you, at most {SECRET_CHARS_MAX} characters."]


def _check_claims(clean: ProviderInput, errors: dict[str, list[str]]) -> None:
    if "openid" not in clean.scopes or not all(_SCOPE.fullmatch(scope) for scope in clean.scopes):
        errors["scopes"] = ["Words with a blank between them; openid must be one of them."]
    elif len(clean.scopes) > SCOPES_MAX:
        errors["scopes"] = [f"At most {SCOPES_MAX} scopes."]
    if not _CLAIM.fullmatch(clean.email_verified_claim):
        errors["email_verified_claim"] = ["The name of a claim, such as email_verified."]
    if clean.group_claim and not _CLAIM.fullmatch(clean.group_claim):
        errors["group_claim"] = ["The name of a claim, such as groups."]
    if clean.role_rules and not clean.group_claim:
        errors["group_claim"] = ["Name the claim that lists a person's groups, or leave the groups out."]


def _check_members(clean: ProviderInput, errors: dict[str, list[str]]) -> None:
    if len(clean.role_rules) > RULES_MAX:
        errors["role_rules"] = [f"At most {RULES_MAX} groups."]
    for group, role in clean.role_rules:
        if not group:
            errors["role_rules"] = [f"“{role[:40]}” has no group. Write one a line, as group = role."]
        elif not is_slug(role):
            errors["role_rules"] = [f"“{role[:40]}” is not a role: {', '.join(ROLES)}, or one of this workspace."]
        elif len(group) > 200:
            errors["role_rules"] = ["A group's name has at most 200 characters."]
    if clean.default_role is not None and (not is_slug(clean.default_role) or clean.default_role == "owner"):
        errors["default_role"] = ["A role other than owner, or to refuse them."]
    wrong = [domain for domain in clean.domains if not _DOMAIN.fullmatch(domain)]
    if wrong or len(clean.domains) > DOMAINS_MAX:
        errors["domains"] = [
            f"“{wrong[0][:60]}” is not a domain such as example.com." if wrong else f"At most {DOMAINS_MAX} domains."
        ]
    if clean.makes_members and not clean.domains:
        errors["domains"] = ["Name the domains whose people may join by themselves."]
    if clean.makes_members and not clean.role_rules and clean.default_role is None:
        errors["default_role"] = ["Choose which role new members get."]
