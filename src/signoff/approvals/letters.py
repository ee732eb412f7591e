"""What people are told of a request, in words. Everything in it that others wrote is data, and shown as it is."""

from __future__ import annotations

from typing import Any

from signoff.kit.text import shortened
from signoff.kit.visible import visible
from signoff.tables.approvals import Approval

_TITLE_CHARS = 140
_ARGUMENTS_MAX = 20
_ARGUMENT_CHARS = 400
_LEAD = {"reminded": "Still waiting: ", "escalated": "Nobody has answered: ", "expired": "Not answered: "}


def notice_title(row: Approval, event: str) -> str:
    """Return one line."""
    lead = _LEAD.get(event.partition(":")[0], "")
    return shortened(" ".join(visible(f"{lead}{row.title}").split()), _TITLE_CHARS)


def notice_text(row: Approval) -> str:
    """Return a few lines for a chat: who asks, why, until when. Arguments are shown where the reader is known."""
    lines = [f"{row.agent_name} asks. {row.why}"]
    if row.summary:
        lines.append(row.summary)
    if row.deadline_at is not None:
        lines.append(f"Answer until {row.deadline_at:%Y-%m-%d %H:%M} UTC.")
    return visible(shortened("\n".join(lines), 2_500))


def mail_text(row: Approval, *, name: str, link: str, decide_link: str | None) -> str:
    """Return a mail to somebody who is asked."""
    lines = [f"Hello {name},", "", notice_text(row), ""]
    arguments: list[dict[str, Any]] = row.card.get("arguments", [])
    if arguments:
        lines.append("What it would do:" if row.tool is None else f"What it would call: {visible(row.tool)}")
        shown = arguments[:_ARGUMENTS_MAX]
        lines += [f"  {one['name']}: {shortened(str(one['text']), _ARGUMENT_CHARS)}" for one in shown]
        if len(arguments) > _ARGUMENTS_MAX:
            lines.append("  … and more, on the page of the request.")
        lines.append("")
    if decide_link:
        lines += [
            "Approve or deny it here, without signing in. The link is yours alone and works once; do not pass it on:",
            decide_link, "",
        ]  # fmt: skip
    lines += ["The whole request:", link, ""]
    return "\n".join(lines)
