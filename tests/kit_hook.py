"""A service on loopback that people are told through: it keeps what it is posted, and may refuse first."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Heard:
    """One post as it came, taken or not."""

    headers: dict[str, str]
    body: bytes
    status: int

    def is_signed_by(self, secret: str) -> bool:
        """What a receiver does, after the text of Standard Webhooks, and with nothing of ours."""
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + self.body
        wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        given = [one.partition(",") for one in self.headers["webhook-signature"].split(" ")]
        return any(version == "v1" and hmac.compare_digest(value, wanted) for version, _, value in given)


class Hook:
    """What was posted, by path, and with which statuses the next posts are answered.

    `heard` has every post, also those that were refused; `answer_headers` and `answer_body` go with each answer.
    """

    def __init__(self) -> None:
        self.posts: list[tuple[str, Any]] = []
        self.heard: list[Heard] = []
        self.answer_headers: dict[str, str] = {}
        self.answer_body = b""
        self.statuses: list[int] = []
        self.port = 0

    def url(self, path: str = "/hook/secret-path") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def bodies(self) -> list[Any]:
        return [body for _, body in self.posts]


@contextmanager
def hook_server() -> Generator[Hook]:
    """Serve a hook on a free port of loopback."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            status = hook.statuses.pop(0) if hook.statuses else 200
            headers = {name.lower(): value for name, value in self.headers.items()}
            hook.heard.append(Heard(headers, body, status))
            if status < 300:
                hook.posts.append((self.path, json.loads(body)))
            self.send_response(status)
            for name, value in hook.answer_headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(hook.answer_body)))
            self.end_headers()
            self.wfile.write(hook.answer_body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
