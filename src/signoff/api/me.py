"""The caller as a person: signed-in browsers and second factor. A key is no person and has neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Path, Request, Response
from sqlalchemy.orm import Session

from signoff.api.answers import Done, answer
from signoff.api.house import house_of
from signoff.api.identity import Caller
from signoff.api.shapes import router as make_router
from signoff.people import own
from signoff.people.access import Principal, signed_in_person
from signoff.people.actions import revoke_every_session, revoke_session
from signoff.people.facts import SecondFactorFacts, SessionFacts

router = make_router("me")

SessionId = Annotated[str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$", description="A session, by its id.")]


@dataclass(frozen=True, slots=True)
class Sessions:
    """The caller's signed-in browsers, newest first; at most 100."""

    items: list[SessionFacts]


@router.get("/v1/me/sessions", response_model=Sessions)
async def my_sessions(request: Request, principal: Caller) -> Response:
    """The caller's signed-in browsers."""
    house = house_of(request)
    idle = house.settings.session_idle_seconds
    found = await house.store.read_async(own.sessions_of, _person(principal), idle_seconds=idle)
    return answer(Sessions(found))


@router.delete("/v1/me/sessions/{session}", response_model=Done)
async def end_my_session(request: Request, principal: Caller, session: SessionId) -> Response:
    """Sign one of the caller's browsers out, from its next request on."""
    await house_of(request).store.write_async(revoke_session, _person(principal), session)
    return answer(Done())


@router.delete("/v1/me/sessions", response_model=Done)
async def end_my_sessions(request: Request, principal: Caller) -> Response:
    """Sign the caller out everywhere, this session included."""

    def work(session: Session) -> None:
        revoke_every_session(session, _person(principal))

    await house_of(request).store.write_async(work)
    return answer(Done())


@router.get("/v1/me/second-factor", response_model=SecondFactorFacts)
async def my_second_factor(request: Request, principal: Caller) -> Response:
    """Whether the caller gives a second factor when signing in. It is set up and turned off on the profile page."""
    return answer(await house_of(request).store.read_async(own.second_factor_of, _person(principal)))


def _person(principal: Principal) -> Principal:
    signed_in_person(principal)
    return principal
