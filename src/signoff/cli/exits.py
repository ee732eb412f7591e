"""How a command ends: one clear line on standard error, and a code scripts can decide by."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from signoff.kit.text import on_terminal

OK, FAILED, USAGE = 0, 1, 2
AUTH, NOT_FOUND, VALIDATION, CONFLICT, SERVER, NETWORK = 10, 11, 12, 13, 14, 15
INTERRUPTED = 130

# HTTP status, of the API or of a refusal here → exit code.
_OF_STATUS = {
    400: VALIDATION,
    401: AUTH,
    402: CONFLICT,
    403: AUTH,
    404: NOT_FOUND,
    409: CONFLICT,
    410: CONFLICT,
    413: VALIDATION,
    415: VALIDATION,
    422: VALIDATION,
    429: CONFLICT,
}


class Stop(Exception):
    """Ends a command with a code and, unless empty, one line of words."""

    def __init__(self, code: int, words: str = "") -> None:
        super().__init__(words)
        self.code = code
        self.words = words


def code_of(status: int) -> int:
    """Return the exit code for an HTTP status."""
    return _OF_STATUS.get(status, SERVER if status >= 500 else FAILED)


def say(words: str) -> None:
    """Print a line for a person, where it does not mix with the output."""
    print(on_terminal(words, keeps_lines=True), file=sys.stderr)


def guarded(run: Callable[[], Any]) -> int:
    """Run a command; return its exit code, having said what went wrong."""
    from pydantic import ValidationError
    from sqlalchemy.exc import SQLAlchemyError
    from typer.exceptions import Abort, Exit, TyperException

    from signoff.kit.errors import Fault, Refusal

    try:
        found = run()
    except Stop as stop:
        return _end(stop.code, stop.words)
    except Refusal as refusal:
        return _end(code_of(refusal.status), refusal.detail + fields(refusal.errors))
    except Fault as fault:
        return _end(SERVER, fault.detail)
    except ValidationError as error:
        return _end(VALIDATION, _settings_words(error))
    except SQLAlchemyError as error:
        return _end(NETWORK, f"The database does not answer ({type(error).__name__}). Check SIGNOFF_DATABASE_URL.")
    except Exit as leave:
        return leave.exit_code
    except TyperException as error:
        return _end(USAGE, f"{error} Try --help.")
    except (KeyboardInterrupt, Abort):
        return _end(INTERRUPTED, "Stopped.")
    return found if isinstance(found, int) else OK


def _end(code: int, words: str) -> int:
    if words:
        say(f"signoff: {words}")
    return code


def fields(errors: Mapping[str, Sequence[str]]) -> str:
    """Return one line per field that does not fit."""
    return "".join(f"\n  {field}: {'; '.join(sentences)}" for field, sentences in list(errors.items())[:20])


def _settings_words(error: Any) -> str:
    lines = [f"{'.'.join(str(part) for part in found['loc'])}: {found['msg']}" for found in error.errors()]
    return "A setting (SIGNOFF_…) does not fit:\n  " + "\n  ".join(lines)
