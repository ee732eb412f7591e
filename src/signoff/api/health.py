"""Is it alive, is it ready, and if not, why."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request, Response

from signoff import __version__
from signoff.api.answers import answer
from signoff.api.house import House, house_of
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
    """Whether work asked for now would be done; each check is `ok` or says what is wrong."""

    ok: bool
    service: str
    version: str
    timestamp: str
    checks: dict[str, str]


@router.get("/v1/health/live", response_model=Alive)
async def live() -> Response:
    """The process answers. It asks nobody else, so that a database outage does not restart it."""
    return answer(Alive(True, __version__))


@router.get("/v1/health/ready", response_model=Ready, responses={503: {"model": Ready, "description": "Not ready."}})
async def ready(request: Request) -> Response:
    """Whether work asked for now would be done: database, migrations, a living worker. 503 with the reasons if not."""
    return await _ready(house_of(request))


@router.get("/v1/health", response_model=Ready, responses={503: {"model": Ready, "description": "Not ready."}})
async def health(request: Request) -> Response:
    """The same as `/v1/health/ready`."""
    return await _ready(house_of(request))


async def _ready(house: House) -> Response:
    checks = await house.readiness.checks()
    is_ok = all(word == "ok" for word in checks.values())
    moment = clock.now().isoformat().replace("+00:00", "Z")
    return answer(Ready(is_ok, "signoff", __version__, moment, checks), 200 if is_ok else 503)
