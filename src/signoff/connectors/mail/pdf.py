"""The words in a PDF, read by a process of its own: a hostile file can waste that process's time and memory, not ours.

Run as a program it reads a PDF from its input and writes the words to its output.
"""

from __future__ import annotations

import io
import resource
import subprocess
import sys

from signoff.connectors import faults
from signoff.kit.errors import ConnectorError

SECONDS_MAX = 20
MEMORY_BYTES_MAX = 768 * 1_048_576
PAGES_MAX = 100
_OUTPUT_CHARS_MAX = 1_000_000


def pdf_text(data: bytes) -> str:
    """Return the words of a PDF, page by page. Blocks; call it in a thread.

    Raises:
        ConnectorError: it is damaged, encrypted, or takes too long.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-m", "signoff.connectors.mail.pdf"],
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _failed(f"reading it takes longer than {SECONDS_MAX} seconds") from None
    if done.returncode != 0:
        raise _failed("it is damaged, encrypted, or not a PDF")
    return done.stdout.decode("utf-8", "replace")[:_OUTPUT_CHARS_MAX]


def _failed(reason: str) -> ConnectorError:
    return faults.fault(faults.REJECTED, f"The PDF could not be read: {reason}.")


def _main() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS_MAX, SECONDS_MAX))
    # Imported here: the library is needed in this process only.
    from pypdf import PdfReader  # noqa: PLC0415

    reader = PdfReader(io.BytesIO(sys.stdin.buffer.read()), strict=False)
    size = 0
    for number, page in enumerate(reader.pages[:PAGES_MAX]):
        text = ("\n\n" if number else "") + (page.extract_text() or "")
        sys.stdout.buffer.write(text.encode("utf-8", "replace"))
        size += len(text)
        if size > _OUTPUT_CHARS_MAX:
            break
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    _main()
