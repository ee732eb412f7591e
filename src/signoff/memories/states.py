"""The words of memory: scopes, labels, what a migration may do with entries; and whose memory a run has. Pure."""

from __future__ import annotations

from typing import Literal, get_args

Scope = Literal["person", "shared"]
Label = Literal["trusted", "untrusted"]
WrittenBy = Literal["agent", "person"]
# What becomes of the entries when memory moves to another scope.
Fate = Literal["keep_as_shared", "copy_to_each", "erase"]

SCOPES: tuple[Scope, ...] = get_args(Scope)
FATES: tuple[Fate, ...] = get_args(Fate)
# Where each fate makes sense: shared entries have nobody to stay with, and those of people are not each other's.
FATES_TO: dict[Scope, tuple[Fate, ...]] = {
    "shared": ("keep_as_shared", "erase"),
    "person": ("copy_to_each", "erase"),
}
# The key of what everybody shares.
EVERYBODY = ""
_MEMBER = "mem_"


def member_of_run(requested_by: str, *, is_started_by_itself: bool) -> str | None:
    """Return the member for whom a run works; None for one that a schedule, a webhook or a service account started."""
    return requested_by if requested_by.startswith(_MEMBER) and not is_started_by_itself else None


def key_of(scope: Scope, member_id: str | None) -> str | None:
    """Return whose entries a run of `member_id` has under a scope; None when nobody's."""
    return EVERYBODY if scope == "shared" else member_id
