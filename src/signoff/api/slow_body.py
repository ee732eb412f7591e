"""A body that does not come is not waited for: 408, and the place is free for others."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signoff.api import problems
from signoff.kit import clock


class BodyDeadline:
    """Gives every body `seconds` to arrive whole. What is sent after the body (a client that leaves) has no limit."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self.app = app
        self.seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        deadline, is_whole, is_late, is_started = clock.monotonic_seconds() + self.seconds, False, False, False

        async def receive_in_time() -> Message:
            nonlocal is_whole, is_late
            if is_whole:
                return await receive()
            try:
                async with asyncio.timeout(max(deadline - clock.monotonic_seconds(), 0.001)):
                    message = await receive()
            except TimeoutError:
                is_late = True
                raise _TooSlow from None
            is_whole = not message.get("more_body", False)
            return message

        async def send_watched(message: Message) -> None:
            nonlocal is_started
            if is_late and not is_started:
                raise _TooSlow  # Whatever made of it what it is not: the answer is ours.
            is_started = is_started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive_in_time, send_watched)
        except _TooSlow:
            if is_started:
                raise
            detail = f"The body did not arrive within {self.seconds:g} seconds. Send it again, or send less."
            # The rest of the body is not read, so the connection cannot be used again.
            answer = problems.respond(Request(scope), 408, "body_too_slow", detail, headers={"Connection": "close"})
            await answer(scope, receive, send)


class _TooSlow(ClientDisconnect):
    """The body did not arrive in time."""
