"""One long text out of a run's data, in full: what "Show all" asks for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy.orm import Session

from signoff.kit.errors import NotFound
from signoff.people.access import Principal
from signoff.runs import queries
from signoff.web.pages.run_detail.conversation import mapping

CHARS_MAX = 400_000


@dataclass(frozen=True, slots=True)
class ValueView:
    """A text, as JSON writes it. `left` says how much is not shown."""

    text: str
    left: int


def load_value(session: Session, viewer: Principal, run_id: str, *, of: str, at: str) -> ValueView:
    """Return the text at JSON pointer `at` of the run's `input`, `output`, or of a step: `request:stp_…`.

    Raises:
        NotFound: there is no such text.
    """
    text = _at(_document(session, viewer, run_id, of), at)
    shown = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
    return ValueView(json.dumps(shown[:CHARS_MAX], ensure_ascii=False), max(len(shown) - CHARS_MAX, 0))


def _document(session: Session, viewer: Principal, run_id: str, of: str) -> Any:
    part, _, step_id = of.partition(":")
    if part in ("input", "output") and not step_id:
        found = queries.run(session, viewer, run_id)
        return found.input if part == "input" else found.output
    if part not in ("args", "response") or not step_id:
        raise NotFound("There is no such value in this run.")
    step = queries.step(session, viewer, run_id, step_id, messages_size=1)
    if part == "response":
        return step.response
    return mapping(step.request).get("args")


def _at(document: Any, pointer: str) -> Any:
    value = document
    for part in pointer.split("/")[1:100]:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            value = cast("Sequence[Any]", value)[int(key)] if isinstance(value, list) else value[key]
        except (KeyError, IndexError, ValueError, TypeError):
            raise NotFound("There is no such value in this run.") from None
    return value
