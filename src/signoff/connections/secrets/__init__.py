"""Secrets: entered, replaced, restored, deleted by people; opened for single calls of their own connection."""

from __future__ import annotations

from signoff.connections.secrets.entering import (
    create_secret,
    delete_secret,
    edit_secret,
    hand_over_secret,
    share_secret,
)
from signoff.connections.secrets.grants import close_secret, grant_secret, withdraw_secret
from signoff.connections.secrets.revealing import (
    Revealed,
    SecretLocked,
    SecretMissing,
    SecretNotGranted,
    Use,
    reveal_for_call,
)
from signoff.connections.secrets.rotation import rotate_master_key
from signoff.connections.secrets.versions import (
    VALUE_CHARS_MAX,
    VALUE_CHARS_MIN,
    replace_secret,
    restore_secret,
)
from signoff.connections.vault import Vault

__all__ = [
    "VALUE_CHARS_MAX",
    "VALUE_CHARS_MIN",
    "Revealed",
    "SecretLocked",
    "SecretMissing",
    "SecretNotGranted",
    "Use",
    "Vault",
    "close_secret",
    "create_secret",
    "delete_secret",
    "edit_secret",
    "grant_secret",
    "hand_over_secret",
    "replace_secret",
    "restore_secret",
    "reveal_for_call",
    "rotate_master_key",
    "share_secret",
    "withdraw_secret",
]
