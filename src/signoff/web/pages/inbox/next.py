"""After an answer: the request that comes next, beside the list as it is now."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

from sqlalchemy.orm import Session

from signoff.kit.errors import Refusal
from signoff.web.identity import Looking
from signoff.web.pages.inbox.filters import Asked
from signoff.web.pages.inbox.query import InboxView, following, load_card, load_rows


def after_answer(session: Session, looker: Looking, asked: Asked, back: str, answered: str) -> tuple[InboxView, str]:
    """Return the list with the next request on show, and the address of that."""
    cursor = dict(parse_qsl(back[:2_000])).get("cursor") or None
    try:
        view = load_rows(session, looker.viewer, asked, cursor)
    except Refusal:  # The cursor was no cursor; the list begins at its beginning.
        view = load_rows(session, looker.viewer, asked, None)
    one = following(session, looker.viewer, asked, answered)
    if not one:
        return view, looker.chrome.href(asked.address())
    card = load_card(session, looker.viewer, one, view.back)
    return replace(view, card=card), looker.chrome.href(asked.address(one, cursor=view.cursor))
