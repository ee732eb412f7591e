"""`signoff demo`: sets the stage, starts one run for each message, shows what comes of them, and keeps serving."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import shutil
import webbrowser
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from signoff import durable
from signoff.app import build_services
from signoff.connectors.listening import check_port
from signoff.demo import script
from signoff.demo.batch import Batch, request_runs
from signoff.demo.erp import tally
from signoff.demo.mailbox import write_mailbox
from signoff.demo.progress import Played, said, show, watch
from signoff.demo.serving import Serving, serving
from signoff.demo.stage import Stage, demo_settings, erp_database, set_the_stage
from signoff.engine.worker import Worker
from signoff.gateways.model.providers.naming import problem_with
from signoff.gateways.services import Services
from signoff.kit.errors import Malformed
from signoff.kit.private import private_folder
from signoff.people.actions import create_setup_link
from signoff.settings import Settings
from signoff.tables.migrate import migrate

_DONE, _SOME_FAILED = 0, 1


def run_demo(
    settings: Settings,
    *,
    mail: Path | None = None,
    model: str | None = None,
    limit: int | None = None,
    open_browser: bool = False,
    serve: bool = True,
    exit_when_done: bool = False,
    console: Console | None = None,
) -> int:
    """Play the demo; return the exit code: 0 when every message was handled, 1 when some runs failed.

    Args:
        mail: a folder of messages, a Maildir or an mbox; None takes the sample mailbox.
        model: `provider:name` of a real model; None takes the offline scripted one, whatever keys there are.
        limit: at most so many messages.
        serve: answer on the settings' host and port. Without it the runs are worked on and nothing listens.
        exit_when_done: end when every message is handled, instead of serving on.

    Raises:
        Malformed: the mail cannot be found, or the model cannot be used; says what to do.
        NotNow: the port is in use.
    """
    if serve:
        check_port(settings.host, settings.port, command="demo")
    output = console or Console()
    folder = _mail_folder(settings, mail)
    chosen = demo_settings(settings, folder)
    name = model or script.MODEL
    script.register()
    problem = problem_with(name, chosen)
    if problem is not None:
        raise Malformed(f"{problem} Or leave the model out: the demo then uses its offline scripted one.")
    private_folder(chosen.data_dir)
    if mail is None:
        write_mailbox(folder)
    migrate(chosen.store_url)
    play = _Play(chosen, folder, name, limit, output)
    with contextlib.suppress(KeyboardInterrupt):
        return asyncio.run(play.run(serve=serve, open_browser=open_browser, exit_when_done=exit_when_done))
    return _DONE


def _mail_folder(settings: Settings, mail: Path | None) -> Path:
    if mail is None:
        return settings.data_dir / "mailbox"
    folder = mail.expanduser().resolve()
    if folder.is_file():
        return _folder_of_one(settings, folder)
    if not folder.is_dir():
        raise Malformed(f"There is no {folder}. Give a folder of messages, a Maildir or an mbox file.")
    return folder


def _folder_of_one(settings: Settings, file: Path) -> Path:
    """Return a folder that holds a copy of one file: the product reads folders, and never more than it was given."""
    folder = settings.data_dir / "mail" / hashlib.sha256(str(file).encode()).hexdigest()[:12]
    private_folder(settings.data_dir)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy2(file, folder / file.name)
    return folder


class _Play:
    """One showing: everything of it happens on one event loop."""

    def __init__(self, settings: Settings, folder: Path, model: str, limit: int | None, console: Console) -> None:
        self._settings = settings
        self._folder = folder
        self._model = model
        self._limit = limit
        self._console = console

    async def run(self, *, serve: bool, open_browser: bool, exit_when_done: bool) -> int:
        opened = serving(self._settings) if serve else _working(self._settings)
        async with opened as place:
            with self._console.status("Setting the stage ..."):
                stage = await set_the_stage(
                    self._settings, place.services.store, place.services, self._folder, self._model
                )
            if isinstance(place, Serving):
                await self._invite(place, stage, open_browser)
            # Asked for while the product is open: the first messages are worked on before the last are listed.
            batch = await request_runs(place.services, stage, self._model, limit=self._limit)
            runs = await self._watch(place.services, batch)
            if isinstance(place, Serving) and not exit_when_done:
                self._console.print("Serving. Press Ctrl-C to stop; start the demo again to go on where it was.")
                # Shielded: Ctrl-C ends the wait, and the server then stops in its own order.
                await asyncio.shield(place.task)
        return _SOME_FAILED if any(run.state != "completed" for run in runs) else _DONE

    async def _invite(self, place: Serving, stage: Stage, open_browser: bool) -> None:
        token = await place.services.store.write_async(
            lambda session: create_setup_link(
                session,
                stage.principal,
                member_id=stage.member_id,
                purpose="first_run",
                lifetime_seconds=self._settings.setup_link_seconds,
            )
        )
        link = f"{place.address}/setup/{token}"
        self._console.print(f"Signoff is open. Sign in once with this link:\n\n  {link}\n", soft_wrap=True)
        if open_browser:
            await asyncio.to_thread(webbrowser.open, link)

    async def _watch(self, services: Services, batch: Batch) -> list[Played]:
        self._console.print(f"{batch.found} messages in {escape(str(self._folder))}: {batch.summary()}", soft_wrap=True)
        runs = await watch(services.store, batch.run_ids, self._console)
        show(self._console, runs)
        for refused in batch.refused:
            self._console.print(f"  Not started: {said(refused)}", soft_wrap=True)
        totals = tally.totals(erp_database(self._settings, "production"))
        posted, flagged = totals.get("posted", 0), totals.get("flagged", 0)
        self._console.print(f"The ERP has {posted} bills and {flagged} flags from this demo, each once.")
        return runs


@dataclass(frozen=True, slots=True)
class _Workshop:
    """A worker without a server."""

    services: Services


@contextlib.asynccontextmanager
async def _working(settings: Settings) -> AsyncGenerator[_Workshop]:
    """Work on runs; nothing listens."""
    services = build_services(settings, may_act=durable.may_act)
    worker = Worker()
    try:
        await worker.start(services)
        yield _Workshop(services)
    finally:
        await worker.stop()
        await services.close()
        services.store.close()
