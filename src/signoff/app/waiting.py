"""Waiting for a database that starts after us: after a power cut, or beside us in a cluster."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from signoff.app.checks import NotReadyToStart, check_settings
from signoff.kit import clock
from signoff.kit.text import shortened
from signoff.settings import Settings
from signoff.tables.session import open_engine

_PAUSE_SECONDS = 2.0
# One try ends after so long, also where nobody says that nobody is there.
_TRY_SECONDS = 5
_CAUSE_CHARS_MAX = 300
# It is there, and has answered: time does not change the answer.
_ANSWERS = ("authentication failed", "does not exist", "no pg_hba.conf entry", "not permitted to log in")


def wait_for_databases(
    settings: Settings, *, say: Callable[[str], None], pause: Callable[[float], object] | None = None
) -> None:
    """Return once every Postgres of the settings takes connections; one line says that it does not yet.

    Args:
        say: where the line goes.
        pause: waits so many seconds between two tries.

    Raises:
        NotReadyToStart: it did not within `database_wait_seconds`, or it is there and lets us not in; what to do.
    """
    check_settings(settings)  # What is wrong with them is told at once.
    for url in dict.fromkeys((settings.store_url, settings.durable_url)):
        if not url.startswith("sqlite"):
            _wait(url, settings.database_wait_seconds, say, pause or threading.Event().wait)


def _wait(url: str, seconds: float, say: Callable[[str], None], pause: Callable[[float], object]) -> None:
    until, is_said = clock.monotonic_seconds() + seconds, False
    while cause := _problem(url):
        left = until - clock.monotonic_seconds()
        if any(answer in cause for answer in _ANSWERS):
            raise NotReadyToStart(f"The database lets nobody in: {cause}. Check SIGNOFF_DATABASE_URL.")
        if left <= 0:
            raise NotReadyToStart(
                f"The database could not be reached for {seconds:g} seconds: {cause}. Check that it runs and that "
                "SIGNOFF_DATABASE_URL leads to it. One that takes longer to start is waited for with "
                "SIGNOFF_DATABASE_WAIT_SECONDS."
            )
        if not is_said:
            say(f"The database cannot be reached yet: {cause}. It is tried again for {left:.0f} seconds.")
            is_said = True
        pause(min(_PAUSE_SECONDS, left))


def _problem(url: str) -> str | None:
    """Return why the database takes no connection; None when it takes one."""
    parsed = make_url(url)
    if "connect_timeout" not in parsed.query:
        parsed = parsed.update_query_dict({"connect_timeout": str(_TRY_SECONDS)})
    engine = open_engine(parsed, pool_size=1)
    try:
        engine.connect().close()
    except OperationalError as error:
        lines = [line.strip() for line in str(error.orig).splitlines()]
        return shortened("; ".join(line for line in lines if line).rstrip("."), _CAUSE_CHARS_MAX)
    finally:
        engine.dispose()
    return None
