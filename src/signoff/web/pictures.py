"""Pictures made from text: the QR code an authenticator app reads. It is part of the page, fetched from nobody."""

from __future__ import annotations

import segno


def qr_picture(text: str) -> str:
    """Return `text` as the address of a QR code: an SVG image of some kilobytes, black on white in every theme."""
    return segno.make(text, error="m", micro=False).svg_data_uri(border=3, dark="#000", light="#fff", omitsize=True)
