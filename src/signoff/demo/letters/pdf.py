"""The smallest PDF that shows lines of text: one page, one font, nothing compressed."""

from __future__ import annotations

_TOP = 780
_LINE = 16
_PAGE = (
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>"
)


def pdf(lines: list[str], *, filler_bytes: int = 0) -> bytes:
    """Return a PDF of `lines` (Latin-1), padded by an unused stream of `filler_bytes`, as a scan would be."""
    shown = "\n".join(
        f"1 0 0 1 60 {_TOP - _LINE * number} Tm ({_escaped(line)}) Tj" for number, line in enumerate(lines)
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        _PAGE,
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        _stream(f"BT /F1 11 Tf\n{shown}\nET".encode("cp1252", "replace")),
    ]
    if filler_bytes:
        objects.append(_stream((bytes(range(256)) * (filler_bytes // 256 + 1))[:filler_bytes]))
    return _file(objects)


def _escaped(line: str) -> str:
    return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content)


def _file(objects: list[bytes]) -> bytes:
    out = bytearray(b"%PDF-1.4\n")
    offsets: list[int] = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for offset in offsets:
        out += b"%010d 00000 n \n" % offset
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
