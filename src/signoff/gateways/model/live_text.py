"""What a model writes, told to the watchers of the run while it is being written."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from pydantic_ai.messages import ModelResponse, TextPart
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from signoff.gateways.model.call import Asked
from signoff.kit import clock
from signoff.kit.text import storable
from signoff.record import trace

log = logging.getLogger(__name__)

BATCH_SECONDS = 0.15
_EVENT_CHARS_MAX = 8_000
# Held back until more has come, so that a secret is never told in two unmasked halves.
_HELD_BACK_CHARS = 400


@dataclass(slots=True)
class LiveText:
    """Collects text and passes it on at most every 150 ms."""

    asked: Asked
    _pieces: list[str] = field(default_factory=list[str])
    _last: float = field(default_factory=clock.monotonic_seconds)

    async def add(self, text: str) -> None:
        """Take the next piece."""
        self._pieces.append(text)
        if clock.monotonic_seconds() - self._last >= BATCH_SECONDS:
            await self._tell()

    def end(self) -> None:
        """Tell what is left together with the end of the step."""
        data = self._next(is_end=True)
        if data is not None:
            self.asked.log.closing.append(lambda session: self._emit(session, data))

    def whole(self, response: ModelResponse) -> None:
        """Tell the text of an answer that came in one piece, together with the end of the step."""
        self._pieces = [part.content for part in response.parts if isinstance(part, TextPart)]
        self.end()

    async def _tell(self) -> None:
        data = self._next(is_end=False)
        if data is None:
            return
        try:
            await self.asked.services.store.write_async(self._emit, data)
        except SQLAlchemyError as error:
            # Watching is a courtesy; the answer itself is recorded when it is whole.
            log.warning("live text of %s was not told: %s", self.asked.run.run_id, type(error).__name__)

    def _emit(self, session: Session, data: dict[str, str]) -> None:
        run = self.asked.run
        trace.emit(session, run.run_id, "text", data, workspace_id=run.workspace_id)

    def _next(self, *, is_end: bool) -> dict[str, str] | None:
        """Return what can be told now. What was told is looked at no more: a long answer does not cost its square."""
        self._last = clock.monotonic_seconds()
        text = storable("".join(self._pieces))
        redactor = self.asked.facts.redactor
        end = len(text) if is_end or redactor.is_empty else self._safe_end(text)
        self._pieces = [text[end:]] if end < len(text) else []
        if end == 0:
            return None
        return {"key": self.asked.call.key, "text": redactor.text(text[:end])[:_EVENT_CHARS_MAX]}

    def _safe_end(self, text: str) -> int:
        """Return up to where a text can be told before the rest of it has come: no secret lies on both sides."""
        redactor = self.asked.facts.redactor
        step = max(_HELD_BACK_CHARS, redactor.chars_max)
        end = len(text) - step
        masked = redactor.text(text) if end > 0 else ""
        while end > 0 and redactor.text(text[:end]) + redactor.text(text[end:]) != masked:
            end -= step
        return max(end, 0)
