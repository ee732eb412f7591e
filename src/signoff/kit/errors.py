"""The two ways things go wrong, and the one shape they are told in (RFC 9457).

A `Refusal` is the product saying no: expected, told to the caller, pages nobody. A `Fault` is something that
broke: recorded, and retried or not by `is_transient`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def code_of(name: str) -> str:
    """Return the stable code for a class name: `BudgetExceeded` → `budget_exceeded`."""
    return _WORD_START.sub("_", name).lower()


class Refusal(Exception):
    """The product said no.

    Args:
        detail: the fact and the next thing to do, for a person.
        errors: field → sentences, for forms and API clients.
        extra: further plain JSON members of the problem document.
        code: a stable code that is narrower than the class's own.
    """

    status = 409

    def __init__(
        self,
        detail: str,
        *,
        errors: Mapping[str, Sequence[str]] | None = None,
        extra: Mapping[str, Any] | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = dict(errors or {})
        self.extra = dict(extra or {})
        self._code = code

    @property
    def code(self) -> str:
        """Return the stable code of this refusal."""
        return self._code or code_of(type(self).__name__)


class NotFound(Refusal):
    """There is no such thing, or it is someone else's: the two are told alike."""

    status = 404


class NotAllowed(Refusal):
    """The caller is known and lacks a right. `extra` names what is required and what is granted."""

    status = 403


class NotSignedIn(Refusal):
    """The caller is not known."""

    status = 401


class NotNow(Refusal):
    """The thing is not in a state for this: somebody was first, or it has ended."""

    status = 409


class Malformed(Refusal):
    """The input is wrong; `errors` says where."""

    status = 422


class TooMuch(Refusal):
    """A limit was reached. 402 for money, 429 for rates."""

    status = 429

    def __init__(self, detail: str, *, retry_after_seconds: int | None = None, **more: Any) -> None:
        super().__init__(detail, **more)
        self.retry_after_seconds = retry_after_seconds


class Crowded(TooMuch):
    """So much is being asked for that an answer would come too late."""

    status = 503


class BudgetExceeded(Refusal):
    """A call would pass a money limit."""

    status = 402


class Fault(Exception):
    """Something broke.

    Args:
        detail: what happened, in words a person understands; never a secret, never a body.
        is_transient: trying again later may help.
        code: a stable code that is narrower than the class's own.
    """

    def __init__(self, detail: str, *, is_transient: bool = False, code: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.is_transient = is_transient
        self.code = code or code_of(type(self).__name__)


class ProviderError(Fault):
    """A model provider failed."""


class ConnectorError(Fault):
    """An outside system failed."""


class StoreError(Fault):
    """Our own database failed."""
