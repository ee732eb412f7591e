"""The verbs of memory."""

from __future__ import annotations

from signoff.memories.actions.erase import erase_all, erase_entry
from signoff.memories.actions.keep import add_entry, edit_entry, review_entry
from signoff.memories.actions.migrate import migrate_memory
from signoff.memories.actions.remember import forget, remember
from signoff.memories.actions.scope import check_scope, fix_scope

__all__ = [
    "add_entry",
    "check_scope",
    "edit_entry",
    "erase_all",
    "erase_entry",
    "fix_scope",
    "forget",
    "migrate_memory",
    "remember",
    "review_entry",
]
