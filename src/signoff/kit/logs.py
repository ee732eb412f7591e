"""What the process tells its operator: one line per event, as JSON or as text, with the ids of request and run.

Nobody logs bodies, prompts, arguments or headers; what is passed as `extra` is ids, codes and numbers.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

_context: ContextVar[dict[str, str] | None] = ContextVar("signoff_log_context", default=None)
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_TEXT_MAX = 2_000


@contextmanager
def logging_as(**ids: str) -> Generator[None]:
    """Put `ids` (request_id, run_id, worker …) on every line logged inside, also from tasks started inside."""
    token = _context.set({**(_context.get() or {}), **ids})
    try:
        yield
    finally:
        _context.reset(token)


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    extra = {name: value for name, value in vars(record).items() if name not in _OWN}
    return {**(_context.get() or {}), **extra}


class JsonFormatter(logging.Formatter):
    """One JSON object per line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage()[:_TEXT_MAX],
            **_facts(record),
        }
        if record.exc_info:
            line["error"] = _traceback(record)
        return json.dumps(line, ensure_ascii=True, default=str)


class TextFormatter(logging.Formatter):
    """One line to read in a terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%S")
        facts = " ".join(f"{name}={value}" for name, value in _facts(record).items())
        text = record.getMessage()[:_TEXT_MAX]
        line = f"{at} {record.levelname.lower():7} {text}{'  ' + facts if facts else ''}"
        line = line.replace("\n", "\\n").replace("\r", "\\r")
        return f"{line}\n{_traceback(record)}" if record.exc_info else line


def _traceback(record: logging.LogRecord) -> str:
    """Return where it happened and what kind of error it was, without its text: that may quote a body."""
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    error: BaseException | None = record.exc_info[1]
    lines: list[str] = []
    while error is not None and len(lines) < 60:
        lines.append(f"{type(error).__module__}.{type(error).__qualname__}")
        step = error.__traceback__
        while step is not None:
            code = step.tb_frame.f_code
            lines.append(f"  {code.co_filename}:{step.tb_lineno} {code.co_qualname}")
            step = step.tb_next
        error = error.__cause__ or error.__context__
    return "\n".join(lines)


def set_up_logs(shape: Literal["json", "text"], level: str) -> None:
    """Send every logger's lines to standard error, in one shape."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if shape == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Only our own say more: at debug, libraries quote headers, addresses and bodies.
    is_debug = level == "debug"
    root.setLevel("INFO" if is_debug else level.upper())
    logging.getLogger("signoff").setLevel("DEBUG" if is_debug else "NOTSET")
    # Their info lines quote addresses and bodies.
    for name in (
        "httpx",
        "httpx2",
        "httpcore",
        "httpcore2",
        "openai",
        "anthropic",
        "google_genai",
        "mcp",
        "alembic",
        "uvicorn.access",
    ):
        logging.getLogger(name).setLevel(logging.WARNING)
