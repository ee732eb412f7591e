"""What went wrong at a provider, told apart: try again, ask another, or tell a person, and in which words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelRequestTimeout,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
    UnexpectedModelBehavior,
    UserError,
)

from signoff.gateways.model.call import Failure
from signoff.gateways.model.providers import ModelName
from signoff.kit.errors import ProviderError
from signoff.kit.text import pause_in_words, shortened, storable

_QUOTE_CHARS = 300
_CAUSES_MAX = 10


def classify(error: Exception, name: ModelName) -> Failure:
    """Return the failure that `error`, raised while asking `name`, stands for. Never raises."""
    special = _ours(error)
    if special is not None:
        return special
    if isinstance(error, ModelAPIError):
        return _from_api(error, name)
    if isinstance(error, ContentFilterError):
        return filtered(name)
    if isinstance(error, TimeoutError):
        return _timed_out(name)
    if isinstance(error, ProviderError):
        # Ours, from before anything was sent: no such provider, no such model here, no key.
        return Failure(error.code, error.detail, is_provider_fault=error.code == "provider_key_missing")
    if isinstance(error, UserError):
        return Failure("provider_not_configured", f"{name.label} cannot be asked like this: {quoted(str(error))}")
    if isinstance(error, UnexpectedModelBehavior):
        return unreadable(name)
    # Whatever else a client library raises while it reads an answer: the answer was not what it claims to be.
    return unreadable(name)


def filtered(name: ModelName, *, is_billed: bool = False) -> Failure:
    """Return the failure for an answer that the provider held back."""
    return Failure(
        "model_refused", f"{name.label} refused to answer this input (its content filter).", is_billed=is_billed
    )


def unreadable(name: ModelName) -> Failure:
    """Return the failure for an answer that is no model's answer: not JSON, another shape, nothing.

    What a library says of it is no help to the people who read this; the log has it.
    """
    return Failure(
        "model_answer_unreadable",
        f"{name.label} sent an answer that is not a model's answer: something else, or nothing. Is its address right?",
        is_transient=True,
        is_provider_fault=True,
        is_billed=True,
    )


def cut_off(name: ModelName) -> Failure:
    """Return the failure for a stream that ended before the answer did."""
    return Failure(
        "model_answer_cut_off",
        f"The answer of {name.label} broke off before its end. What had come was thrown away.",
        is_transient=True,
        is_provider_fault=True,
        is_billed=True,
    )


def quoted(text: str) -> str:
    """Return a short one-line quotation of text from a provider."""
    return shortened(" ".join(storable(text).split()), _QUOTE_CHARS)


def _causes(error: BaseException) -> Iterator[BaseException]:
    current: BaseException | None = error
    for _ in range(_CAUSES_MAX):
        if current is None:
            return
        yield current
        current = current.__cause__ or current.__context__


def _ours(error: Exception) -> Failure | None:
    """Return the failure for the limits of our own client, which arrive wrapped in a library's connection error."""
    for cause in _causes(error):
        if type(cause).__name__ == "AnswerTooLarge":
            return Failure(
                "model_answer_too_large",
                f"{cause} Reading was stopped there (SIGNOFF_MODEL_RESPONSE_BYTES_MAX).",
                is_provider_fault=True,
                is_billed=True,
            )
        if type(cause).__name__ == "AnswerCompressed":
            return Failure("model_answer_unreadable", str(cause), is_provider_fault=True, is_billed=True)
    return None


def _from_api(error: ModelAPIError, name: ModelName) -> Failure:
    if isinstance(error, ModelRequestRejectedError):
        return _rejected(error, name)
    if isinstance(error, ModelTimeoutError | ModelRequestTimeout):
        return _timed_out(name)
    if isinstance(error, ModelConnectionError):
        return _not_connected(error, name)
    known = _by_category(error, name)
    if known is not None:
        return known
    if error.in_stream:
        return _later("provider_unavailable", f"{name.label} broke its answer off: {_said(error)}", error)
    if "finish_reason" in str(error):
        return cut_off(name)
    return unreadable(name)


def _by_category(error: ModelAPIError, name: ModelName) -> Failure | None:
    status = error.status_code if isinstance(error, ModelHTTPError) else None
    if isinstance(error, ModelQuotaExceededError):
        return Failure(
            "provider_quota_used_up",
            f"The account at {name.label} has no credit left: {_said(error)} Top it up there.",
            is_provider_fault=True,
        )
    if isinstance(error, ModelRateLimitError):
        pause = f" of {pause_in_words(error.retry_after)}" if error.retry_after else ""
        return _later("provider_rate_limited", f"{name.label} asks for a pause{pause} (429).", error)
    if isinstance(error, ModelUnavailableError | ModelServerError):
        number = f" ({status})" if status else ""
        return _later("provider_unavailable", f"{name.label} is out of order{number}: {_said(error)}", error)
    if status is None:
        return None
    if status >= 500 or status in (408, 409, 425):
        return _later("provider_unavailable", f"{name.label} answered {status}.", error)
    return Failure("provider_rejected", f"{name.label} refused the request ({status}): {_said(error)}")


def _rejected(error: ModelRequestRejectedError, name: ModelName) -> Failure:
    if isinstance(error, ModelAuthenticationError):
        return Failure(
            "provider_key_refused",
            f"{name.label} refused the key. Check {name.key_place or 'its key'}, set the right one and start again. "
            f"It said: {_said(error)}",
            is_provider_fault=True,
        )
    if isinstance(error, ModelNotFoundError):
        return Failure(
            "model_not_found",
            f"{name.label} has no model called {name.model[:80]}, or its address is wrong: {_said(error)}",
            is_provider_fault=True,
        )
    if isinstance(error, ModelContextWindowExceededError):
        return Failure(
            "context_too_long",
            f"The conversation is longer than {name.full[:80]} can read: {_said(error)}",
            is_context_too_long=True,
        )
    return Failure("provider_rejected", f"{name.label} refused the request: {_said(error)}")


def _timed_out(name: ModelName) -> Failure:
    return Failure(
        "provider_timed_out",
        f"{name.label} did not finish its answer in time.",
        is_transient=True,
        is_provider_fault=True,
        is_billed=True,
    )


def _not_connected(error: ModelConnectionError, name: ModelName) -> Failure:
    was_sent = error.phase not in ("pool", "connect")
    reason = (
        f"The connection to {name.label} broke off."
        if was_sent
        else f"{name.label} cannot be reached: {quoted(str(error.__cause__ or error))}"
    )
    return Failure(
        "model_answer_cut_off" if was_sent else "provider_unreachable",
        reason,
        is_transient=True,
        is_provider_fault=True,
        is_billed=was_sent,
    )


def _later(code: str, reason: str, error: ModelAPIError) -> Failure:
    return Failure(code, reason, is_transient=True, is_provider_fault=True, retry_after_seconds=error.retry_after)


def _said(error: ModelAPIError) -> str:
    """Return what the provider itself said, out of the body of its error."""
    body: object = error.body
    for _ in range(3):
        if not isinstance(body, dict):
            break
        members = cast("dict[str, object]", body)
        inner = members.get("error") or members.get("message") or members.get("detail")
        if inner is None:
            break
        body = inner
    return quoted(body if isinstance(body, str) and body else str(error))
