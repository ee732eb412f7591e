"""Members of a workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fastapi import Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AtDesk, AtMakingDesk, Cursor, Id, Size
from signoff.api.shapes import Body, Name, RoleWord
from signoff.api.shapes import router as make_router
from signoff.kit.errors import NotNow
from signoff.kit.sealing import Sealer
from signoff.people import actions, own, queries
from signoff.people.access import Principal
from signoff.people.facts import MemberFacts
from signoff.people.sign_in_rules import other_ways

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
    """What the link is for: a first sign-in, or a forgotten password; and whether it is mailed to the member."""

    purpose: Literal["invitation", "reset"] = "invitation"
    by_mail: bool = Field(default=False, description="Mail the link to the member; then it is not in the answer.")


@dataclass(frozen=True, slots=True)
class SetupLink:
    """A one-time link, shown once: `path` on this server. Null when it is mailed, or was made by the same request."""

    path: str | None
    expires_in_seconds: int


@router.get("/v1/{workspace}/members", response_model=Listed[MemberFacts])
async def members(desk: AtDesk, cursor: Cursor = None, size: Size = None) -> Response:
    """The members, newest first."""
    return answer(listed(await desk.read(queries.members, cursor=cursor, size=size)))


@router.post("/v1/{workspace}/members", response_model=Made, status_code=201)
async def add_member(desk: AtMakingDesk, body: NewMember) -> Response:
    """Let a person in. Whose password was set elsewhere, and no address proven, is invited by mail, or refused."""
    sends_mail = desk.settings.smtp_url is not None

    def work(session: Session, principal: Principal) -> Made:
        made = actions.add_member(
            session, principal, email=body.email, name=body.name, role=body.role, sends_mail=sends_mail
        )
        return Made(id=made)

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
    if body.by_mail and desk.settings.smtp_url is None:
        raise NotNow("This installation sends no mail. Make the link without `by_mail`, and hand it over.")
    sealer = Sealer(desk.house.services.vault.keys) if body.by_mail else None

    def work(session: Session, principal: Principal) -> SetupLink:
        token = actions.create_setup_link(
            session,
            principal,
            member_id=member,
            purpose=body.purpose,
            lifetime_seconds=seconds,
            mail_with=sealer,
        )
        return SetupLink(None if body.by_mail else f"/setup/{token}", seconds)

    asked = {"member": member, **body.model_dump(mode="json")}
    return answer(await desk.make("member.link", asked, work, kept=lambda made: {**made, "path": None}), 201)


@router.delete("/v1/{workspace}/members/{member}/second-factor", response_model=Done)
async def reset_member_second_factor(desk: AtDesk, member: Id) -> Response:
    """Take a member's second factor away, because app and recovery codes are lost. Their sessions end."""
    await desk.write(actions.reset_second_factor, member)
    return answer(Done())


@dataclass(frozen=True, slots=True)
class SignInRules:
    """How members sign in, and how many of them have a second factor."""

    is_second_factor_required: bool
    is_password_allowed: bool
    other_ways: list[str]
    members: int
    with_second_factor: int


@router.get("/v1/{workspace}/sign-in-rules", response_model=SignInRules)
async def sign_in_rules(desk: AtDesk) -> Response:
    """How the workspace lets its members in. The rules are changed on the page, by somebody who keeps them."""
    return answer(await desk.read(_rules))


def _rules(session: Session, principal: Principal) -> SignInRules:
    count = own.second_factor_count(session, principal)
    here = queries.workspace(session, principal)
    ways = list(other_ways(session, principal.workspace_id))
    return SignInRules(here.is_second_factor_required, here.is_password_allowed, ways, count.members, count.with_factor)
