"""A web service that wants a bearer token, for connections whose login ends; it remembers what it was sent."""

from __future__ import annotations

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DOCUMENT: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Bill desk", "version": "1"},
    "paths": {
        "/bills/{n}": {
            "get": {
                "operationId": "get_bill",
                "parameters": [{"name": "n", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {"200": {"description": "The bill."}},
            }
        }
    },
}


class BillDesk:
    """Its address, the token it takes, and the requests it had."""

    def __init__(self) -> None:
        self.url = ""
        self.token = ""
        self.requests: list[tuple[str, str]] = []


@contextmanager
def bill_desk(token: str) -> Generator[BillDesk]:
    """Serve on a free loopback port while the block runs."""
    desk = BillDesk()
    desk.token = token

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            sent = self.headers.get("authorization", "")
            desk.requests.append((self.path, sent))
            is_known = sent == f"Bearer {desk.token}"
            answer: Any = DOCUMENT if self.path == "/openapi.json" else {"bill": self.path, "you_sent": sent}
            data = json.dumps(answer if is_known else {"error": "the token has expired"}).encode()
            self.send_response(200 if is_known else 401)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    desk.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="bill-desk")
    thread.start()
    try:
        yield desk
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
