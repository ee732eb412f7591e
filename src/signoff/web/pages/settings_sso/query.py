"""What the pages of single sign-on show."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from signoff.kit import ids
from signoff.people.access import Principal, authorize, can
from signoff.people.custom_roles import role_names
from signoff.people.provider_input import ProviderInput
from signoff.people.providers import (
    IdentityFacts,
    ProviderFacts,
    identities,
    is_sso_only,
    provider,
    providers,
)
from signoff.people.roles import ROLES
from signoff.people.single_sign_on import Findings
from signoff.web.forms import Form
from signoff.web.permission_words import ROLE_WORDS

Finding = tuple[str, str, str, None]
# A choice of the form needs a word: browsers take an empty one for none.
REFUSE = "refuse"
_IDENTITIES_MAX = 200


@dataclass(frozen=True, slots=True)
class ListView:
    """Every provider, and the switch for passwords."""

    rows: tuple[ProviderFacts, ...]
    is_sso_only: bool
    may_close: bool
    problem: str


def load(session: Session, viewer: Principal, *, problem: str = "") -> ListView:
    """Return the list.

    Raises:
        NotAllowed: the viewer may not set single sign-on up.
    """
    found, may_close = tuple(providers(session, viewer)), can(viewer, "workspace.manage")
    return ListView(found, is_sso_only(session, viewer), may_close, problem)


def host_of(issuer: str) -> str:
    """Return where an issuer is, for a list."""
    return urlsplit(issuer).netloc or issuer


@dataclass(frozen=True, slots=True)
class FormView:
    """The form of a provider, new or not, as it was filled in."""

    id: str
    form: Form
    address: str
    """Where this server is reached; no slash at the end."""
    problem: str
    errors: Mapping[str, Sequence[str]]
    default_roles: tuple[tuple[str, str], ...]

    @property
    def redirect_uri(self) -> str:
        """Return what has to be entered at the provider."""
        return f"{self.address}/sign-in/sso/{self.id}/callback"

    @property
    def start_uri(self) -> str:
        """Return where a sign-in begins, for a tile in the provider's list of applications."""
        return f"{self.address}/sign-in/sso/{self.id}/start"


def load_new(
    session: Session,
    viewer: Principal,
    *,
    address: str,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> FormView:
    """Return an empty form, or the one that was refused. Its id is known beforehand: the redirect address holds it."""
    authorize(viewer, "identity.manage")
    entered = form or Form({"scopes": ("openid email profile",)})
    return FormView(
        entered.text("id") or ids.new_id("idp"),
        entered,
        address,
        problem,
        errors or {},
        _default_roles(session, viewer),
    )


@dataclass(frozen=True, slots=True)
class ProviderView:
    """One provider: its form, what it said when it was tested, whom it knows."""

    provider: ProviderFacts
    form: FormView
    people: tuple[IdentityFacts, ...]
    findings: tuple[Finding, ...]
    is_owner: bool
    problem: str

    @property
    def owners_locked_out(self) -> bool:
        """Return whether owners cannot come in through it, until one confirms it."""
        return not self.provider.is_vouched


def load_one(
    session: Session,
    viewer: Principal,
    provider_id: str,
    *,
    address: str,
    form: Form | None = None,
    findings: Sequence[Finding] = (),
    problem: str = "",
    form_problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> ProviderView:
    """Return one provider; `form` is what was entered and refused."""
    found = provider(session, viewer, provider_id)
    entered = form or _form_of(found)
    return ProviderView(
        provider=found,
        form=FormView(found.id, entered, address, form_problem, errors or {}, _default_roles(session, viewer)),
        people=tuple(identities(session, viewer, provider_id, size=_IDENTITIES_MAX)),
        findings=tuple(findings),
        is_owner=can(viewer, "owner.manage"),
        problem=problem,
    )


def _default_roles(session: Session, viewer: Principal) -> tuple[tuple[str, str], ...]:
    own = sorted(role_names(session, viewer).items(), key=lambda pair: pair[1])
    built_in = [(role, ROLE_WORDS[role][0]) for role in ROLES if role != "owner"]
    return ((REFUSE, "None: refuse them"), *built_in, *own)


def _form_of(found: ProviderFacts) -> Form:
    return Form(
        {
            "name": (found.name,),
            "issuer": (found.issuer,),
            "client_id": (found.client_id,),
            "scopes": (" ".join(found.scopes),),
            "email_verified_claim": (found.email_verified_claim,),
            "group_claim": (found.group_claim,),
            "role_rules": ("\n".join(f"{rule.group} = {rule.role}" for rule in found.role_rules),),
            "default_role": (found.default_role or REFUSE,),
            "makes_members": ("yes",) if found.makes_members else (),
            "domains": (" ".join(found.domains),),
            "version": (str(found.version),),
        }
    )


def input_of(form: Form) -> ProviderInput:
    """Return what a form says; it is checked by the action."""
    role = form.text("default_role")
    return ProviderInput(
        name=form.text("name"),
        issuer=form.text("issuer"),
        client_id=form.text("client_id"),
        client_secret=form.text("client_secret"),
        scopes=form.text("scopes").split(),
        email_verified_claim=form.text("email_verified_claim"),
        group_claim=form.text("group_claim"),
        role_rules=_rules(form.text("role_rules")),
        default_role=None if role in ("", REFUSE) else role,
        makes_members=form.is_on("makes_members"),
        domains=re.split(r"[\s,;]+", form.text("domains").strip()),
    )


def _rules(text: str) -> list[tuple[str, str]]:
    """Read `group = role`, one a line; a group may hold an equals sign itself."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    parts = [line.rpartition("=") for line in lines]
    return [(group.strip(), role.strip().lower()) for group, _, role in parts]


def findings_of(found: Findings) -> list[Finding]:
    """Return what a test of a provider found, the good and the doubtful."""
    said, keys = found.metadata, found.keys
    signs = sorted({name for key in keys for name in key.algorithms} & set(said.algorithms or ("RS256",)))
    methods = [name for name in said.token_auth_methods if name.startswith("client_secret_")]
    lines: list[Finding] = [
        ("ok", "It answers, and is the issuer you entered", f"Sign-in at {said.authorization_endpoint}", None),
        _line(
            bool(signs),
            f"{len(keys)} {'key' if len(keys) == 1 else 'keys'} to sign with, for {', '.join(signs)}",
            "None of its keys fits an algorithm it says it signs with",
        ),
        _line(
            "S256" in said.challenge_methods,
            "It takes PKCE with S256",
            "It does not say that it takes PKCE. It is sent all the same",
            bad="wait",
        ),
        _line(
            bool(methods) or not said.token_auth_methods,
            "It takes the client secret",
            "It takes no client secret: register this application as a confidential one",
        ),
        _line(
            "email" in said.scopes or not said.scopes,
            "It can tell e-mail addresses",
            "It does not list the scope email, without which nobody can be recognised the first time",
            bad="wait",
        ),
        _line(
            said.names_itself,
            "It names itself in every answer (RFC 9207)",
            "It does not name itself in its answers (RFC 9207); the redirect address tells it apart",
            bad="note",
        ),
        _line(
            bool(said.end_session_endpoint),
            "It offers to sign out there too",
            "It does not offer to sign out there too",
            bad="note",
        ),
    ]
    return lines


def _line(is_good: bool, good: str, otherwise: str, *, bad: str = "bad") -> Finding:
    return ("ok", good, "", None) if is_good else (bad, otherwise, "", None)
