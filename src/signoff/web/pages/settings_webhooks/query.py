"""What the pages of webhooks show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from signoff.kit.text import shortened
from signoff.people.access import Principal, authorize
from signoff.record.happenings import EVENT_WORDS, Event
from signoff.web.forms import Form
from signoff.webhooks.actions import MadeWebhook
from signoff.webhooks.queries import WebhookDeliveryFacts, WebhookFacts, deliveries, webhook, webhooks

BASE = "/settings/webhooks"
SHOWN_MAX = 30
_ANSWER_CHARS = 60
_AREAS = {"run": "Runs", "approval": "Requests", "release": "Releases", "alert": "Alerts"}
# A look of `web/looks.py`, and the word for it.
_STATES = {
    "pending": ("queued", "To be sent"), "sending": ("running", "Being sent"), "delivered": ("completed", "Delivered"),
    "failed": ("failed", "Failed"), "dropped": ("cancelled", "Dropped"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """A secret that was just made, shown once."""

    name: str
    secret: str
    is_rotated: bool


@dataclass(frozen=True, slots=True)
class WebhooksView:
    """The list."""

    rows: Sequence[WebhookFacts]


@dataclass(frozen=True, slots=True)
class FormView:
    """The form of a webhook, as it was filled in."""

    form: Form
    problem: str
    errors: Mapping[str, Sequence[str]]

    @property
    def areas(self) -> list[tuple[str, list[tuple[Event, str]]]]:
        """Return the events to choose from, by what they are about."""
        return [
            (title, [(event, words) for event, words in EVENT_WORDS.items() if event.startswith(f"{area}.")])
            for area, title in _AREAS.items()
        ]


@dataclass(frozen=True, slots=True)
class Line:
    """One message of the list."""

    delivery: WebhookDeliveryFacts

    @property
    def look(self) -> tuple[str, str]:
        """Return the state to draw, and its word."""
        return _STATES[self.delivery.state]

    @property
    def answered(self) -> str:
        """Return what the last attempt came to, as it was kept."""
        if self.delivery.status is not None:
            return f"{self.delivery.status} {self.delivery.answer or ''}".strip()
        return self.delivery.last_error or ""

    @property
    def answered_short(self) -> str:
        """Return how that begins, for a row."""
        return shortened(" ".join(self.answered.split()), _ANSWER_CHARS)


@dataclass(frozen=True, slots=True)
class WebhookView(FormView):
    """One webhook, its newest messages, and the form that changes it."""

    hook: WebhookFacts
    lines: Sequence[Line]
    older: str | None
    is_later_page: bool
    shown: Shown | None


def load(session: Session, viewer: Principal) -> WebhooksView:
    """Return the list.

    Raises:
        NotAllowed: the viewer may not manage webhooks.
    """
    return WebhooksView(webhooks(session, viewer))


def load_new(
    session: Session,
    viewer: Principal,
    *,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
) -> FormView:
    """Return the form.

    Raises:
        NotAllowed: the viewer may not manage webhooks.
    """
    authorize(viewer, "webhook.manage")
    return FormView(form or Form({"events": ("run.failed", "alert.raised")}), problem, errors or {})


def load_one(
    session: Session,
    viewer: Principal,
    webhook_id: str,
    *,
    cursor: str | None = None,
    form: Form | None = None,
    problem: str = "",
    errors: Mapping[str, Sequence[str]] | None = None,
    made: MadeWebhook | None = None,
    is_rotated: bool = False,
) -> WebhookView:
    """Return one webhook.

    Raises:
        NotAllowed, NotFound: the viewer may not manage webhooks, or there is none of that id.
    """
    hook = webhook(session, viewer, webhook_id)
    page = deliveries(session, viewer, webhook_id, cursor=cursor, size=SHOWN_MAX)
    return WebhookView(
        form=form or _as_form(hook),
        problem=problem,
        errors=errors or {},
        hook=hook,
        lines=[Line(one) for one in page.rows],
        older=f"{BASE}/{hook.id}?cursor={page.next_cursor}" if page.next_cursor else None,
        is_later_page=cursor is not None,
        shown=Shown(hook.name, made.secret, is_rotated) if made is not None else None,
    )


def _as_form(hook: WebhookFacts) -> Form:
    return Form(
        {
            "name": (hook.name,), "url": (hook.url,), "events": tuple(hook.events),
            "agents": (" ".join(hook.agents),),
        }
    )  # fmt: skip
