"""What each service is posted: the same facts in its own form. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from signoff.kit.text import shortened

_TITLE_CHARS = 150
_TEXT_CHARS = 2_900


@dataclass(frozen=True, slots=True)
class Notice:
    """What is told of one request, or of something that happened by itself.

    Args:
        about: the request's id; a service that knows it already adds to what it has.
        about_kind: `approval`, or `notice` for what happened by itself.
        buttons: what can be answered right there: `approve`, `deny`.
        is_over: nobody is needed any more.
    """

    about: str
    event: str
    title: str
    text: str
    link: str
    agent: str
    run: str
    buttons: tuple[str, ...] = ()
    is_over: bool = False
    about_kind: str = "approval"


def slack_body(notices: tuple[Notice, ...]) -> dict[str, Any]:
    """Return the message of an incoming webhook of Slack; its buttons come back to us, signed by Slack."""
    blocks: list[dict[str, Any]] = []
    for notice in notices[:15]:
        title = shortened(notice.title, _TITLE_CHARS) or "A request"
        blocks.append({"type": "header", "text": _plain(title)})
        blocks.append({"type": "section", "text": _plain(shortened(notice.text, _TEXT_CHARS) or "…")})
        words = {"approve": ("Approve", "primary"), "deny": ("Deny", "danger")}
        buttons: list[dict[str, Any]] = [
            {
                "type": "button", "action_id": name, "value": notice.about, "text": _plain(words[name][0]),
                "style": words[name][1],
            }
            for name in notice.buttons
        ]  # fmt: skip
        open_it = {"type": "button", "action_id": "open", "url": notice.link, "text": _plain("Open")}
        blocks.append({"type": "actions", "block_id": notice.about, "elements": [*buttons, open_it]})
    return {"text": escaped(_headline(notices)), "blocks": blocks}


def teams_body(notices: tuple[Notice, ...]) -> dict[str, Any]:
    """Return the message of a workflow of Microsoft Teams: an adaptive card without anything that reads markdown."""
    body: list[dict[str, Any]] = []
    actions: list[dict[str, Any]] = []
    for notice in notices[:15]:
        title = shortened(notice.title, _TITLE_CHARS)
        body.append(_run(title, weight="Bolder", size="Medium"))
        body.append(_run(shortened(notice.text, _TEXT_CHARS)))
        actions.append({"type": "Action.OpenUrl", "title": shortened(f"Open: {title}", 60), "url": notice.link})
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
        "body": body, "actions": actions[:5],
    }  # fmt: skip
    return {
        "type": "message",
        "attachments": [{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}],
    }


def pagerduty_body(routing_key: str, notice: Notice) -> dict[str, Any]:
    """Return one event for PagerDuty: an incident is opened, or the one about this request ends."""
    summary = f"{notice.agent}: {notice.title}" if notice.about_kind == "approval" else notice.title
    about: dict[str, Any] = {"routing_key": routing_key, "dedup_key": notice.about}
    if notice.is_over:
        return {**about, "event_action": "resolve"}
    return {
        **about,
        "event_action": "trigger",
        "payload": {
            "summary": shortened(summary, 1_000), "source": "Signoff", "severity": "warning",
            "custom_details": {"text": notice.text, "run": notice.run, "event": notice.event},
        },
        "links": [{"href": notice.link, "text": "Open it"}],
    }  # fmt: skip


def webhook_body(notices: tuple[Notice, ...]) -> dict[str, Any]:
    """Return what any other address is posted."""
    return {
        "notices": [
            {
                "event": one.event, one.about_kind: one.about, "title": one.title, "text": one.text, "link": one.link,
                "agent": one.agent, "run": one.run,
            }
            for one in notices
        ]
    }  # fmt: skip


def _headline(notices: tuple[Notice, ...]) -> str:
    return notices[0].title if len(notices) == 1 else f"{len(notices)} requests wait for an answer"


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def escaped(text: str) -> str:
    """Return a text in which nothing is a mention or a link to Slack."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _run(text: str, **looks: str) -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text or "…", **looks}]}
