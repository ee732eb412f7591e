"""The ways an outside system fails, by code. Every one but `outcome_unknown` means: nothing was done there."""

from __future__ import annotations

from typing import Final

from signoff.kit.errors import ConnectorError
from signoff.kit.text import shortened, storable

OUTCOME_UNKNOWN: Final = "connector_outcome_unknown"
UNREACHABLE: Final = "connector_unreachable"
REFUSED_ADDRESS: Final = "connector_refused_address"
SIGN_IN: Final = "connector_sign_in"
WRONG_SCOPE: Final = "connector_wrong_scope"
SECOND_FACTOR: Final = "connector_second_factor"
RATE_LIMITED: Final = "connector_rate_limited"
BAD_CONFIG: Final = "connector_bad_config"
BAD_ANSWER: Final = "connector_bad_answer"
BAD_ARGUMENTS: Final = "connector_bad_arguments"
UNKNOWN_TOOL: Final = "connector_unknown_tool"
REJECTED: Final = "connector_rejected"
TIMEOUT: Final = "connector_timeout"

_TRANSIENT = frozenset({OUTCOME_UNKNOWN, UNREACHABLE, RATE_LIMITED, TIMEOUT})
_DETAIL_CHARS = 600


def fault(code: str, detail: str) -> ConnectorError:
    """Return the error for `code`. Text from outside inside `detail` is shortened and made storable."""
    return ConnectorError(shortened(storable(detail), _DETAIL_CHARS), is_transient=code in _TRANSIENT, code=code)


def unknown_outcome(what: str) -> ConnectorError:
    """Return the error for a call that may or may not have been carried out."""
    stop = "" if what.endswith((".", "!", "?")) else "."
    return fault(OUTCOME_UNKNOWN, f"{what}{stop} The call may or may not have been carried out.")


def quoted(text: str, limit: int = 200) -> str:
    """Return a short, one-line quotation of text from outside, for an error message."""
    return shortened(" ".join(storable(text).split()), limit)
