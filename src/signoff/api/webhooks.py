"""Webhooks: addresses that are told of events of a workspace, each message signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import Field
from sqlalchemy.orm import Session

from signoff.api.answers import Done, Listed, Made, answer, listed
from signoff.api.desk import AtDesk, AtMakingDesk, Cursor, Desk, Id, Size
from signoff.api.shapes import Body, Name
from signoff.api.shapes import router as make_router
from signoff.people.access import Principal
from signoff.record.happenings import Event
from signoff.webhooks import actions, queries
from signoff.webhooks.queries import WebhookDeliveryFacts, WebhookFacts, WebhookMessage
from signoff.webhooks.states import DeliveryState

router = make_router("webhooks")

_Url = Annotated[
    str,
    Field(min_length=1, max_length=2_000, description="Where events are posted to; it begins with https://.",
          examples=["https://ops.example.com/signoff"]),
]  # fmt: skip
_Events = Annotated[list[Event], Field(min_length=1, max_length=100, description="Which kinds of events.")]
_Agent = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
_Agents = Annotated[
    list[_Agent],
    Field(max_length=actions.AGENTS_MAX, description="Ids or slugs; none: all of them."),
]
_State = Annotated[DeliveryState | None, Query(description="Only messages in this state.")]


class NewWebhook(Body):
    """An address to tell of events."""

    name: Name
    url: _Url
    events: _Events
    agents: _Agents = Field(default_factory=list[str])


class WebhookChange(Body):
    """What is to change; the rest stays."""

    name: Name | None = None
    url: _Url | None = None
    events: _Events | None = None
    agents: _Agents | None = None


class SecretRotation(Body):
    """For how long the secret before signs as well: a day unless said, seven days at most."""

    overlap_seconds: Annotated[int, Field(ge=0, le=actions.OVERLAP_SECONDS_MAX)] = actions.OVERLAP_SECONDS


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The webhooks of a workspace, the oldest first; at most 20."""

    items: list[WebhookFacts]


@dataclass(frozen=True, slots=True)
class MadeWebhook:
    """A webhook and its signing secret, which is shown this once. Null when the request was answered before."""

    id: str
    secret: str | None


@router.get("/v1/{workspace}/webhooks", response_model=Webhooks)
async def webhooks(desk: AtDesk) -> Response:
    """The webhooks, without their secrets."""
    return answer(Webhooks(await desk.read(queries.webhooks)))


@router.post("/v1/{workspace}/webhooks", response_model=MadeWebhook, status_code=201)
async def create_webhook(desk: AtMakingDesk, body: NewWebhook) -> Response:
    """Have events told to an address. Its signing secret is shown this once."""
    fields = body.model_dump(mode="json")
    vault, allows_http = desk.house.services.vault, _allows_http(desk)

    def work(session: Session, principal: Principal) -> MadeWebhook:
        made = actions.create_webhook(session, principal, vault, **fields, allows_http=allows_http)
        return MadeWebhook(made.id, made.secret)

    return answer(await desk.make("webhook.create", fields, work, kept=_hidden), 201)


@router.get("/v1/{workspace}/webhooks/{webhook}", response_model=WebhookFacts)
async def webhook(desk: AtDesk, webhook: Id) -> Response:
    """One webhook."""
    return answer(await desk.read(queries.webhook, webhook))


@router.patch("/v1/{workspace}/webhooks/{webhook}", response_model=WebhookFacts)
async def change_webhook(desk: AtDesk, webhook: Id, body: WebhookChange) -> Response:
    """Change name, address, events or agents. It holds for what happens from now on."""
    fields = body.model_dump(mode="json", exclude_unset=True)
    await desk.write(actions.change_webhook, webhook, **fields, allows_http=_allows_http(desk))
    return answer(await desk.read(queries.webhook, webhook))


@router.delete("/v1/{workspace}/webhooks/{webhook}", response_model=Done)
async def delete_webhook(desk: AtDesk, webhook: Id) -> Response:
    """End a webhook, with the record of what it was sent."""
    await desk.write(actions.delete_webhook, webhook)
    return answer(Done())


@router.post("/v1/{workspace}/webhooks/{webhook}:rotate", response_model=MadeWebhook)
async def rotate_webhook_secret(desk: AtMakingDesk, webhook: Id, body: SecretRotation | None = None) -> Response:
    """Give a webhook a new signing secret. Until the overlap is over, every message is signed with both."""
    wish = body or SecretRotation()
    vault = desk.house.services.vault

    def work(session: Session, principal: Principal) -> MadeWebhook:
        made = actions.rotate_secret(session, principal, vault, webhook, overlap_seconds=wish.overlap_seconds)
        return MadeWebhook(made.id, made.secret)

    asked = {"webhook": webhook, **wish.model_dump(mode="json")}
    return answer(await desk.make("webhook.rotate", asked, work, kept=_hidden))


@router.post("/v1/{workspace}/webhooks/{webhook}:enable", response_model=Done)
async def enable_webhook(desk: AtDesk, webhook: Id) -> Response:
    """Tell it of what happens from now on."""
    await desk.write(actions.enable_webhook, webhook)
    return answer(Done())


@router.post("/v1/{workspace}/webhooks/{webhook}:disable", response_model=Done)
async def disable_webhook(desk: AtDesk, webhook: Id) -> Response:
    """Tell it of nothing any more; what was still to be sent is dropped."""
    await desk.write(actions.disable_webhook, webhook)
    return answer(Done())


@router.post("/v1/{workspace}/webhooks/{webhook}:test", response_model=Made, status_code=202)
async def test_webhook(desk: AtMakingDesk, webhook: Id) -> Response:
    """Send a message that tells of nothing, signed like any other; also while the webhook is off."""
    address = desk.settings.address

    def work(session: Session, principal: Principal) -> Made:
        return Made(id=actions.send_test(session, principal, webhook, address=address))

    return answer(await desk.make("webhook.test", {"webhook": webhook}, work), 202)


@router.get("/v1/{workspace}/webhooks/{webhook}/deliveries", response_model=Listed[WebhookDeliveryFacts])
async def webhook_deliveries(
    desk: AtDesk, webhook: Id, state: _State = None, cursor: Cursor = None, size: Size = None
) -> Response:
    """The messages of a webhook, newest first. They are kept for thirty days after they ended."""
    return answer(listed(await desk.read(queries.deliveries, webhook, state=state, cursor=cursor, size=size)))


@router.get("/v1/{workspace}/webhooks/{webhook}/deliveries/{delivery}", response_model=WebhookMessage)
async def webhook_delivery(desk: AtDesk, webhook: Id, delivery: Id) -> Response:
    """One message, with what was sent."""
    return answer(await desk.read(queries.delivery, webhook, delivery))


@router.post("/v1/{workspace}/webhooks/{webhook}/deliveries/{delivery}:again", response_model=Done)
async def resend_webhook_delivery(desk: AtDesk, webhook: Id, delivery: Id) -> Response:
    """Send a message that ended once more: the same bytes under the same id."""
    await desk.write(actions.send_again, webhook, delivery)
    return answer(Done())


def _allows_http(desk: Desk) -> bool:
    # Without encryption only where the operator allows addresses that are not public.
    return desk.settings.allow_loopback or bool(desk.settings.allow_private_networks)


def _hidden(made: Any) -> Any:
    """What is kept of an answer: never the secret."""
    return {**made, "secret": None}
