"""API keys: shown once, then only their prefix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from fastapi import Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, answer, listed
from signoff.api.desk import AtDesk, AtMakingDesk, Cursor, Id, Size
from signoff.api.shapes import Body, Moment, Name, RoleWord, SlugText
from signoff.api.shapes import router as make_router
from signoff.people import actions, queries
from signoff.people.access import Principal
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


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key, shown this once. `key` is null when a repeated request finds it made already."""

    id: str
    key: str | None
    prefix: str


def _hidden(made: dict[str, Any]) -> dict[str, Any]:
    return {**made, "key": None}


@router.get("/v1/{workspace}/keys", response_model=Listed[KeyFacts])
async def keys(desk: AtDesk, cursor: Cursor = None, size: Size = None) -> Response:
    """The keys, newest first: prefixes, never the keys themselves."""
    return answer(listed(await desk.read(queries.keys, cursor=cursor, size=size)))


@router.post("/v1/{workspace}/keys", response_model=MadeKey, status_code=201)
async def create_key(desk: AtMakingDesk, body: NewKey) -> Response:
    """Make a key. It never reaches further than the caller."""

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
        )
        return MadeKey(made.id, made.key, made.prefix)

    return answer(await desk.make("key.create", body.model_dump(mode="json"), work, kept=_hidden), 201)


@router.post("/v1/{workspace}/keys/{key}:rotate", response_model=MadeKey)
async def rotate_key(desk: AtMakingDesk, key: Id) -> Response:
    """Give a key a new secret. The old one stops working at once."""

    def work(session: Session, principal: Principal) -> MadeKey:
        made = actions.rotate_key(session, principal, key)
        return MadeKey(made.id, made.key, made.prefix)

    return answer(await desk.make("key.rotate", {"key": key}, work, kept=_hidden))


@router.delete("/v1/{workspace}/keys/{key}", response_model=Done)
async def revoke_key(desk: AtDesk, key: Id) -> Response:
    """End a key, from the next request on."""
    await desk.write(actions.revoke_key, key)
    return answer(Done())
