"""`signoff doctor`: what is wrong with this installation, and what to type next."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from signoff.cli.exits import FAILED, OK
from signoff.cli.local import settings_for
from signoff.cli.options import AsJson, DataDir
from signoff.cli.output import show
from signoff.kit.private import private_folder

if TYPE_CHECKING:
    from signoff.settings import Settings

_FREE_BYTES_MIN = 500_000_000


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `ok`, `warning` or `error`, and the next thing to do. `note`: only before production."""

    check: str
    state: str
    detail: str


def doctor(as_json: AsJson = False, data: DataDir = None) -> int:
    """Check settings, database, keys, workers and programs; exit code 1 when something is wrong."""
    settings = settings_for(data)
    found = [finding for check in CHECKS for finding in check(settings)]
    rows = [{"check": item.check, "state": item.state, "detail": item.detail} for item in found]
    if as_json:
        show(rows, as_json=True)
    else:
        for item in found:
            print(f"{item.state:8} {item.check:12} {item.detail}")
    return FAILED if any(item.state == "error" for item in found) else OK


def _python(settings: Settings) -> Generator[Finding]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    yield Finding("python", "ok" if sys.version_info >= (3, 11) else "error", version)


def _settings(settings: Settings) -> Generator[Finding]:
    from signoff.app.objections import objections

    found = objections(settings)
    if settings.is_production:
        for text in found:
            yield Finding("settings", "error", text)
        if not found:
            yield Finding("settings", "ok", "fit for production")
        return
    yield Finding("settings", "ok", "fit for a trial" + (", and for production" if not found else ""))
    for text in found:
        yield Finding("production", "note", text)


def _folder(settings: Settings) -> Generator[Finding]:
    folder = settings.data_dir
    try:
        private_folder(folder)
        probe = folder / ".doctor"
        probe.write_text("")
        probe.unlink()
    except OSError as error:
        yield Finding("data folder", "error", f"{folder} cannot be written: {error.strerror}")
        return
    free = shutil.disk_usage(folder).free
    state = "ok" if free > _FREE_BYTES_MIN else "warning"
    yield Finding("data folder", state, f"{folder}, {free / 1e9:.1f} GB free")


def _database(settings: Settings) -> Generator[Finding]:
    from sqlalchemy.exc import SQLAlchemyError

    from signoff.durable.census import Census
    from signoff.kit.errors import Fault
    from signoff.tables.schema import USABLE, schema_state
    from signoff.tables.session import open_engine
    from signoff.tables.walls import is_bypassed

    engine = open_engine(settings.store_url)
    try:
        state = schema_state(engine)
        words = {
            "current": "at this release's schema",
            "ahead": "made by a newer release, on which this one may work",
            "newer": "made by a newer release: install that one",
        }
        word = words.get(state, f"{state}: run signoff migrate")
        yield Finding("database", "ok" if state in USABLE else "error", f"{engine.dialect.name}, {word}")
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql" and is_bypassed(connection):
                detail = "the role is a superuser: row-level security does not bind it. Give Signoff a plain role"
                yield Finding("tenant wall", "warning", detail)
    except (SQLAlchemyError, Fault) as error:
        text = error.detail if isinstance(error, Fault) else f"does not answer ({type(error).__name__})"
        yield Finding("database", "error", text)
        return
    finally:
        engine.dispose()
    census = Census(settings)
    try:
        alive = census.alive()
        detail = f"{len(alive)} alive" if alive else "none is alive: start signoff serve or signoff worker"
        yield Finding("workers", "ok" if alive else "warning", detail)
    except SQLAlchemyError as error:
        yield Finding("workers", "error", f"the engine's database does not answer ({type(error).__name__})")
    finally:
        census.close()


def _key(settings: Settings) -> Generator[Finding]:
    from signoff.connections.keys import load_keys
    from signoff.kit.errors import Fault

    try:
        keys = load_keys(settings)
    except Fault as fault:
        yield Finding("secret key", "error", fault.detail)
        return
    yield Finding("secret key", "ok", f"fingerprint {keys.current.id}, {len(keys.old)} older")


def _programs(settings: Settings) -> Generator[Finding]:
    for name, program in settings.stdio_commands.items():
        is_there = shutil.which(program.command) is not None
        detail = program.command if is_there else f"{program.command} is not on PATH"
        yield Finding("program", "ok" if is_there else "error", f"{name}: {detail}")


def _models(settings: Settings) -> Generator[Finding]:
    from signoff.gateways.model.providers import problem_with

    names = ["openai:gpt-5-mini", "anthropic:claude-sonnet-4-5", "google:gemini-2.5-flash"]
    names += [f"{name}:any" for name in settings.providers]
    usable = [name.split(":")[0] for name in names if problem_with(name, settings) is None]
    if settings.default_model:
        problem = problem_with(settings.default_model, settings)
        yield Finding("default model", "error" if problem else "ok", problem or settings.default_model)
    detail = ", ".join(usable) if usable else "none usable: set OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY"
    yield Finding("models", "ok" if usable else "warning", detail)


CHECKS: tuple[Callable[[Any], Generator[Finding]], ...] = (
    _python,
    _settings,
    _folder,
    _database,
    _key,
    _programs,
    _models,
)
