"""Service accounts: whom automation's keys belong to, so that a person who leaves breaks nothing."""

from __future__ import annotations

from typing import Annotated

from fastapi import Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AtDesk, AtMakingDesk, Cursor, Id, Size
from signoff.api.shapes import Body, IdText, Name, SlugText
from signoff.api.shapes import router as make_router
from signoff.people import account_queries, actions
from signoff.people.access import Principal
from signoff.people.actions.service_accounts import DESCRIPTION_CHARS_MAX
from signoff.people.facts import ServiceAccountFacts
from signoff.people.roles import Role

router = make_router("service accounts")

_Description = Annotated[str, Field(max_length=DESCRIPTION_CHARS_MAX, description="What runs under it, and where.")]
_Contact = Annotated[IdText, Field(description="The member to ask about it. It gives them no right.")]


class NewServiceAccount(Body):
    """An account to make. Its role bounds every key of it; it never is `owner`."""

    slug: SlugText
    name: Name
    role: Role
    description: _Description = ""
    environment: Annotated[SlugText | None, Field(description="Binds it to one environment, for good.")] = None
    contact_id: _Contact | None = None


class ServiceAccountChange(Body):
    """What is to change; the rest stays."""

    name: Name | None = None
    description: _Description | None = None
    role: Role | None = None
    contact_id: Annotated[str | None, Field(max_length=64, description="A member; empty text takes it away.")] = None


@router.get("/v1/{workspace}/service-accounts", response_model=Listed[ServiceAccountFacts])
async def service_accounts(desk: AtDesk, cursor: Cursor = None, size: Size = None) -> Response:
    """The service accounts, newest first, with how many living keys each has."""
    return answer(listed(await desk.read(account_queries.service_accounts, cursor=cursor, size=size)))


@router.post("/v1/{workspace}/service-accounts", response_model=Made, status_code=201)
async def create_service_account(desk: AtMakingDesk, body: NewServiceAccount) -> Response:
    """Make an account. Its role never reaches further than the caller's."""
    fields = body.model_dump(mode="json")

    def work(session: Session, principal: Principal) -> Made:
        return Made(id=actions.create_service_account(session, principal, **fields))

    return answer(await desk.make("service_account.create", fields, work), 201)


@router.get("/v1/{workspace}/service-accounts/{account}", response_model=ServiceAccountFacts)
async def service_account(desk: AtDesk, account: Id) -> Response:
    """One account, by id or slug."""
    return answer(await desk.read(account_queries.service_account, account))


@router.patch("/v1/{workspace}/service-accounts/{account}", response_model=ServiceAccountFacts)
async def change_service_account(desk: AtDesk, account: Id, body: ServiceAccountChange) -> Response:
    """Change name, description, role or contact. A narrower role holds for its keys from the next request on."""
    await desk.write(actions.change_service_account, account, **body.model_dump(exclude_unset=True))
    return answer(await desk.read(account_queries.service_account, account))


@router.post("/v1/{workspace}/service-accounts/{account}:disable", response_model=Done)
async def disable_service_account(desk: AtDesk, account: Id) -> Response:
    """Stop every key of the account with the next request."""
    await desk.write(actions.disable_service_account, account)
    return answer(Done())


@router.post("/v1/{workspace}/service-accounts/{account}:enable", response_model=Done)
async def enable_service_account(desk: AtDesk, account: Id) -> Response:
    """Let the account's keys work again."""
    await desk.write(actions.enable_service_account, account)
    return answer(Done())


@router.delete("/v1/{workspace}/service-accounts/{account}", response_model=Done)
async def delete_service_account(desk: AtDesk, account: Id) -> Response:
    """Delete an account that has no living key; what it did stays in the record."""
    await desk.write(actions.delete_service_account, account)
    return answer(Done())
