"""Staying inside the folders the operator named. No name from outside ever becomes a path by itself."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from signoff.connectors import faults


def is_below_a_root(folder: Path, roots: Sequence[Path]) -> bool:
    """Return whether `folder`, with every link in it followed, is a root of the operator's or below one."""
    try:
        real = folder.expanduser().resolve()
        return any(real.is_relative_to(root.expanduser().resolve()) for root in roots)
    except (OSError, RuntimeError, ValueError):
        return False


def opened_folder(text: str, roots: Sequence[Path]) -> Path:
    """Return the real path of a configured folder.

    Raises:
        ConnectorError: it is not below a root, or not a folder that can be read.
    """
    path = Path(text)
    if "\0" in text or not is_below_a_root(path, roots):
        raise faults.fault(
            faults.BAD_CONFIG, "The folder is not below one of the mail_roots in the operator's settings."
        )
    real = path.expanduser().resolve()
    if not real.is_dir():
        raise faults.fault(faults.UNREACHABLE, f"The folder {faults.quoted(text, 200)} is not there.")
    if not os.access(real, os.R_OK | os.X_OK):
        raise faults.fault(faults.SIGN_IN, f"The folder {faults.quoted(text, 200)} may not be read by this process.")
    return real


@dataclass(frozen=True, slots=True)
class Entry:
    """A regular file found in a folder.

    Args:
        name: its path below the folder, with `/`.
        problem: why it is not read, or None.
    """

    path: Path
    name: str
    size_bytes: int
    modified_ns: int
    problem: str | None = None


def walk(folder: Path, *, files_max: int, depth_max: int = 20) -> Iterator[Entry]:
    """Yield every file below `folder`, in the order of their names. Never raises; what cannot be read says why.

    Links are followed only when they stay inside the folder, and folders behind links not at all.
    """
    waiting = [(folder, 0)]
    seen = 0
    while waiting:
        place, depth = waiting.pop()
        try:
            entries = sorted(os.scandir(place), key=lambda entry: os.fsencode(entry.name))
        except OSError as error:
            yield Entry(place, _name(place, folder), 0, 0, f"the folder cannot be listed: {error.strerror}")
            continue
        deeper: list[tuple[Path, int]] = []
        for entry in entries:
            path = Path(entry.path)
            if _is_real_folder(entry):
                if depth < depth_max:
                    deeper.append((path, depth + 1))
                else:
                    yield Entry(path, _name(path, folder), 0, 0, f"folders are read {depth_max} levels deep")
                continue
            if seen >= files_max:
                yield Entry(path, _name(path, folder), 0, 0, f"only the first {files_max} files are read")
                return
            seen += 1
            yield _entry(path, folder)
        waiting.extend(reversed(deeper))


def _is_real_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _entry(path: Path, folder: Path) -> Entry:
    name = _name(path, folder)
    try:
        if path.is_symlink() and not path.resolve(strict=True).is_relative_to(folder):
            return Entry(path, name, 0, 0, "it is a link that leads out of the folder")
        status = path.stat()
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "a link without an end"
        return Entry(path, name, 0, 0, f"it cannot be read: {reason}")
    if not stat.S_ISREG(status.st_mode):
        # Opening a pipe or a device could wait for ever.
        return Entry(path, name, 0, 0, "it is not a regular file")
    return Entry(path, name, status.st_size, status.st_mtime_ns)


def _name(path: Path, folder: Path) -> str:
    text = path.relative_to(folder).as_posix() if path != folder else "."
    return os.fsencode(text).decode("utf-8", "backslashreplace")


def open_file(path: Path, folder: Path) -> BinaryIO:
    """Open a file found by `walk` in `folder` for reading; what it is and where is checked once more.

    Raises:
        OSError: it cannot be opened, leads out of the folder, or is not a regular file any more.
    """
    real = path.resolve(strict=True)
    if not real.is_relative_to(folder):
        raise OSError(errno.EPERM, "it leads out of the folder")
    descriptor = os.open(real, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is not a regular file")
    return os.fdopen(descriptor, "rb")
