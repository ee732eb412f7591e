"""Single sign-on: the identity providers of a workspace, whom they know, and whether passwords still open it."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Response
from pydantic import Field, SecretStr
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, Made, answer
from signoff.api.desk import AtDesk, AtMakingDesk, Desk, Id
from signoff.api.shapes import Body, Name, RoleWord
from signoff.api.shapes import router as make_router
from signoff.connectors.oidc.refused import OidcRefused
from signoff.people.access import Principal
from signoff.people.actions import identities as linking
from signoff.people.actions import providers as actions
from signoff.people.actions.sso_only import set_sso_only as close_to_passwords
from signoff.people.provider_input import (
    CLIENT_ID_CHARS_MAX,
    DOMAINS_MAX,
    ISSUER_CHARS_MAX,
    RULES_MAX,
    SCOPES_MAX,
    SECRET_CHARS_MAX,
    ProviderInput,
)
from signoff.people.providers import IdentityFacts, ProviderFacts, identities, provider, providers

router = make_router("single sign-on")
_facts = provider

_Claim = Annotated[str, Field(max_length=200)]
_Secret = Annotated[SecretStr, Field(max_length=SECRET_CHARS_MAX, description="Never shown again.")]


class RoleRule(Body):
    """Whoever is in the group has the role."""

    group: Annotated[str, Field(min_length=1, max_length=200)]
    role: RoleWord


class _Provider(Body):
    name: Name
    issuer: Annotated[str, Field(max_length=ISSUER_CHARS_MAX, description="To the letter, what it calls itself.")]
    client_id: Annotated[str, Field(max_length=CLIENT_ID_CHARS_MAX)]
    scopes: Annotated[list[_Claim], Field(max_length=SCOPES_MAX)] = Field(
        default_factory=lambda: ["openid", "email", "profile"]
    )
    email_verified_claim: _Claim = "email_verified"
    group_claim: _Claim = ""
    role_rules: Annotated[list[RoleRule], Field(max_length=RULES_MAX)] = Field(
        default_factory=list[RoleRule], description="In order: the first group an account is in decides."
    )
    default_role: RoleWord | None = Field(default=None, description="For whoever is in no group; null refuses them.")
    makes_members: bool = Field(default=False, description="People of `domains` become members by themselves.")
    domains: Annotated[list[_Claim], Field(max_length=DOMAINS_MAX)] = Field(default_factory=list[str])

    def entered(self, secret: SecretStr | None) -> ProviderInput:
        """Return it as the room takes it."""
        return ProviderInput(
            name=self.name,
            issuer=self.issuer,
            client_id=self.client_id,
            client_secret=secret.get_secret_value() if secret else "",
            scopes=self.scopes,
            email_verified_claim=self.email_verified_claim,
            group_claim=self.group_claim,
            role_rules=[(rule.group, rule.role) for rule in self.role_rules],
            default_role=self.default_role,
            makes_members=self.makes_members,
            domains=self.domains,
        )


class NewProvider(_Provider):
    """A provider to add; it is switched off until it is enabled."""

    client_secret: _Secret


class ProviderChange(_Provider):
    """A provider as it should be, whole. Another issuer wants the client secret again."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1, description="Of what was looked at.")]
    client_secret: _Secret | None = None


class Passwords(Body):
    """Whether members come in through single sign-on only."""

    is_sso_only: bool


@dataclass(frozen=True, slots=True)
class Found:
    """What a provider says of itself, asked just now; `problem` says in words what is wrong when it is not `ok`."""

    ok: bool
    problem: str = ""
    issuer: str = ""
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    algorithms: tuple[str, ...] = ()
    keys: int = 0


@router.get("/v1/{workspace}/identity-providers", response_model=Listed[ProviderFacts])
async def identity_providers(desk: AtDesk) -> Response:
    """The identity providers, all on one page: a workspace has few. Secrets are never shown."""
    return answer({"items": await desk.read(providers), "next_cursor": None})


@router.post("/v1/{workspace}/identity-providers", response_model=Made, status_code=201)
async def add_identity_provider(desk: AtMakingDesk, body: NewProvider) -> Response:
    """Add a provider. Its id is part of the redirect address: `/sign-in/sso/{id}/callback`."""
    house = desk.house

    def work(session: Session, principal: Principal) -> Made:
        entered = body.entered(body.client_secret)
        guard = house.single_sign_on.guard
        return Made(id=actions.add_provider(session, principal, house.single_sign_on.sealer, guard, entered))

    # Under the master key: what is kept of the request must not help anyone to guess the secret.
    secret = body.client_secret.get_secret_value().encode()
    mark = hmac.new(house.single_sign_on.sealer.keys.current.value, secret, "sha256").hexdigest()
    asked = {**body.model_dump(mode="json", exclude={"client_secret"}), "client_secret": mark}
    return answer(await desk.make("identity_provider.add", asked, work), 201)


@router.get("/v1/{workspace}/identity-providers/{provider}", response_model=ProviderFacts)
async def identity_provider(desk: AtDesk, provider: Id) -> Response:
    """One identity provider."""
    return await _one(desk, provider)


async def _one(desk: Desk, provider_id: str) -> Response:
    return answer(await desk.read(provider, provider_id))


@router.put("/v1/{workspace}/identity-providers/{provider}", response_model=ProviderFacts)
async def change_identity_provider(desk: AtDesk, provider: Id, body: ProviderChange) -> Response:
    """Change a provider. A change by somebody who is no owner takes an owner's confirmation away."""
    await desk.write(_change, desk, provider, body)
    return await _one(desk, provider)


def _change(session: Session, principal: Principal, desk: Desk, provider_id: str, body: ProviderChange) -> None:
    house, entered = desk.house, body.entered(body.client_secret)
    sealer, guard = house.single_sign_on.sealer, house.single_sign_on.guard
    actions.change_provider(session, principal, sealer, guard, provider_id, entered, version=body.version)


@router.post("/v1/{workspace}/identity-providers/{provider}:enable", response_model=ProviderFacts)
async def enable_identity_provider(desk: AtDesk, provider: Id) -> Response:
    """Offer it on the sign-in page."""
    await desk.write(actions.switch_provider, provider, is_enabled=True)
    return await _one(desk, provider)


@router.post("/v1/{workspace}/identity-providers/{provider}:disable", response_model=ProviderFacts)
async def disable_identity_provider(desk: AtDesk, provider: Id) -> Response:
    """Let nobody in through it; every session it opened ends."""
    await desk.write(actions.switch_provider, provider, is_enabled=False)
    return await _one(desk, provider)


@router.post("/v1/{workspace}/identity-providers/{provider}:test", response_model=Found)
async def test_identity_provider(desk: AtDesk, provider: Id) -> Response:
    """Ask the provider what it is, now. That it cannot be used is an answer, too."""
    await desk.read(_facts, provider)  # Behind the wall; asking the provider itself is done outside of it.
    try:
        found = await desk.house.single_sign_on.inspect(desk.principal, provider)
    except OidcRefused as refused:
        return answer(Found(ok=False, problem=refused.about))
    said = found.metadata
    return answer(
        Found(
            True,
            issuer=said.issuer,
            authorization_endpoint=said.authorization_endpoint,
            token_endpoint=said.token_endpoint,
            algorithms=said.algorithms,
            keys=len(found.keys),
        )
    )


@router.delete("/v1/{workspace}/identity-providers/{provider}", response_model=Done)
async def remove_identity_provider(desk: AtDesk, provider: Id) -> Response:
    """Forget a provider and whom it knows; members stay members."""
    await desk.write(actions.remove_provider, provider)
    return answer(Done())


@router.get("/v1/{workspace}/identity-providers/{provider}/identities", response_model=Listed[IdentityFacts])
async def identities_of(desk: AtDesk, provider: Id) -> Response:
    """The accounts that signed in through it, the last to come first; at most 200."""
    return answer({"items": await desk.read(identities, provider), "next_cursor": None})


@router.delete("/v1/{workspace}/identities/{identity}", response_model=Done)
async def unlink_identity(desk: AtDesk, identity: Id) -> Response:
    """Forget which member an account is; its sessions end."""
    await desk.write(linking.unlink_identity, identity)
    return answer(Done())


@router.put("/v1/{workspace}/sso-only", response_model=Done)
async def set_sso_only(desk: AtDesk, body: Passwords) -> Response:
    """Close the workspace to passwords, an owner's excepted, or open it again."""
    await desk.write(close_to_passwords, is_on=body.is_sso_only)
    return answer(Done())
