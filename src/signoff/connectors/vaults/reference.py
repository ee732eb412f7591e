"""Where in an outside store a secret's value is: `env:NAME`, `vault:mount/path#field`, `aws:name#field`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from signoff.settings import SecretSourceKind

# No setting begins with this, so no reference reads a setting, such as the master key.
ENV_PREFIX = "SIGNOFF_VALUE_"
REFERENCE_CHARS_MAX = 700
_ENV = re.compile(rf"{ENV_PREFIX}[A-Z0-9_]{{1,200}}")
_SEGMENT = r"(?!\.{1,2}(?:/|$))[A-Za-z0-9_.@-]{1,200}"
_VAULT = re.compile(rf"({_SEGMENT}(?:/{_SEGMENT}){{1,20}})")
_AWS = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
_FIELD = re.compile(r"[A-Za-z0-9_.-]{1,200}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A checked reference.

    Args:
        path: the variable's name; Vault's mount and path; or the name in AWS.
        field: the member to take; empty for the whole text.
    """

    kind: SecretSourceKind
    path: str
    field: str = ""

    @property
    def text(self) -> str:
        """Return it as it is written."""
        return f"{self.kind}:{self.path}" + (f"#{self.field}" if self.field else "")


def parsed(text: str) -> Reference | None:
    """Return the reference that `text` says, or None."""
    if len(text) > REFERENCE_CHARS_MAX:
        return None
    kind, _, rest = text.strip().partition(":")
    path, mark, field = rest.partition("#")
    if mark and not _FIELD.fullmatch(field):
        return None
    if kind == "env" and not mark and _ENV.fullmatch(path):
        return Reference("env", path)
    if kind == "vault" and mark and _VAULT.fullmatch(path):
        return Reference("vault", path, field)
    if kind == "aws" and _AWS.fullmatch(path):
        return Reference("aws", path, field)
    return None
