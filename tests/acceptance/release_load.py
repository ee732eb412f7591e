"""Runs asked for at a steady rate over HTTP, and what every caller was told: for releases under load."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from math import sqrt
from statistics import NormalDist
from typing import Any

import httpx2

from signoff.deployments.bucket import BUCKETS, bucket
from tests.acceptance.product import Product

CALLERS = 8
KEYS = [f"customer-{number}" for number in range(200)]
# A share lies in its interval in 999 of 1,000 tries.
SIGMAS = NormalDist().inv_cdf(0.9995)


@dataclass(frozen=True)
class Asked:
    """One run as its caller knows it. `key` is what decided its variant: the sticky key, or the run's own id."""

    began: float
    ended: float
    key: str
    is_sticky: bool
    run: str
    revision: int


@dataclass(frozen=True)
class Served:
    """What was true from one moment, at the earliest, to another, at the latest."""

    since: float
    until: float
    live: int
    candidate: int | None
    share: int
    salt: str

    def revision_for(self, key: str) -> int:
        is_candidate = self.candidate is not None and bucket(self.salt, key) < self.share
        return self.candidate if is_candidate and self.candidate is not None else self.live


@dataclass
class Traffic:
    """Asks at `rate` a second, every other run with a sticky key, until the block ends."""

    product: Product
    slug: str
    rate: float
    callers: int = CALLERS
    asked: list[Asked] = field(default_factory=list[Asked])
    faults: list[str] = field(default_factory=list[str])
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
        began = time.monotonic()
        try:
            answer = client.post(f"/v1/{self.product.workspace}/agents/{self.slug}:execute", json=given)
            made = answer.json()
        except (httpx2.HTTPError, ValueError) as fault:
            self.faults.append(repr(fault))
            return
        if answer.status_code not in (200, 202):
            self.faults.append(f"{answer.status_code} {answer.text[:300]}")
            return
        self.asked.append(Asked(began, time.monotonic(), key or made["id"], key is not None, made["id"],
                                made["revision"]))  # fmt: skip


def within(asked: list[Asked], served: list[Served]) -> list[tuple[Asked, Served]]:
    """Pair each run that was asked for and answered while one thing was true with what was."""
    found: list[tuple[Asked, Served]] = []
    for one in asked:
        found += [(one, what) for what in served if what.since <= one.began and one.ended <= what.until]
    return found


def shares(pairs: list[tuple[Asked, Served]]) -> dict[int, tuple[int, int, float, float]]:
    """By share of 10,000: how many runs of no key there were, how many got the candidate, and between which numbers
    that must be."""
    found: dict[int, tuple[int, int, float, float]] = {}
    for share in sorted({what.share for _, what in pairs if what.candidate is not None}):
        mine = [(one, what) for one, what in pairs if what.share == share and not one.is_sticky]
        count, hits = len(mine), sum(one.revision == what.candidate for one, what in mine)
        chance = share / BUCKETS
        width = SIGMAS * sqrt(count * chance * (1 - chance)) + 0.5
        found[share] = (count, hits, count * chance - width, count * chance + width)
    return found
