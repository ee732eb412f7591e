"""Refusals whose row is kept: written with the transaction, told after it, and told again to the same request."""

from __future__ import annotations

from typing import Any

from signoff.kit.errors import Refusal
from signoff.releases.refusals import refusal_for


def told(made: str | Refusal) -> dict[str, Any]:
    """Return an id, or a refusal, as plain JSON: what the answer to an `Idempotency-Key` keeps."""
    if isinstance(made, Refusal):
        return {"refused": {"code": made.code, "detail": made.detail, "extra": made.extra}}
    return {"id": made}


def made_or_refused(answer: dict[str, Any]) -> str:
    """Return the id, or raise the refusal, now that its row is durable."""
    refused = answer.get("refused")
    if refused is not None:
        raise refusal_for(refused["code"], refused["detail"], refused["extra"])
    return answer["id"]
