"""What the pages of shadow pairs show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from signoff.people.access import Principal
from signoff.releases.queries import release
from signoff.releases.shadow.queries import Agreement, PairDetail, PairFilter, PairRow, agreement, pair, pairs_page
from signoff.releases.views import ReleaseFacts

VIEWS: dict[str, PairFilter] = {
    "": PairFilter(),
    "differs": PairFilter(state="compared", is_equal=False),
    "unjudged": PairFilter(state="compared", is_equal=False, is_judged=False),
    "judged": PairFilter(is_judged=True),
    "skipped": PairFilter(state="skipped"),
}
_WORDS = {"": "All", "differs": "Differ", "unjudged": "To judge", "judged": "Judged", "skipped": "Left out"}


@dataclass(frozen=True, slots=True)
class PairsView:
    """One page of the list. Addresses lie below the workspace."""

    facts: ReleaseFacts
    agreement: Agreement
    view: str
    rows: tuple[PairRow, ...]
    newer: str | None
    older: str | None

    @property
    def path(self) -> str:
        """Return the address of the list."""
        return f"/releases/{self.facts.id}/pairs"

    @property
    def tabs(self) -> list[tuple[str, str, bool]]:
        """Return the views: address, words, whether it is on screen."""
        return [
            (f"{self.path}?view={key}" if key else self.path, words, key == self.view) for key, words in _WORDS.items()
        ]


@dataclass(frozen=True, slots=True)
class PairView:
    """One pair. `next_path`: the next that nobody has judged."""

    facts: ReleaseFacts
    pair: PairDetail
    fields: Sequence[dict[str, Any]]
    was: str
    would_be: str
    next_path: str | None
    problem: str = ""


def load(
    session: Session, viewer: Principal, release_id: str, *, view: str = "", cursor: str | None = None
) -> PairsView:
    """Return the list.

    Raises:
        NotFound: there is no such release here.
    """
    chosen = view if view in VIEWS else ""
    facts = release(session, viewer, release_id).facts
    page = pairs_page(session, viewer, release_id, VIEWS[chosen], cursor=cursor)
    path = f"/releases/{release_id}/pairs?view={chosen}&cursor="
    return PairsView(
        facts=facts, agreement=agreement(session, viewer, release_id), view=chosen, rows=tuple(page.rows),
        newer=path + page.previous_cursor if page.previous_cursor else None,
        older=path + page.next_cursor if page.next_cursor else None,
    )  # fmt: skip


def load_pair(session: Session, viewer: Principal, release_id: str, run_id: str, *, problem: str = "") -> PairView:
    """Return one pair.

    Raises:
        NotFound: there is no such pair here.
    """
    found = pair(session, viewer, release_id, run_id)
    waiting = pairs_page(session, viewer, release_id, VIEWS["unjudged"], size=2).rows
    following = next((one for one in waiting if one.run_id != run_id), None)
    return PairView(
        facts=release(session, viewer, release_id).facts, pair=found,
        fields=_fields(found.differences), was=_text(found.output),
        would_be=_text(found.shadow_output),
        next_path=f"/releases/{release_id}/pairs/{following.run_id}" if following else None, problem=problem,
    )  # fmt: skip


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)


def _fields(differences: dict[str, Any]) -> Sequence[dict[str, Any]]:
    output: dict[str, Any] = differences.get("output") or {}
    return output.get("fields", ())
