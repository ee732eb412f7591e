"""Where to go after signing in: what the address asked for, as far as it is this site's."""

from __future__ import annotations

_CHARS_MAX = 2_000


def safe_target(address: str) -> str:
    """Return an address of this site that is no way in or out, or nothing."""
    is_ours = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    path = address.split("?", 1)[0]
    is_loop = path in ("/sign-in", "/sign-out", "/forgotten") or path.startswith("/sign-in/")
    return address if is_ours and not is_loop and len(address) <= _CHARS_MAX and "\\" not in address else ""


def workspace_in(target: str) -> str:
    """Return the slug of the workspace an address of this site lies in, or nothing."""
    parts = target.split("?", 1)[0].split("/")
    return parts[2][:63] if len(parts) > 2 and parts[1] == "w" else ""
