"""Chats that answer requests: connected by an administrator, and heard only when they sign what they send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Path, Request, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Done, answer
from signoff.api.desk import AtDesk, WorkspaceSlug
from signoff.api.house import House, house_of
from signoff.api.identity import address_of
from signoff.api.shapes import Body
from signoff.api.shapes import router as make_router
from signoff.approvals.actions import chats as actions
from signoff.approvals.chat_words import Spoken, spoken_in_slack, spoken_in_teams
from signoff.approvals.chats import ChatFacts, ChatKind, chats_of, secret_of
from signoff.approvals.replies import ask_for_reply
from signoff.approvals.signatures import is_from_slack, is_from_teams, is_recent
from signoff.kit import clock
from signoff.kit.errors import NotSignedIn, Refusal, TooMuch
from signoff.kit.networks import counted_as
from signoff.kit.sealing import Sealer

router = make_router("chats")

ChatName = Annotated[ChatKind, Path(description="The chat.")]
_ANY: dict[str, Any] = {"schema": {"type": "object"}}
_FORM = {"requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": _ANY}}}
_MESSAGE = {"requestBody": {"required": True, "content": {"application/json": _ANY}}}


class ChatSecret(Body):
    """The signing secret of the Slack app, or the security token of the outgoing webhook of Teams."""

    secret: Annotated[str, Field(min_length=16, max_length=200)]


@dataclass(frozen=True, slots=True)
class Chats:
    """The chats that may answer here."""

    items: list[ChatFacts]


@dataclass(frozen=True, slots=True)
class Code:
    """Send it from the chat within ten minutes: `link CODE`. It is shown once."""

    code: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What whoever spoke reads."""

    type: str
    text: str


@router.get("/v1/{workspace}/chats", response_model=Chats)
async def chats(desk: AtDesk) -> Response:
    """The chats that may answer here, and whether the caller has an account there."""
    return answer(Chats(await desk.read(chats_of)))


@router.put("/v1/{workspace}/chats/{chat}", response_model=Done)
async def connect_chat(desk: AtDesk, chat: ChatName, body: ChatSecret) -> Response:
    """Let a chat answer requests; its secret is sealed and never shown again."""
    await desk.write(actions.connect_chat, desk.house.services.vault, chat, secret=body.secret)
    return answer(Done())


@router.delete("/v1/{workspace}/chats/{chat}", response_model=Done)
async def disconnect_chat(desk: AtDesk, chat: ChatName) -> Response:
    """Let a chat answer nothing any more."""
    await desk.write(actions.disconnect_chat, chat)
    return answer(Done())


@router.post("/v1/{workspace}/chats/{chat}/code", response_model=Code)
async def make_chat_code(desk: AtDesk, chat: ChatName) -> Response:
    """A code with which the caller shows that an account in a chat is theirs."""
    return answer(Code(await desk.write(actions.make_code, chat)))


@router.delete("/v1/{workspace}/chats/{chat}/account", response_model=Done)
async def unlink_chat_account(desk: AtDesk, chat: ChatName) -> Response:
    """Let the caller's account in a chat answer nothing any more."""
    await desk.write(actions.unlink_account, chat)
    return answer(Done())


@router.post("/v1/chats/{workspace}/slack", response_model=Reply, openapi_extra=_FORM)
async def heard_in_slack(request: Request, workspace: WorkspaceSlug) -> Response:
    """A button or a slash command of Slack, signed by Slack (`X-Slack-Signature`, at most five minutes ago)."""
    house, body = house_of(request), await request.body()
    found = await house.services.store.read_async(secret_of, house.services.vault, workspace, "slack")
    headers = request.headers
    if found is None or not is_from_slack(
        found[1], timestamp=headers.get("x-slack-request-timestamp", ""),
        signature=headers.get("x-slack-signature", ""), body=body, moment=clock.now(),
    ):  # fmt: skip
        raise await _not_signed(request)
    spoken = spoken_in_slack(body)
    if spoken is None:
        return answer(Reply("ephemeral", ""))
    text = await _act(house, found[0], "slack", spoken)
    if spoken.reply_to and spoken.verb:
        sealer = Sealer(house.services.vault.keys)
        await house.services.store.write_async(ask_for_reply, sealer, found[0], spoken.reply_to, text)
    return answer({"type": "ephemeral", "response_type": "ephemeral", "text": text})


@router.post("/v1/chats/{workspace}/teams", response_model=Reply, openapi_extra=_MESSAGE)
async def heard_in_teams(request: Request, workspace: WorkspaceSlug) -> Response:
    """A message to an outgoing webhook of Microsoft Teams, signed by Teams (`Authorization: HMAC …`)."""
    house, body = house_of(request), await request.body()
    found = await house.services.store.read_async(secret_of, house.services.vault, workspace, "teams")
    authorization = request.headers.get("authorization", "")
    if found is None or not is_from_teams(found[1], authorization=authorization, body=body):
        raise await _not_signed(request)
    said = spoken_in_teams(body)
    if said is None or not is_recent(said[1], clock.now()):
        raise await _not_signed(request)
    text = await _act(house, found[0], "teams", said[0])
    return answer({"type": "message", "textFormat": "plain", "text": text})


async def _act(house: House, workspace_id: str, kind: ChatKind, spoken: Spoken) -> str:
    def work(session: Session) -> str:
        return actions.act_on(session, workspace_id, kind, spoken)

    try:
        return await house.services.store.write_async(work)
    except Refusal as refusal:
        # Told to whoever spoke, in the chat: to the chat itself it is an answer like any other.
        return refusal.detail


async def _not_signed(request: Request) -> Exception:
    grant = await house_of(request).knocks.take(counted_as(address_of(request)))
    if not grant.is_allowed:
        return TooMuch(
            f"Too many requests. Try again in {grant.reset_seconds} seconds.",
            retry_after_seconds=grant.reset_seconds, code="too_many_requests",
        )  # fmt: skip
    return NotSignedIn("The chat is not connected, or did not sign this in the last five minutes.", code="not_signed")
