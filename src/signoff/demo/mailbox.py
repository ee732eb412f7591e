"""Writes the sample mailbox into a folder."""

from __future__ import annotations

from pathlib import Path

from signoff.demo.letters import invoices, others, problems


def write_mailbox(folder: Path, *, large_bytes: int = invoices.LARGE_BYTES) -> list[Path]:
    """Write every sample message that is not there yet, and return all their files in order.

    The content never changes, so a second start finds every message handled. `large_bytes` is the size of the one big
    attachment.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for item in [*invoices.letters(large_bytes=large_bytes), *problems.letters(), *others.letters()]:
        path = folder / item.name
        if not path.exists():
            half = path.with_suffix(".part")
            half.write_bytes(item.raw)
            half.replace(path)  # A message is there whole or not at all, even when this process dies here.
        written.append(path)
    return written
