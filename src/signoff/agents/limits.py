"""What may be written about an agent, and how much of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from signoff.agents.body import Body, plain_sop
from signoff.kit.canonical import canonical_json
from signoff.kit.errors import Malformed
from signoff.kit.stored_json import stored_json
from signoff.kit.text import storable

NAME_MAX = 120
DESCRIPTION_MAX = 2_000
TAGS_MAX = 20
TAG_MAX = 40
REASON_MAX = 500
REVISION_NAME_MAX = 80
DRAFT_CHARS_MAX = 1_000_000


def checked_name(text: str) -> str:
    """Return an agent's name as it is stored."""
    return _sized(text, "name", 1, NAME_MAX)


def checked_description(text: str) -> str:
    """Return an agent's description as it is stored."""
    return _sized(text, "description", 0, DESCRIPTION_MAX)


def checked_reason(text: str) -> str:
    """Return the reason of a freeze or a switch as it is stored: there always is one."""
    return _sized(text, "reason", 1, REASON_MAX)


def checked_revision_name(text: str) -> str:
    """Return the optional name of a revision as it is stored."""
    return _sized(text, "name", 0, REVISION_NAME_MAX)


def checked_tags(tags: Iterable[str]) -> list[str]:
    """Return tags without doubles, in the order given."""
    found = list(dict.fromkeys(_sized(tag, "tags", 1, TAG_MAX) for tag in tags))
    if len(found) > TAGS_MAX:
        raise Malformed(f"An agent has at most {TAGS_MAX} tags.", errors={"tags": [f"at most {TAGS_MAX}"]})
    return found


def _sized(text: str, field: str, least: int, most: int) -> str:
    clean = storable(text).strip()
    if not least <= len(clean) <= most:
        rule = f"at most {most} characters" if not least else f"between {least} and {most} characters"
        raise Malformed(f"The {field} has {len(clean)} characters; it takes {rule}.", errors={field: [rule]})
    return clean


def plain_draft(body: Mapping[str, Any] | Body) -> dict[str, Any]:
    """Return a draft's body as it is stored. It may be wrong or incomplete, but it is bounded and is JSON.

    Raises:
        Malformed: too large, too deep, or not JSON.
    """
    if isinstance(body, Body):
        return body.plain()
    plain: dict[str, Any] = stored_json(dict(body))
    if isinstance(plain.get("sop"), str):
        plain["sop"] = plain_sop(plain["sop"])
    size = len(canonical_json(plain))
    if size > DRAFT_CHARS_MAX:
        raise Malformed(
            f"The draft has {size:,} characters of JSON; at most {DRAFT_CHARS_MAX:,} are kept. Shorten it.",
            code="too_large",
        )
    return plain
