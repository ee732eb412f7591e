"""Members of a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fastapi import Response
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AtDesk, AtMakingDesk, Cursor, Id, Size
from signoff.api.shapes import Body, Name, RoleWord
from signoff.api.shapes import router as make_router
from signoff.people import actions, queries
from signoff.people.access import Principal
from signoff.people.facts import MemberFacts

router = make_router("members")


class NewMember(Body):
    """A person to let in. They set a password with a setup link."""

    email: Name
    name: Name
    role: RoleWord


class NewRole(Body):
    """The role a member has from now on."""

    role: RoleWord


class NewLink(Body):
    """What the link is for: a first sign-in, or a forgotten password."""

    purpose: Literal["invitation", "reset"] = "invitation"


@dataclass(frozen=True, slots=True)
class SetupLink:
    """A one-time link, shown once: `path` on this server. Null when a repeated request finds it made already."""

    path: str | None
    expires_in_seconds: int


@router.get("/v1/{workspace}/members", response_model=Listed[MemberFacts])
async def members(desk: AtDesk, cursor: Cursor = None, size: Size = None) -> Response:
    """The members, newest first."""
    return answer(listed(await desk.read(queries.members, cursor=cursor, size=size)))


@router.post("/v1/{workspace}/members", response_model=Made, status_code=201)
async def add_member(desk: AtMakingDesk, body: NewMember) -> Response:
    """Let a person in."""

    def work(session: Session, principal: Principal) -> Made:
        return Made(id=actions.add_member(session, principal, email=body.email, name=body.name, role=body.role))

    return answer(await desk.make("member.add", body.model_dump(mode="json"), work), 201)


@router.get("/v1/{workspace}/members/{member}", response_model=MemberFacts)
async def member(desk: AtDesk, member: Id) -> Response:
    """One member."""
    return answer(await desk.read(queries.member, member))


@router.patch("/v1/{workspace}/members/{member}", response_model=MemberFacts)
async def set_role(desk: AtDesk, member: Id, body: NewRole) -> Response:
    """Give a member another role. The last owner stays one."""
    await desk.write(actions.set_role, member, role=body.role)
    return answer(await desk.read(queries.member, member))


@router.delete("/v1/{workspace}/members/{member}", response_model=Done)
async def remove_member(desk: AtDesk, member: Id) -> Response:
    """Take a person out of the workspace. Their sessions here end at once."""
    await desk.write(actions.remove_member, member)
    return answer(Done())


@router.post("/v1/{workspace}/members/{member}:link", response_model=SetupLink, status_code=201)
async def link_member(desk: AtMakingDesk, member: Id, body: NewLink) -> Response:
    """Make a one-time link with which the member sets a password. Older links stop working."""
    seconds = desk.settings.setup_link_seconds

    def work(session: Session, principal: Principal) -> SetupLink:
        token = actions.create_setup_link(
            session, principal, member_id=member, purpose=body.purpose, lifetime_seconds=seconds
        )
        return SetupLink(f"/setup/{token}", seconds)

    asked = {"member": member, **body.model_dump(mode="json")}
    return answer(await desk.make("member.link", asked, work, kept=lambda made: {**made, "path": None}), 201)
