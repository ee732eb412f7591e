"""API keys: shown once, then only their prefix. A key belongs to a service account, or to the member who made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, answer, listed
from signoff.api.desk import AtDesk, AtMakingDesk, Cursor, Id, Size
from signoff.api.shapes import Body, Moment, Name, RoleWord, SlugText
from signoff.api.shapes import router as make_router
from signoff.people import actions, key_queries
from signoff.people.access import Principal
from signoff.people.actions.key_rotation import OVERLAP_SECONDS_MAX
from signoff.people.facts import KeyFacts
from signoff.people.roles import Action

router = make_router("keys")


class NewKey(Body):
    """What a new key may do."""

    name: Name
    preset: Literal["runner", "builder", "read-only", "deployer", "admin"] = "runner"
    role: RoleWord | None = Field(default=None, description="A role the key carries, instead of a preset.")
    scopes: list[Action] = Field(
        default_factory=list[Action], max_length=100, description="Fewer actions than the preset allows."
    )
    environment: SlugText | None = None
    expires_at: Moment | None = None
    service_account: Annotated[
        SlugText | None, Field(description="The account it belongs to. Null: it belongs to the caller.")
    ] = None


class Rotation(Body):
    """How the old secret ends, and when the key does."""

    overlap_seconds: Annotated[
        int, Field(ge=0, le=OVERLAP_SECONDS_MAX, description="How long the old secret stays good beside the new one.")
    ] = 0
    expires_at: Annotated[Moment | None, Field(description="A new end of the key. Null: as it is.")] = None


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key, shown this once. `key` is null when a repeated request finds it made already."""

    id: str
    key: str | None
    prefix: str


def _hidden(made: dict[str, Any]) -> dict[str, Any]:
    return {**made, "key": None}


@router.get("/v1/{workspace}/keys", response_model=Listed[KeyFacts])
async def keys(
    desk: AtDesk,
    service_account: Annotated[str | None, Query(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="A slug.")] = None,
    cursor: Cursor = None,
    size: Size = None,
) -> Response:
    """The keys, newest first: prefixes, never the keys themselves. Whoever manages their own only sees those."""
    found = await desk.read(key_queries.keys, service_account=service_account, cursor=cursor, size=size)
    return answer(listed(found))


@router.post("/v1/{workspace}/keys", response_model=MadeKey, status_code=201)
async def create_key(desk: AtMakingDesk, body: NewKey) -> Response:
    """Make a key. It never reaches further than the caller, nor further than whom it belongs to."""

    def work(session: Session, principal: Principal) -> MadeKey:
        made = actions.create_key(
            session,
            principal,
            name=body.name,
            preset=body.preset,
            role=body.role,
            scopes=body.scopes,
            environment=body.environment,
            expires_at=body.expires_at,
            service_account=body.service_account,
        )
        return MadeKey(made.id, made.key, made.prefix)

    return answer(await desk.make("key.create", body.model_dump(mode="json"), work, kept=_hidden), 201)


@router.post("/v1/{workspace}/keys/{key}:rotate", response_model=MadeKey)
async def rotate_key(desk: AtMakingDesk, key: Id, body: Rotation | None = None) -> Response:
    """Give a key a new secret. The old one stops working at once, or after the overlap asked for."""
    wish = body or Rotation()

    def work(session: Session, principal: Principal) -> MadeKey:
        made = actions.rotate_key(
            session, principal, key, overlap_seconds=wish.overlap_seconds, expires_at=wish.expires_at
        )
        return MadeKey(made.id, made.key, made.prefix)

    asked = {"key": key, **wish.model_dump(mode="json", exclude_defaults=True)}
    return answer(await desk.make("key.rotate", asked, work, kept=_hidden))


@router.post("/v1/{workspace}/keys/{key}:end-overlap", response_model=Done)
async def end_overlap(desk: AtDesk, key: Id) -> Response:
    """End the old secret of a rotated key now."""
    await desk.write(actions.end_overlap, key)
    return answer(Done())


@router.delete("/v1/{workspace}/keys/{key}", response_model=Done)
async def revoke_key(desk: AtDesk, key: Id) -> Response:
    """End a key, from the next request on."""
    await desk.write(actions.revoke_key, key)
    return answer(Done())
