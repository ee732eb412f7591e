"""Is it alive, is it ready, and if not, why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Query, Request, Response

from signoff import __version__
from signoff.api.answers import answer
from signoff.api.house import House, house_of
from signoff.api.readiness import PARTS, Part
from signoff.api.shapes import router as make_router
from signoff.kit import clock

router = make_router("health")


@dataclass(frozen=True, slots=True)
class Alive:
    """The process answers."""

    ok: bool
    version: str


@dataclass(frozen=True, slots=True)
class Ready:
    """Whether work asked for now would be done; each check is `ok` or says what is wrong. `ok` is about those asked.

    `maintenance` says that nothing can be changed at present, and why; null when there is none.
    """

    ok: bool
    service: str
    version: str
    timestamp: str
    checks: dict[Part, str]
    maintenance: str | None


@router.get("/v1/health/live", response_model=Alive)
async def live() -> Response:
    """The process answers. It asks nobody else, so that a database outage does not restart it."""
    return answer(Alive(True, __version__))


_Parts = Annotated[
    list[Part] | None,
    Query(description="What it is decided by; without it, everything. A load balancer of pages asks for `database`."),
]


@router.get("/v1/health/ready", response_model=Ready, responses={503: {"model": Ready, "description": "Not ready."}})
async def ready(request: Request, part: _Parts = None) -> Response:
    """Whether work asked for now would be done: database, migrations, a living worker, a queue that moves. 503 with the
    reasons if not."""
    return await _ready(house_of(request), part)


@router.get("/v1/health", response_model=Ready, responses={503: {"model": Ready, "description": "Not ready."}})
async def health(request: Request, part: _Parts = None) -> Response:
    """The same as `/v1/health/ready`."""
    return await _ready(house_of(request), part)


async def _ready(house: House, wanted: list[Part] | None) -> Response:
    found = await house.readiness.checks()
    checks: dict[Part, str] = {part: found[part] for part in wanted or PARTS}
    is_ok = all(word == "ok" for word in checks.values())
    moment = clock.now().isoformat().replace("+00:00", "Z")
    # Asked of the database only when it answers: whoever looks at health waits for nothing.
    order = await house.lookout.standing() if found["database"] == "ok" else None
    ready = Ready(is_ok, "signoff", __version__, moment, checks, order.sentence if order else None)
    return answer(ready, 200 if is_ok else 503)
