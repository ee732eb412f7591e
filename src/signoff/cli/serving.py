"""`signoff serve` and `signoff worker`: the processes of the product."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from signoff.cli.exits import FAILED, OK, SERVER, Stop, say
from signoff.cli.local import settings_for
from signoff.cli.options import DataDir

if TYPE_CHECKING:
    import uvicorn

    from signoff.settings import Settings

KEEP_ALIVE_SECONDS = 75


def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="The address to listen on, instead of SIGNOFF_HOST.")
    ] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Instead of SIGNOFF_PORT.")] = None,
    with_worker: Annotated[
        bool, typer.Option("--worker/--no-worker", help="Carry runs out in this process too.")
    ] = True,
    workers: Annotated[
        int, typer.Option("--workers", min=0, max=64, help="Carry runs out in so many processes beside this one.")
    ] = 0,
    supervise: Annotated[bool, typer.Option("--supervise", help="Start the process again when it crashes.")] = False,
    data: DataDir = None,
) -> int:
    """Serve the pages and the API, and carry runs out."""
    settings = settings_for(data)
    changes = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    settings = settings.model_copy(update=changes)
    if supervise:
        from signoff.cli.supervising import keep_serving

        return keep_serving(settings, with_worker=with_worker, workers=workers)
    return _serve(settings, with_worker and not workers, workers)


def _leave_out() -> None:
    """Before anything imports httpx: its own command line would bring rich and pygments along, which hold 4 MB here. It
    asks whether they are there, and does without."""
    sys.modules.setdefault("httpx._main", None)  # pyright: ignore[reportArgumentType]


def _serve(settings: Settings, with_worker: bool, workers: int) -> int:
    _leave_out()
    import uvicorn

    from signoff.app import build_app
    from signoff.app.collecting import ease_collection
    from signoff.app.waiting import wait_for_databases
    from signoff.cli.crew import Crew
    from signoff.connectors.listening import check_port
    from signoff.kit.logs import set_up_logs

    # First, so that a refusal to start is one line and nothing else.
    check_port(settings.host, settings.port, command="serve")
    wait_for_databases(settings, say=say)
    app = build_app(settings, with_worker=with_worker)
    set_up_logs(settings.log_format, settings.log_level)
    server = uvicorn.Server(server_config(settings, app))
    ease_collection()
    crew = Crew(settings, workers)
    crew.start()
    try:
        server.run()
    except SystemExit:  # What it could not do is in the log; its exit code is none of ours.
        raise Stop(SERVER, "The server did not start; the log above says why.") from None
    finally:
        crew.end()
    return OK if server.started else FAILED


def server_config(settings: Settings, app: Any) -> uvicorn.Config:
    """Return how the application is served."""
    import uvicorn

    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Only a proxy the operator names may say who its client is.
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=",".join(settings.trusted_proxies) or None,
        # Longer than any `Retry-After` of ours and than proxies keep a connection: whoever closes first while the other
        # sends loses that request, and it should not be this side.
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, int(settings.shutdown_grace_seconds)),
    )


def worker(
    data: DataDir = None,
    until_input_ends: Annotated[
        bool, typer.Option("--until-input-ends", hidden=True, help="End with whoever started this.")
    ] = False,
) -> int:
    """Carry runs out, beside other processes on the same database. Serves nothing."""
    from signoff.app.waiting import wait_for_databases
    from signoff.kit.logs import set_up_logs

    settings = settings_for(data)
    set_up_logs(settings.log_format, settings.log_level)
    wait_for_databases(settings, say=say)  # Here, where Ctrl-C still ends the process at once.
    asyncio.run(_work(settings, until_input_ends))
    return OK


async def _work(settings: Settings, until_input_ends: bool) -> None:
    _leave_out()
    from signoff import durable
    from signoff.app import build_services
    from signoff.app.collecting import ease_collection
    from signoff.engine.worker import Worker

    services = build_services(settings, may_act=durable.may_act)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if until_input_ends:

        def ended() -> None:
            loop.remove_reader(sys.stdin)  # Its end can be read for ever.
            stop.set()

        loop.add_reader(sys.stdin, ended)  # Nothing is ever written to it.
    engine = Worker()
    try:
        await engine.start(services)
        ease_collection()
        say(f"Working as {durable.worker_id()}. Ctrl-C ends it; what is unfinished goes on elsewhere.")
        await stop.wait()
    finally:
        await engine.stop()
        await services.close()
        services.store.close()
