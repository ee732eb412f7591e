"""Browser files: our own CSS and JavaScript and the vendored ones, served with content hashes and kept for ever.

Our CSS files are joined in order into one response, and so is the script every page needs. With ``reload`` the join is
repeated when a file changes, so the loop is "edit, reload" with no watcher process.

htmx and its extension have to be in one file: htmx 4 starts from a timer when its script is deferred, and an extension
that arrives in a later file can miss the first scan of the page.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import mimetypes
import os
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

HERE = Path(__file__).parent / "static"
VENDOR = Path(str(files("signoff_vendor")))
STYLES = (
    "tokens",
    "base",
    "components",
    "tables",
    "overlays",
    "code",
    "charts",
    "timeline",
    "shell",
    "pages",
    "agents",
    "admin",
    "inbox",
)
JOINED = {
    "app.css": [HERE / "css" / f"{name}.css" for name in STYLES],
    "app.js": [
        VENDOR / "htmx.js",
        VENDOR / "hx-sse.js",
        HERE / "js" / "app.js",
        HERE / "js" / "palette.js",
        HERE / "js" / "asks.js",
    ],
    "sop.js": [HERE / "js" / "sop.js"],
}
FONTS = ("geist-latin", "geist-latin-ext", "geist-mono-latin")
FOREVER = "public, max-age=31536000, immutable"
TYPES = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".woff2": "font/woff2"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent: its bytes, the same packed with gzip (None where that gains nothing), and its hash."""

    body: bytes
    packed: bytes | None
    media_type: str
    digest: str


class Assets:
    """The files by their public name. Raises KeyError for a name that is none of them."""

    def __init__(self, reload: bool = False) -> None:
        self.reload = reload
        self._seen: dict[str, tuple[float, Asset]] = {}

    def get(self, name: str) -> Asset:
        if name in self._seen and not self.reload:
            return self._seen[name][1]
        paths = _sources(name)
        changed = max(path.stat().st_mtime for path in paths)
        if name not in self._seen or self._seen[name][0] != changed:
            self._seen[name] = (changed, _asset(name, self._body(name, paths)))
        return self._seen[name][1]

    def url(self, name: str) -> str:
        return f"/static/{name}?v={self.get(name).digest}"

    def respond(self, request: Request, name: str) -> Response:
        try:
            asset = self.get(name)
        except KeyError:
            return Response("There is no such file.", status_code=404, media_type="text/plain")
        headers = {"Vary": "Accept-Encoding", "ETag": f'"{asset.digest}"'}
        headers["Cache-Control"] = FOREVER if request.query_params.get("v") == asset.digest else "no-cache"
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        body = asset.body
        if asset.packed and "gzip" in request.headers.get("accept-encoding", ""):
            body = asset.packed
            headers["Content-Encoding"] = "gzip"
        return Response(body, media_type=asset.media_type, headers=headers)

    def _body(self, name: str, paths: list[Path]) -> bytes:
        body = (b"\n;" if name.endswith(".js") else b"\n").join(path.read_bytes() for path in paths)
        body = re.sub(rb"(?m)^//# sourceMappingURL=.*$", b"", body)
        if name.endswith(".css"):  # fonts are named by their hashed address, like every other file
            for font in FONTS:
                body = body.replace(f"url({font})".encode(), f"url({self.url(f'vendor/{font}.woff2')})".encode())
        return body


def _sources(name: str) -> list[Path]:
    if name in JOINED:
        return JOINED[name]
    root, inner = (VENDOR, name.removeprefix("vendor/")) if name.startswith("vendor/") else (HERE, name)
    path = (root / inner).resolve() if "\0" not in inner else root
    # The vendored folder is an importable package: only what a browser needs leaves it.
    if path.suffix not in (*TYPES, ".txt") or not path.is_relative_to(root.resolve()) or not path.is_file():
        raise KeyError(name)
    return [path]


def _asset(name: str, body: bytes) -> Asset:
    kind = TYPES.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    is_text = kind.startswith("text/") or kind == "image/svg+xml"
    packed = gzip.compress(body, 9, mtime=0) if is_text else None
    return Asset(body, packed, kind, hashlib.sha256(body).hexdigest()[:10])


@cache
def assets() -> Assets:
    """The one set of this process. ``SIGNOFF_WEB_RELOAD=1`` looks at the files again on each request."""
    return Assets(reload=os.environ.get("SIGNOFF_WEB_RELOAD") == "1")


def serve_asset(request: Request) -> Response:
    """Endpoint for ``/static/{name:path}``."""
    return assets().respond(request, str(request.path_params["name"]))


@cache
def _icons() -> dict[str, str]:
    return json.loads((VENDOR / "icons.json").read_text(encoding="utf-8"))


def icon(name: str, size: int = 16, label: str = "") -> Markup:
    """A Lucide drawing inline: no request, no flash, the colour of the text around it. KeyError for an unknown name."""
    role = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup(
        '<svg class="icon" width="{0}" height="{0}" viewBox="0 0 24 24" fill="none" stroke="currentColor" '
        'stroke-width="2" stroke-linecap="round" stroke-linejoin="round" {1}>{2}</svg>'
    ).format(size, role, Markup(_icons()[name]))  # noqa: S704 - our own vendored drawing
