"""A model provider on loopback that speaks OpenAI's chat interface, well or badly, as a test asks of it.

    with fake_provider() as provider:
        provider.will("gpt", status(429, retry_after=1), text("pong"))   # in this order; the last one stays
        settings = Settings(..., providers={"fake": ModelProvider(base_url=provider.base_url)})   # → "fake:gpt"

From another process: `python -m tests.fake_provider 8902`; there the name of the model picks the behaviour
(`text`, `loop`, `wrong-key`, `garbage`, …: see `BY_NAME`).
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast


@dataclass
class Reply:
    """What is written to the wire. With `is_cut` the connection is closed in the middle of a chunked body."""

    chunks: list[bytes]
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    pause_seconds: float = 0.0
    hang_seconds: float = 0.0


@dataclass
class Seen:
    """One request as it came."""

    model: str
    body: dict[str, Any]
    headers: dict[str, str]
    at: float


Behaviour = Callable[[dict[str, Any], int], Reply]


class FakeProvider:
    """The server's memory: what it will do, and what it was asked."""

    def __init__(self) -> None:
        self.requests: list[Seen] = []
        self.most_at_once = 0
        self._at_once = 0
        self._plans: dict[str, list[Behaviour]] = {}
        self._lock = threading.Lock()
        self.released = threading.Event()
        self.base_url = ""

    def will(self, model: str, *behaviours: Behaviour) -> None:
        """Behave like this for `model`, one after the other; the last one again and again."""
        self._plans[model] = list(behaviours)

    def calls(self, model: str | None = None) -> int:
        """How many requests came, for one model or in all."""
        return sum(model is None or seen.model == model for seen in self.requests)

    def prompts(self) -> str:
        """Everything that was ever sent here, as one text."""
        return json.dumps([seen.body for seen in self.requests], ensure_ascii=False)

    def take(self, model: str, body: dict[str, Any], headers: dict[str, str]) -> Reply:
        with self._lock:
            self.requests.append(Seen(model, body, headers, time.monotonic()))
            number = sum(seen.model == model for seen in self.requests)
            plan = self._plans.get(model)
            behaviour = BY_NAME.get(model, text("pong")) if not plan else plan.pop(0) if len(plan) > 1 else plan[0]
        return behaviour(body, number)

    @contextmanager
    def counting(self) -> Iterator[None]:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            yield
        finally:
            with self._lock:
                self._at_once -= 1


def completion(
    body: dict[str, Any],
    message: dict[str, Any],
    *,
    usage: tuple[int, int] | None = (900, 200),
    finish: str | None = None,
    **reply: Any,
) -> Reply:
    """A whole answer, or the stream of it when a stream was asked for."""
    finish = finish or ("tool_calls" if message.get("tool_calls") else "stop")
    base = {"id": "chatcmpl-1", "created": 1_750_000_000, "model": body.get("model", "")}
    counted = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)} if usage else None
    if not body.get("stream"):
        choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
        whole = {**base, "object": "chat.completion", "choices": [choice]}
        if counted:
            whole["usage"] = counted
        return Reply([json.dumps(whole).encode()], headers={"content-type": "application/json"}, **reply)
    return Reply(
        [_event(chunk) for chunk in _chunks(base, message, finish, counted)] + [b"data: [DONE]\n\n"],
        headers={"content-type": "text/event-stream"},
        **reply,
    )


def _chunks(
    base: dict[str, Any], message: dict[str, Any], finish: str, usage: dict[str, int] | None
) -> Iterator[dict[str, Any]]:
    def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return {**base, "object": "chat.completion.chunk", "choices": [choice]}

    yield chunk({"role": "assistant", "content": ""})
    for word in (message.get("content") or "").split(" "):
        if word:
            yield chunk({"content": word + " "})
    for index, call in enumerate(message.get("tool_calls") or []):
        yield chunk({"tool_calls": [{"index": index, **call}]})
    yield chunk({}, finish)
    if usage:
        yield {**base, "object": "chat.completion.chunk", "choices": [], "usage": usage}


def _event(data: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(data)}\n\n".encode()


def text(words: str, *, usage: tuple[int, int] | None = (900, 200), pause_seconds: float = 0.0) -> Behaviour:
    """Answer with a text."""
    return lambda body, number: completion(body, {"content": words}, usage=usage, pause_seconds=pause_seconds)


def tool_calls(*calls: tuple[str, Any], ids: list[str] | None = None, usage: tuple[int, int] = (900, 200)) -> Behaviour:
    """Ask for tool calls: (name, arguments), arguments as an object or as the raw text a bad model sends."""

    def behave(body: dict[str, Any], number: int) -> Reply:
        made = [
            {
                "id": ids[index] if ids else f"call_{number}_{index}",
                "type": "function",
                "function": {"name": name, "arguments": args if isinstance(args, str) else json.dumps(args)},
            }
            for index, (name, args) in enumerate(calls)
        ]
        return completion(body, {"content": None, "tool_calls": made}, usage=usage)

    return behave


def loop(name: str = "erp_lookup", usage: tuple[int, int] = (900, 200)) -> Behaviour:
    """Ask for one more tool call, each time with other arguments, for ever."""
    return lambda body, number: tool_calls((name, {"number": number}), usage=usage)(body, number)


def status(
    code: int, message: str = "no", *, retry_after: float | None = None, error_code: str | None = None
) -> Behaviour:
    """Refuse with an HTTP status."""
    headers = {"content-type": "application/json"}
    if retry_after is not None:
        headers["retry-after"] = str(retry_after)
    error = {"error": {"message": message, "type": "error", "code": error_code}}
    return lambda body, number: Reply([json.dumps(error).encode()], status=code, headers=headers)


def wrong_key() -> Behaviour:
    """Refuse the key, as OpenAI does."""
    return status(401, "Incorrect API key provided: sk-wrong.", error_code="invalid_api_key")


def context_too_long(chars: int) -> Behaviour:
    """Refuse conversations of more than `chars` characters; answer the others."""

    def behave(body: dict[str, Any], number: int) -> Reply:
        if len(json.dumps(body["messages"])) > chars:
            refusal = status(
                400, "This model's maximum context length is 100 tokens.", error_code="context_length_exceeded"
            )
            return refusal(body, number)
        return text("short enough")(body, number)

    return behave


def raw(*chunks: bytes, content_type: str = "application/json", **reply: Any) -> Behaviour:
    """Answer with exactly these bytes."""
    return lambda body, number: Reply(list(chunks), headers={"content-type": content_type}, **reply)


def garbage() -> Behaviour:
    """Answer with something that is not JSON, and says that it is."""
    return raw(b"OK I am not JSON <|endoftext|>")


def html() -> Behaviour:
    """Answer with the page of some proxy."""
    return raw(b"<html><body><h1>502 Bad Gateway</h1></body></html>", content_type="text/html")


def wrong_shape() -> Behaviour:
    """Answer with JSON of another kind."""
    return raw(b'{"choices": "yes", "model": 7}')


def bad_utf8() -> Behaviour:
    """Answer with bytes that are no text."""
    head = b'{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop",'
    return raw(head + b'"message":{"role":"assistant","content":"\xff\xfe\xfa"}}]}')


def surrogates() -> Behaviour:
    """Answer with characters that no database takes: NUL, and half of a pair."""
    return text("a\x00b\ud83dc")


def huge(size: int = 10_000_000) -> Behaviour:
    """Answer with a text of `size` bytes."""
    return text("x" * size)


def empty() -> Behaviour:
    """Answer with nothing."""
    return lambda body, number: completion(body, {"content": ""})


def many_tool_calls(count: int = 1_000) -> Behaviour:
    """Ask for `count` tool calls at once."""
    return tool_calls(*[("erp_lookup", {"number": number}) for number in range(count)])


def truncated(behaviour: Behaviour, keep: int, *, is_cut: bool = True) -> Behaviour:
    """Behave so, but end after `keep` bytes: by closing the connection, or (`is_cut=False`) as if that were all."""

    def behave(body: dict[str, Any], number: int) -> Reply:
        reply = behaviour(body, number)
        reply.chunks, reply.is_cut = [b"".join(reply.chunks)[:keep]], is_cut
        return reply

    return behave


def hang(seconds: float = 30.0) -> Behaviour:
    """Say nothing for a while, or until the test ends."""
    return lambda body, number: Reply([b"{}"], hang_seconds=seconds)


def hang_in_stream(seconds: float = 30.0) -> Behaviour:
    """Begin an answer, then say nothing for a while, or until the test ends."""

    def behave(body: dict[str, Any], number: int) -> Reply:
        reply = completion(body, {"content": "one two three"})
        reply.chunks, reply.hang_seconds = reply.chunks[:2], seconds
        return reply

    return behave


def not_streamed(words: str = "whole") -> Behaviour:
    """Ignore that a stream was asked for."""
    return lambda body, number: completion({**body, "stream": False}, {"content": words})


BY_NAME: dict[str, Behaviour] = {
    "text": text("pong"),
    "loop": loop(),
    "wrong-key": wrong_key(),
    "rate-limited": status(429, "slow down", retry_after=1),
    "broken": status(500, "oops"),
    "overloaded": status(503, "overloaded"),
    "garbage": garbage(),
    "html": html(),
    "wrong-shape": wrong_shape(),
    "bad-utf8": bad_utf8(),
    "huge": huge(),
    "empty": empty(),
    "many-tool-calls": many_tool_calls(),
    "truncated": truncated(text("one two three four five six"), 400),
    "hang": hang(),
    "no-usage": text("pong", usage=None),
    "not-streamed": not_streamed(),
}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    provider: FakeProvider

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what many tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        provider = cast(_Server, self.server).provider
        with provider.counting():
            reply = provider.take(str(body.get("model")), body, dict(self.headers.items()))
            self._write(reply, provider)

    def _write(self, reply: Reply, provider: FakeProvider) -> None:
        is_late = reply.hang_seconds and len(reply.chunks) > 1
        if reply.hang_seconds and not is_late:
            provider.released.wait(reply.hang_seconds)
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for chunk in filter(None, reply.chunks):
            if reply.pause_seconds:
                time.sleep(reply.pause_seconds)
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
            self.wfile.flush()
        if is_late:
            provider.released.wait(reply.hang_seconds)
        if reply.is_cut:
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Be quiet."""


@contextmanager
def fake_provider(port: int = 0) -> Generator[FakeProvider]:
    """Serve on a free loopback port while the block runs."""
    server = _Server(("127.0.0.1", port), _Handler)
    server.provider = provider = FakeProvider()
    provider.base_url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="fake-provider")
    thread.start()
    try:
        yield provider
    finally:
        provider.released.set()
        server.shutdown()
        server.server_close()
        thread.join()


if __name__ == "__main__":
    with fake_provider(int(sys.argv[1])) as running:
        print(running.base_url, flush=True)
        threading.Event().wait()
