"""Builds the application: services, rules for every request, routes, and what runs beside them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from signoff import __version__, durable
from signoff.api import openapi
from signoff.api.address_rate import AddressRate
from signoff.api.house import House
from signoff.api.mcp.envelope import add_mcp
from signoff.api.middleware import AccessLog, CleanAddress, CleanHead, Crashes, TrustedHosts, trusted_names
from signoff.api.readiness import Readiness
from signoff.api.routes import ROUTERS
from signoff.api.shared_rates import SharedRates
from signoff.api.slow_body import BodyDeadline
from signoff.app import errors, housekeeping
from signoff.app.checks import check_schema, check_settings
from signoff.app.maintaining import MaintenanceRule
from signoff.app.pages import add_pages
from signoff.connections.secrets import Vault
from signoff.connectors.net import guard_of
from signoff.durable.census import Census
from signoff.engine.crowding import tell_of_crowds
from signoff.engine.precedence import Precedence
from signoff.engine.worker import Worker
from signoff.freezes.lookout import Lookout
from signoff.gateways.services import Services
from signoff.kit.sealing import Sealer
from signoff.people.entrance import Entrance
from signoff.people.single_sign_on import SingleSignOn
from signoff.settings import Settings
from signoff.tables.session import Store
from signoff.web.security import BodyLimit, RequestId, SameOrigin, SecurityHeaders

log = logging.getLogger(__name__)
_Loop = Callable[[], Coroutine[Any, Any, None]]


def build_services(
    settings: Settings, store: Store | None = None, *, may_act: Callable[[], bool] | None = None
) -> Services:
    """Return what the gateways need, on a database that is at this release's schema.

    Raises:
        NotReadyToStart: the settings or the database are not fit to start with; the text says what to do.
    """
    check_settings(settings)
    opened = store or Store.open(settings.store_url)
    try:
        check_schema(opened)
        vault = Vault.build(settings)
    except BaseException:
        if store is None:
            opened.close()
        raise
    return (
        Services.build(settings, opened, vault, may_act=may_act) if may_act else Services.build(settings, opened, vault)
    )


def build_app(settings: Settings, *, with_worker: bool = True) -> FastAPI:
    """Return the whole product as one ASGI application; with `with_worker`, it also carries runs out.

    Raises:
        NotReadyToStart: as `build_services`.
    """
    services = build_services(settings, may_act=durable.may_act if with_worker else None)
    # What a request does sees its own workspace only; the door sees all of them. Neither waits for the runs.
    census, store, door = Census(settings), services.store.for_requests(), services.store.beside()
    precedence = Precedence((door, store), least_per_second=settings.run_starts_per_second_min)
    worker = Worker(precedence) if with_worker else None
    # What is asked before a request is let in waits for no request.
    ahead = services.store.beside(threads=2)
    lookout = Lookout(ahead)
    app = FastAPI(
        title="Signoff",
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(services, worker, census, _always(services, ahead, (door, store))),
    )
    entrance = Entrance(
        door,
        Sealer(services.vault.keys),
        attempts_per_minute=settings.sign_in_per_minute,
        session_seconds=settings.session_absolute_seconds,
        total_per_minute=settings.sign_in_total_per_minute,
        reset_link_seconds=settings.reset_link_seconds if settings.smtp_url else None,
    )
    app.state.house = House(
        settings=settings,
        store=store,
        door=door,
        services=services,
        entrance=entrance,
        callers=SharedRates(settings.rate_per_minute, ahead, name="caller"),
        # Several keys of one workspace share this, so that one workspace does not take what is everybody's.
        crowds=SharedRates(
            settings.rate_workspace_per_minute or 10 * settings.rate_per_minute, ahead, name="workspace"
        ),
        knocks=SharedRates(settings.wrong_keys_per_minute or settings.rate_per_minute, ahead, name="knock"),
        single_sign_on=SingleSignOn(
            door,
            Sealer(services.vault.keys),
            guard_of(settings),
            attempts_per_minute=settings.sign_in_per_minute,
            session_seconds=settings.session_absolute_seconds,
        ),
        readiness=Readiness(
            door,
            census,
            queue_seconds_max=settings.queue_still_seconds_max,
            places_per_worker=settings.worker_concurrency,
        ),
        lookout=lookout,
        precedence=precedence,
    )
    # The routes themselves. `include_router` would build each of them a second time, with the first request: 10 MB, and
    # a way through two lists for every request.
    app.router.routes.extend(route for router in ROUTERS for route in router.routes)
    add_pages(app)
    errors.add_handlers(app)
    openapi.describe(app)
    add_mcp(app)
    _add_rules(app, settings, ahead, lookout)
    return app


def _add_rules(app: FastAPI, settings: Settings, store: Store, lookout: Lookout) -> None:
    """Wrap the application in the rules that hold before a route is asked. The last one added is the outermost."""
    origins = [settings.public_url] if settings.public_url else []
    app.add_middleware(GZipMiddleware, minimum_size=1_000)
    app.add_middleware(MaintenanceRule, lookout=lookout)
    app.add_middleware(BodyLimit, bytes_max=settings.request_bytes_max)
    app.add_middleware(BodyDeadline, seconds=settings.request_seconds_max)
    app.add_middleware(SameOrigin, public_origins=origins)
    app.add_middleware(CleanAddress)
    app.add_middleware(CleanHead, bytes_max=settings.header_bytes_max)
    address_rate = settings.rate_address_per_minute or 10 * settings.rate_per_minute
    app.add_middleware(AddressRate, rates=SharedRates(address_rate, store, name="address"))
    app.add_middleware(TrustedHosts, names=trusted_names(settings.trusted_hosts, settings.public_url, settings.host))
    app.add_middleware(Crashes, answer=errors.crashed)
    app.add_middleware(SecurityHeaders, is_https=settings.is_https)
    app.add_middleware(AccessLog)
    app.add_middleware(RequestId)


def _always(services: Services, ahead: Store, requests: Sequence[Store]) -> list[_Loop]:
    """Return what goes on for as long as the application serves, beside the requests and the runs."""
    loops: list[_Loop] = [
        lambda: housekeeping.keep_tidy(services.store, audit_days=services.settings.audit_retention_days),
        lambda: housekeeping.keep_watch(services.store),
    ]
    if not services.store.is_sqlite:
        loops.append(lambda: tell_of_crowds(ahead, lambda: sum(store.wait_seconds for store in requests)))
    return loops


def _lifespan(
    services: Services,
    worker: Worker | None,
    census: Census,
    loops: Sequence[_Loop],
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        tasks = [asyncio.create_task(loop()) for loop in loops]
        try:
            if worker is not None:
                await worker.start(services)
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if worker is not None:
                await worker.stop()
            app.state.house.entrance.close()
            await services.close()
            census.close()
            services.store.close()

    return lifespan
