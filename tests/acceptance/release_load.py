"""Runs asked for at a steady rate over HTTP, and what every caller was told: for releases under load."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.acceptance.product import Product

CALLERS = 8
KEYS = [f"customer-{number}" for number in range(200)]
# How often a request is made until it counts as lost; see `Traffic`.
TRIES_MAX = 200


@dataclass(frozen=True)
class Asked:
    """One run as its caller knows it. `seconds`: how long the try took that was answered with it."""

    ended: float
    seconds: float
    run: str
    revision: int


@dataclass
class Traffic:
    """Asks at `rate` a second, every other run with a sticky key, until the block ends.

    Each request has an `Idempotency-Key` and is made again, as its client should, while the server is crowded and
    when the connection breaks. Whatever else is answered is a fault.
    """

    product: Product
    slug: str
    rate: float
    callers: int = CALLERS
    asked: list[Asked] = field(default_factory=list[Asked])
    faults: list[str] = field(default_factory=list[str])
    turned_away: int = 0
    _ended: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list[threading.Thread])
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _next: int = 0
    _began: float = 0.0

    def __enter__(self) -> Traffic:
        self._began = time.monotonic()
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(self.callers)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    @property
    def reached(self) -> float:
        """How many runs a second were asked for and answered."""
        return len(self.asked) / (max(one.ended for one in self.asked) - self._began)

    def _call(self) -> None:
        headers = {"Authorization": f"Bearer {self.product.key}"}
        with httpx2.Client(base_url=self.product.address, headers=headers, timeout=120) as client:
            while not self._ended.is_set():
                with self._lock:
                    number, self._next = self._next, self._next + 1
                self._ended.wait(max(0.0, self._began + number / self.rate - time.monotonic()))
                self._ask(client, number)

    def _ask(self, client: httpx2.Client, number: int) -> None:
        key = KEYS[number // 2 % len(KEYS)] if number % 2 else None
        given = {"input": {"n": number}, **({"stickyKey": key} if key else {})}
        path, named = f"/v1/{self.product.workspace}/agents/{self.slug}:execute", {"Idempotency-Key": f"load-{number}"}
        said = "nothing"
        for _ in range(TRIES_MAX):
            began = time.monotonic()
            try:
                answer = client.post(path, json=given, headers=named)
            except httpx2.TransportError as fault:
                said = repr(fault)
                time.sleep(0.1)
                continue
            if answer.status_code in (200, 202):
                made, ended = answer.json(), time.monotonic()
                self.asked.append(Asked(ended, ended - began, made["id"], made["revision"]))
                return
            said = f"{answer.status_code} {answer.text[:300]}"
            if answer.status_code != 503 or answer.json()["code"] != "crowded":
                break
            self.turned_away += 1
            time.sleep(float(answer.headers["Retry-After"]))
        self.faults.append(said)
