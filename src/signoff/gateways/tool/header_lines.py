"""Arguments that become a line of a header: a line break in one begins another header. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from signoff.gateways.tool.flow.arguments import leaves

_LINES = frozenset(
    ("subject", "to", "cc", "bcc", "from", "sender", "recipient", "recipients", "reply_to", "replyto", "in_reply_to",
     "message_id", "header", "headers")
)  # fmt: skip
# What some reader takes for the end of a line, also written in its encoded form.
_BREAK = re.compile(r"[\r\n\x00\x0b\x0c\x85\u2028\u2029]|%0[ad]", re.IGNORECASE)


def header_problems(args: Mapping[str, Any]) -> Iterator[str]:
    """Yield, a sentence each, which arguments of a mail or a request would begin a header of their own."""
    for leaf in leaves(dict(args)):
        if not any(_plain(name) in _LINES for name in leaf.path):
            continue
        if any(isinstance(one, str) and _BREAK.search(one) for one in (leaf.value, leaf.path[-1])):
            yield f"{leaf.argument} has a line break, which would begin a header of its own"


def _plain(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).replace("-", "_").lower()
