"""Secrets: written, replaced, restored, granted, deleted, never read back."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Query, Response
from pydantic import Field, SecretStr
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AtDesk, AtMakingDesk, Cursor, Desk, Id, Size
from signoff.api.shapes import Body, IdText
from signoff.api.shapes import router as make_router
from signoff.connections import secrets as actions
from signoff.connections.secrets import queries
from signoff.connections.states import SecretPrincipal, Sensitivity
from signoff.connections.views import SecretGrantRow, SecretRow, SecretUseRow, SecretVersionRow
from signoff.people.access import Principal

router = make_router("secrets")

_Value = Annotated[SecretStr, Field(min_length=1, max_length=actions.VALUE_CHARS_MAX, description="Never shown again.")]
_Reference = Annotated[
    str,
    Field(
        min_length=5,
        max_length=700,
        description="Where an outside store has the value: `env:SIGNOFF_VALUE_NAME`, `vault:mount/path#field` or "
        "`aws:name#field`; as the operator's settings allow.",
    ),
]
_Reason = Annotated[str, Field(max_length=500, description="Needed for a secret of high sensitivity.")]
_Environment = Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{0,62}$")]


class NewSecret(Body):
    """A value for one connection, sent only to that connection's hosts; or a reference to where it is kept."""

    connection_id: IdText
    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$")]
    value: _Value | None = None
    reference: _Reference | None = None
    description: Annotated[str, Field(max_length=2_000)] = ""
    sensitivity: Sensitivity = "standard"
    whose: Annotated[SecretPrincipal, Field(description="`personal` makes it the caller's own login.")] = "service"
    expires_at: datetime | None = None
    agents: Annotated[
        list[IdText],
        Field(default_factory=list[str], max_length=100, description="Ids of the agents that may use it."),
    ]


class NewValue(Body):
    """The value, or the reference, that takes the old one's place."""

    value: _Value | None = None
    reference: _Reference | None = None
    reason: _Reason = ""
    expires_at: Annotated[datetime | None, Field(description="When the new value runs out.")] = None


class SecretFacts(Body):
    """What may be said of a secret beside its value. What is left out is emptied or set to its default."""

    description: Annotated[str, Field(max_length=2_000)] = ""
    sensitivity: Sensitivity = "standard"
    expires_at: datetime | None = None
    reason: _Reason = ""


class Why(Body):
    """The reason of a change."""

    reason: _Reason = ""


class NewOwner(Body):
    """Whose personal login it becomes."""

    member_id: IdText
    reason: _Reason = ""


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """The version the secret has now."""

    version: int


@router.get("/v1/{workspace}/secrets", response_model=Listed[SecretRow])
async def secrets(
    desk: AtDesk,
    environment: _Environment = None,
    connection_id: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = None,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """The secrets, newest first: names, hosts and times."""
    page = await desk.read(
        queries.secrets_page, environment=environment, connection_id=connection_id, cursor=cursor, size=size
    )
    return answer(listed(page))


@router.get("/v1/{workspace}/expiring-secrets", response_model=Listed[SecretRow])
async def expiring_secrets(
    desk: AtDesk,
    environment: _Environment = None,
    within_days: Annotated[int | None, Query(ge=0, le=3_650)] = None,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """The secrets whose end is known, the nearest first; those that have run out come before all."""
    page = await desk.read(
        queries.expiring_secrets, environment=environment, within_days=within_days, cursor=cursor, size=size
    )
    return answer(listed(page))


@router.get("/v1/{workspace}/secrets/{secret}", response_model=SecretRow)
async def secret(desk: AtDesk, secret: Id) -> Response:
    """One secret, without its value."""
    return answer(await desk.read(queries.secret_row, secret))


@router.post("/v1/{workspace}/secrets", response_model=Made, status_code=201)
async def create_secret(desk: AtMakingDesk, body: NewSecret) -> Response:
    """Keep a value, encrypted. Agents and configurations name it as `{{secret.NAME}}`; `agents` may use it."""
    value = body.value.get_secret_value() if body.value is not None else None

    def work(session: Session, principal: Principal) -> Made:
        made = actions.create_secret(
            session,
            principal,
            desk.house.services.vault,
            connection_id=body.connection_id,
            name=body.name,
            value=value,
            reference=body.reference,
            description=body.description,
            sensitivity=body.sensitivity,
            whose=body.whose,
            expires_at=body.expires_at,
            agents=body.agents,
        )
        return Made(id=made)

    # Under the master key: what is kept of the request must not help anyone to guess the value.
    key = desk.house.services.vault.keys.current.value
    asked = {
        **body.model_dump(mode="json", exclude={"value"}),
        "value": hmac.new(key, (value or "").encode(), "sha256").hexdigest(),
    }
    return answer(await desk.make("secret.create", asked, work), 201)


@router.put("/v1/{workspace}/secrets/{secret}", response_model=SecretVersion)
async def replace_secret(desk: AtDesk, secret: Id, body: NewValue) -> Response:
    """Put a new value in place of the old, bound to the hosts the connection has now. The next call uses it."""
    return answer(SecretVersion(await desk.write(_replace, desk, secret, body)))


def _replace(session: Session, principal: Principal, desk: Desk, secret: str, body: NewValue) -> int:
    value = body.value.get_secret_value() if body.value is not None else None
    return actions.replace_secret(
        session,
        principal,
        desk.house.services.vault,
        secret,
        value=value,
        reference=body.reference,
        reason=body.reason,
        expires_at=body.expires_at,
    )


@router.patch("/v1/{workspace}/secrets/{secret}", response_model=SecretRow)
async def edit_secret(desk: AtDesk, secret: Id, body: SecretFacts) -> Response:
    """Say anew what it is, how sensitive, and when it runs out. The value stays."""
    await desk.write(
        actions.edit_secret,
        secret,
        description=body.description,
        sensitivity=body.sensitivity,
        expires_at=body.expires_at,
        reason=body.reason,
    )
    return answer(await desk.read(queries.secret_row, secret))


@router.delete("/v1/{workspace}/secrets/{secret}", response_model=Done)
async def delete_secret(desk: AtDesk, secret: Id, reason: Annotated[str, Query(max_length=500)] = "") -> Response:
    """Forget a secret and all its values for good."""
    await desk.write(actions.delete_secret, secret, reason=reason)
    return answer(Done())


@router.get("/v1/{workspace}/secrets/{secret}/versions", response_model=list[SecretVersionRow])
async def secret_versions(desk: AtDesk, secret: Id) -> Response:
    """The versions, the newest first: who entered each, when and why."""
    return answer(list(await desk.read(queries.versions_of, secret)))


@router.post("/v1/{workspace}/secrets/{secret}/versions/{version}/restore", response_model=SecretVersion)
async def restore_secret(desk: AtDesk, secret: Id, version: int, body: Why) -> Response:
    """Make a new version with the value of an older one, unless that was erased."""

    def work(session: Session, principal: Principal) -> int:
        vault = desk.house.services.vault
        # A number no database could hold is no version either.
        number = version if 0 < version < 2**31 else 0
        return actions.restore_secret(session, principal, vault, secret, version=number, reason=body.reason)

    return answer(SecretVersion(await desk.write(work)))


@router.get("/v1/{workspace}/secrets/{secret}/uses", response_model=list[SecretUseRow])
async def secret_uses(desk: AtDesk, secret: Id) -> Response:
    """The newest runs that read it, at most 200."""
    return answer(list(await desk.read(queries.uses_of, secret, limit=200)))


@router.get("/v1/{workspace}/secrets/{secret}/grants", response_model=list[SecretGrantRow])
async def secret_grants(desk: AtDesk, secret: Id) -> Response:
    """The agents that it was granted to."""
    return answer(list(await desk.read(queries.grants_of, secret)))


@router.put("/v1/{workspace}/secrets/{secret}/grants/{agent}", response_model=Done)
async def grant_secret(desk: AtDesk, secret: Id, agent: Id, body: Why) -> Response:
    """Let an agent use it. Its revision has to list it too."""
    await desk.write(actions.grant_secret, secret, agent, reason=body.reason)
    return answer(Done())


@router.delete("/v1/{workspace}/secrets/{secret}/grants/{agent}", response_model=Done)
async def withdraw_secret(desk: AtDesk, secret: Id, agent: Id) -> Response:
    """Take it from an agent, from its next call on."""
    await desk.write(actions.withdraw_secret, secret, agent)
    return answer(Done())


@router.post("/v1/{workspace}/secrets/{secret}/close", response_model=Done)
async def close_secret(desk: AtDesk, secret: Id, body: Why) -> Response:
    """End that every agent may use it; for a secret that a release before grants made."""
    await desk.write(actions.close_secret, secret, reason=body.reason)
    return answer(Done())


@router.post("/v1/{workspace}/secrets/{secret}/share", response_model=Done)
async def share_secret(desk: AtDesk, secret: Id, body: Why) -> Response:
    """Make a personal login the workspace's own."""
    await desk.write(actions.share_secret, secret, reason=body.reason)
    return answer(Done())


@router.post("/v1/{workspace}/secrets/{secret}/hand-over", response_model=Done)
async def hand_over_secret(desk: AtDesk, secret: Id, body: NewOwner) -> Response:
    """Make a personal login another member's."""
    await desk.write(actions.hand_over_secret, secret, body.member_id, reason=body.reason)
    return answer(Done())
