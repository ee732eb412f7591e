"""One change that a form asked for: done in one transaction, or the refusal that its page tells beside the form."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy.orm import Session
from starlette.requests import Request

from signoff.kit.errors import NotAllowed, NotFound, Refusal
from signoff.web.house import store_of


def attempt(request: Request, work: Callable[[Session], object], *, tells_rights: bool = False) -> Refusal | None:
    """Do `work`; return what refused it, with nothing changed, or None.

    Raises:
        NotFound: the page itself is gone, so there is no form to come back to.
        NotAllowed: the person may not do this, unless `tells_rights`: the page says it beside the form.
    """
    try:
        with store_of(request).write() as session:
            work(session)
    except NotFound:
        raise
    except NotAllowed as refusal:
        if not tells_rights:
            raise
        return refusal
    except Refusal as refusal:
        return refusal
    return None
