"""Secrets: written, replaced, deleted, never read back."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Response
from pydantic import Field, SecretStr
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AtDesk, AtMakingDesk, Cursor, Desk, Id, Size
from signoff.api.shapes import Body, IdText
from signoff.api.shapes import router as make_router
from signoff.connections import queries
from signoff.connections import secrets as actions
from signoff.connections.views import SecretRow
from signoff.people.access import Principal

router = make_router("secrets")

_Value = Annotated[SecretStr, Field(min_length=1, max_length=actions.VALUE_CHARS_MAX, description="Never shown again.")]


class NewSecret(Body):
    """A value for one connection, sent only to that connection's hosts."""

    connection_id: IdText
    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$")]
    value: _Value
    description: Annotated[str, Field(max_length=2_000)] = ""


class NewValue(Body):
    """The value that takes the old one's place."""

    value: _Value


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """The version the secret has now."""

    version: int


@router.get("/v1/{workspace}/secrets", response_model=Listed[SecretRow])
async def secrets(
    desk: AtDesk,
    environment: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{0,62}$")] = None,
    connection_id: Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$")] = None,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """The secrets, newest first: names, hosts and times."""
    page = await desk.read(
        queries.secrets_page, environment=environment, connection_id=connection_id, cursor=cursor, size=size
    )
    return answer(listed(page))


@router.post("/v1/{workspace}/secrets", response_model=Made, status_code=201)
async def create_secret(desk: AtMakingDesk, body: NewSecret) -> Response:
    """Keep a value, encrypted. Agents and configurations name it as `{{secret.NAME}}`."""
    value = body.value.get_secret_value()

    def work(session: Session, principal: Principal) -> Made:
        made = actions.create_secret(
            session,
            principal,
            desk.house.services.vault,
            connection_id=body.connection_id,
            name=body.name,
            value=value,
            description=body.description,
        )
        return Made(id=made)

    # Under the master key: what is kept of the request must not help anyone to guess the value.
    mark = hmac.new(desk.house.services.vault.keys.current.value, value.encode(), "sha256").hexdigest()
    asked = {"connection_id": body.connection_id, "name": body.name, "description": body.description, "value": mark}
    return answer(await desk.make("secret.create", asked, work), 201)


@router.put("/v1/{workspace}/secrets/{secret}", response_model=SecretVersion)
async def replace_secret(desk: AtDesk, secret: Id, body: NewValue) -> Response:
    """Put a new value in place of the old, bound to the hosts the connection has now."""
    version = await desk.write(_replace, desk, secret, body.value.get_secret_value())
    return answer(SecretVersion(version))


def _replace(session: Session, principal: Principal, desk: Desk, secret: str, value: str) -> int:
    return actions.replace_secret(session, principal, desk.house.services.vault, secret, value=value)


@router.delete("/v1/{workspace}/secrets/{secret}", response_model=Done)
async def delete_secret(desk: AtDesk, secret: Id) -> Response:
    """Forget a value for good."""
    await desk.write(actions.delete_secret, secret)
    return answer(Done())
