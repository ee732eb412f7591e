"""The address of the inbox: whose requests, which of them, in what order."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, cast, get_args
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import QueryParams

from signoff.approvals.facts import ApprovalFilter
from signoff.approvals.states import APPROVAL_KINDS, ApprovalState
from signoff.kit.text import storable

WHOSE = ("mine", "all")
ENDED: tuple[ApprovalState, ...] = tuple(one for one in get_args(ApprovalState) if one != "pending")
HOURS_MAX = 24 * 365
_WORD_CHARS = 200
_SLUG = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. What it cannot mean is left out: a link that is wrong shows more, not an error."""

    whose: str = "mine"
    is_answered: bool = False
    kind: str = ""
    agent: str = ""
    gate: str = ""
    state: str = ""
    run: str = ""
    older: float | None = None
    is_oldest_first: bool = False

    @staticmethod
    def of(query: QueryParams) -> Asked:
        """Return what a query says."""
        text = {name: storable(value) for name, value in query.items()}
        state = text.get("state", "")
        return Asked(
            whose=text["whose"] if text.get("whose") in WHOSE else "mine",
            is_answered=text.get("show") == "answered" or state in ENDED,
            kind=text["kind"] if text.get("kind") in APPROVAL_KINDS else "",
            agent=_fitting(text.get("agent", "")),
            gate=text.get("gate", "")[:_WORD_CHARS],
            state=state if state in ENDED else "",
            run=_fitting(text.get("run", "")),
            older=_hours(text.get("older", "")),
            is_oldest_first=text.get("order") == "oldest",
        )

    @staticmethod
    def of_text(query: str) -> Asked:
        """Return what a query as text says; for the list a form came from."""
        return Asked.of(QueryParams(parse_qsl(query[:2_000])))

    def parameters(self) -> list[tuple[str, str]]:
        """Return the parts of the address that say something, in a fixed order."""
        found: list[tuple[str, str]] = [] if self.whose == "mine" else [("whose", self.whose)]
        if self.is_answered and not self.state:
            found.append(("show", "answered"))
        texts = [(name, str(getattr(self, name))) for name in ("kind", "agent", "gate", "state", "run")]
        found += [pair for pair in texts if pair[1]]
        if self.older is not None:
            found.append(("older", f"{self.older:g}"))
        if self.is_oldest_first:
            found.append(("order", "oldest"))
        return found

    def query(self, **more: str) -> str:
        """Return the address's query; `cursor` may be added."""
        return urlencode([*self.parameters(), *((name, value) for name, value in more.items() if value)])

    def address(self, one: str = "", **more: str) -> str:
        """Return the address of the list, or of one request in it, below the workspace."""
        said = self.query(**more)
        return "/inbox" + (f"/{one}" if one else "") + (f"?{said}" if said else "")

    def without(self, name: str) -> str:
        """Return the address of the list without a filter."""
        empty: dict[str, Any] = {"older": None, "is_oldest_first": False}
        return replace(self, **{name: empty.get(name, "")}).address()

    def tab(self, whose: str, *, is_answered: bool = False) -> str:
        """Return the address of another tab with the same filters."""
        return replace(self, whose=whose, is_answered=is_answered, state="", older=None).address()

    @property
    def is_filtered(self) -> bool:
        """Return whether anything beside the tab and the order narrows the list."""
        return bool(self.kind or self.agent or self.gate or self.state or self.run or self.older is not None)

    def wanted(self) -> ApprovalFilter:
        """Return the filter of the room."""
        states: tuple[Any, ...] = ("pending",)
        if self.is_answered:
            states = (self.state,) if self.state else ENDED
        return ApprovalFilter(
            states=states, kind=cast("Any", self.kind) or None, agent=self.agent or None, gate=self.gate or None,
            run_id=self.run or None, is_mine=self.whose == "mine", older_than_hours=self.older,
        )  # fmt: skip


def _fitting(text: str) -> str:
    return text if _SLUG.fullmatch(text) else ""


def _hours(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if 0 < found <= HOURS_MAX else None
