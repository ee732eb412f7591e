"""GET the pairs of a release, and one; POST what somebody says of one."""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter, Request
from starlette.responses import Response

from signoff.kit.errors import NotAllowed, NotFound, Refusal
from signoff.releases.shadow.judging import PairJudgement, judge_pair
from signoff.web.flash import Flash
from signoff.web.forms import Fields
from signoff.web.house import store_of
from signoff.web.identity import Looker
from signoff.web.page import Page, see_other
from signoff.web.pages.release_pairs.query import load, load_pair

router = APIRouter()
page = Page(__file__)


@router.get("/releases/{release_id}/pairs")
def release_pairs(
    request: Request, looker: Looker, release_id: str, view: str = "", cursor: str | None = None
) -> Response:
    """The list."""
    with store_of(request).read() as session:
        found = load(session, looker.viewer, release_id, view=view, cursor=cursor)
    return page.draw(request, "page.html", found)


@router.get("/releases/{release_id}/pairs/{run_id}")
def release_pair(request: Request, looker: Looker, release_id: str, run_id: str) -> Response:
    """One pair."""
    with store_of(request).read() as session:
        found = load_pair(session, looker.viewer, release_id, run_id)
    return page.draw(request, "pair.html", found)


@router.post("/releases/{release_id}/pairs/{run_id}")
def judge(request: Request, looker: Looker, release_id: str, run_id: str, fields: Fields) -> Response:
    """Say how the candidate did; then on to the next that nobody has judged."""
    store, said = store_of(request), fields.text("judgement")
    # What is none of the three is refused by name.
    judgement = cast("PairJudgement", said)
    try:
        with store.write() as session:
            judge_pair(session, looker.viewer, release_id, run_id, judgement)
    except (NotAllowed, NotFound):
        raise
    except Refusal as refusal:
        with store.read() as session:
            found = load_pair(session, looker.viewer, release_id, run_id, problem=refusal.detail)
        return page.draw(request, "pair.html", found, status=refusal.status)
    with store.read() as session:
        found = load_pair(session, looker.viewer, release_id, run_id)
    to = found.next_path or f"/releases/{release_id}/pairs"
    return see_other(request, looker.chrome.href(to), Flash(f"Judged: {judgement}"))
