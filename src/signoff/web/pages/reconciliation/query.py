"""What the pages about unknown outcomes show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from sqlalchemy.orm import Session

from signoff.people.access import Principal
from signoff.runs.effects import EffectDetail, EffectPlace, effect, effects_page
from signoff.runs.queries import open_effects_count

TABS = {"open": "unknown", "settled": "settled"}
_WORDS = {
    "happened": "it happened",
    "did_not_happen": "it did not happen",
    "did_not_happen_retry": "it did not happen, and was tried again",
}


@dataclass(frozen=True, slots=True)
class ListView:
    """The list, open or settled. Addresses lie below the workspace."""

    tab: str
    rows: Sequence[EffectPlace]
    open_count: int
    newer: str | None
    older: str | None


@dataclass(frozen=True, slots=True)
class Entered:
    """What somebody entered into the form, kept when it is refused."""

    outcome: str = ""
    result: str = ""
    reason: str = ""
    problem: str = ""
    errors: dict[str, Sequence[str]] = field(default_factory=dict[str, "Sequence[str]"])


@dataclass(frozen=True, slots=True)
class EffectView:
    """One act and the form that settles it. `settled_text` is empty while it is open."""

    found: EffectDetail
    entered: Entered
    looks_for: Sequence[tuple[str, str]]
    settled_text: str
    others_text: str

    @property
    def place(self) -> EffectPlace:
        """Return the act and where it was to happen."""
        return self.found.place

    @property
    def why(self) -> str:
        """Return why nobody knows, as a sentence."""
        reason = self.found.place.effect.reason or "its answer never came."
        return reason[:1].upper() + reason[1:]

    @property
    def is_open(self) -> bool:
        """Return whether nobody has settled it yet."""
        return self.found.place.effect.state == "unknown"

    @property
    def path(self) -> str:
        """Return the address of the act, below the workspace."""
        return f"/reconciliation/{self.found.place.effect.key}"


def load_list(session: Session, viewer: Principal, tab: str, cursor: str | None) -> ListView:
    """Return one page of acts, newest first.

    Raises:
        NotAllowed: the viewer may not see them.
    """
    tab = tab if tab in TABS else "open"
    page = effects_page(session, viewer, state=TABS[tab], cursor=cursor)
    said = "/reconciliation?tab=settled&cursor=" if tab == "settled" else "/reconciliation?cursor="
    return ListView(
        tab, page.rows, open_effects_count(session, viewer),
        said + page.previous_cursor if page.previous_cursor else None,
        said + page.next_cursor if page.next_cursor else None,
    )  # fmt: skip


def load_effect(session: Session, viewer: Principal, key: str, entered: Entered | None = None) -> EffectView:
    """Return one act.

    Raises:
        NotFound: the viewer has no such act.
    """
    found = effect(session, viewer, key)
    one = found.place.effect
    settled = ""
    if one.state == "settled":
        settled = (
            f"{one.settled_by_name or 'Somebody'} settled this: {_WORDS.get(one.settlement or '', 'it is known')}."
        )
    elif one.state != "unknown":
        settled = "Nothing has to be settled here: the outcome of this act is known."
    others = found.siblings_open
    words = "one more act" if others == 1 else f"{others:,} more acts"
    text = f"Its run waits for {words} besides." if others else ""
    return EffectView(found, entered or Entered(), _identifying(one.args), settled, text)


def _identifying(args: Any, limit: int = 8) -> list[tuple[str, str]]:
    """Return the short arguments: what one would type into the other system's search."""
    fields = cast("dict[str, Any]", args) if isinstance(args, dict) else {}
    pairs = [(name, str(value)) for name, value in fields.items() if isinstance(value, (int, float, str))]
    return [pair for pair in pairs if 0 < len(pair[1]) <= 120 and "{{secret." not in pair[1]][:limit]
