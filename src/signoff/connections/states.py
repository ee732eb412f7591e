"""The states of this room, the kinds of connections, and what a tool's hints may say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

ConnectionState = Literal["active", "disabled", "disconnected"]
Health = Literal["unknown", "ok", "broken"]
ToolState = Literal["accepted", "new", "changed", "removed"]
Kind = Literal["mcp_http", "mcp_stdio", "openapi", "mail", "files"]
Effect = Literal["read", "write", "send", "irreversible"]
# Who decided a tool's class: nobody yet, our own connector, a person, or a hint that was graver than the person.
EffectSource = Literal["default", "connector", "person", "hint"]

# Whose login a secret is: the workspace's, or one member's, with whom it may end.
SecretPrincipal = Literal["service", "personal"]
# High: a reason for every change, never given to a program, every single use in the audit.
Sensitivity = Literal["standard", "high"]
SecretVersionState = Literal["current", "superseded", "erased"]
# Where a value is: sealed in our database, or in an outside store that is asked at each use.
SecretSourceName = Literal["built_in", "env", "vault", "aws"]

VERSION_MOVES: dict[SecretVersionState, frozenset[SecretVersionState]] = {
    "current": frozenset({"superseded"}),
    "superseded": frozenset({"erased"}),  # Restoring makes a new version of it; it stays what it is.
    "erased": frozenset(),
}

KINDS: tuple[Kind, ...] = get_args(Kind)
# From harmless to not. A class may be tightened (moved right) by anything, loosened only by a person.
EFFECTS: tuple[Effect, ...] = get_args(Effect)

# Whose hints are our own code's: it knows that reading mail reads, and what an HTTP method means.
KINDS_OF_OURS: frozenset[str] = frozenset({"openapi", "mail", "files"})

MOVES: dict[ConnectionState, frozenset[ConnectionState]] = {
    "active": frozenset({"disabled", "disconnected"}),
    "disabled": frozenset({"active", "disconnected"}),
    # Back under a slug that is free, with nothing to sign in with: `actions.reconnect`, never `enable`.
    "disconnected": frozenset(),
}


def graver(one: Effect, other: Effect) -> Effect:
    """Return the graver of two classes."""
    return one if EFFECTS.index(one) >= EFFECTS.index(other) else other


def suggested_effect(annotations: Mapping[str, Any]) -> Effect:
    """Return the class the hints suggest to a person; nothing said is the gravest."""
    if annotations.get("readOnlyHint") is True:
        return "read"
    if annotations.get("destructiveHint") is False:
        return "write" if annotations.get("openWorldHint") is False else "send"
    return "irreversible"


def least_effect(annotations: Mapping[str, Any]) -> Effect:
    """Return the mildest class the hints leave open: a tool that says it writes cannot be called a read."""
    says_it_writes = annotations.get("readOnlyHint") is False or annotations.get("destructiveHint") is True
    return "write" if says_it_writes else "read"


def first_effect(kind: str, annotations: Mapping[str, Any]) -> tuple[Effect, EffectSource]:
    """Return the class of a tool nobody has judged yet. A server's own word never makes it milder than the gravest."""
    if kind in KINDS_OF_OURS:
        return suggested_effect(annotations), "connector"
    return "irreversible", "default"


def gone_slug(slug: str, connection_id: str) -> str:
    """Return what a connection is called once its slug is free for another."""
    return f"{slug[:40]}-gone-{connection_id[-8:]}"


def slot_before(gone: str, connection_id: str) -> str:
    """Return the slug that `gone_slug` was made from; of a long one its first forty letters."""
    return gone.removesuffix(f"-gone-{connection_id[-8:]}")
