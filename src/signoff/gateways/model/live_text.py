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
    _text: str = ""
    _told: int = 0
    _last: float = field(default_factory=clock.monotonic_seconds)

    async def add(self, text: str) -> None:
        """Take the next piece."""
        self._text += text
        if clock.monotonic_seconds() - self._last >= BATCH_SECONDS:
            await self._tell()

    def end(self) -> None:
        """Tell what is left together with the end of the step."""
        data = self._next(is_end=True)
        if data is not None:
            self.asked.log.closing.append(lambda session: self._emit(session, data))

    def whole(self, response: ModelResponse) -> None:
        """Tell the text of an answer that came in one piece, together with the end of the step."""
        self._text = "".join(part.content for part in response.parts if isinstance(part, TextPart))
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
        self._last = clock.monotonic_seconds()
        redactor = self.asked.facts.redactor
        masked = redactor.text(storable(self._text))
        end = len(masked) if is_end or redactor.is_empty else len(masked) - _HELD_BACK_CHARS
        if end <= self._told:
            return None
        piece, self._told = masked[self._told : end], end
        return {"key": self.asked.call.key, "text": piece[:_EVENT_CHARS_MAX]}
