"""What every test may ask for.

`backend`       the kind of database: a test that takes it, or a fixture below, runs on "sqlite" and on "postgres"
`empty_url`     the address of a database with nothing in it
`database_url`  the address of a migrated database of the test's own
`store`         a `Store` on that database
`settings`      `Settings` for that database, with a data folder and a key of the test's own
`browser`       a headless Chromium; `page` is one window of it, and fails the test when the page complained
`serving`       `with serving(app) as address:` an application on a real loopback port

For one kind only: `@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)`. Most tests so marked say nothing
about SQLite and are spared a second run; `pytest --on=postgres` runs them there all the same.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page
from pydantic import SecretStr

from signoff.settings import Settings
from signoff.tables.all_tables import METADATA
from signoff.tables.migrate import stamp
from signoff.tables.session import Store, open_engine
from tests import kit_browser, kit_postgres, kit_server
from tests.kit_databases import PostgresDatabases, SqliteDatabases
from tests.kit_memory import folder_in_memory
from tests.kit_required import absent, is_everything_required
from tests.kit_sockets import closed_network

ABSENCES = (kit_browser.ABSENT, kit_postgres.ABSENT)
PROVIDER_KEYS = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "OPENAI_BASE_URL")


def migrate(url: str) -> None:
    """Make every table."""
    engine = open_engine(url)
    METADATA.create_all(engine)
    stamp(engine)
    engine.dispose()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let everything run on one kind of database, whatever a test says of it."""
    parser.addoption("--on", choices=["sqlite", "postgres"], help="the kind of database every test runs on")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any]:
    """Where everything is required, a skipped test is a failed one; elsewhere each reason is told once."""
    outcome = yield
    report: pytest.TestReport = outcome.get_result()
    if not report.skipped or hasattr(report, "wasxfail") or not isinstance(report.longrepr, tuple):
        return
    reason = report.longrepr[2].removeprefix("Skipped: ")
    if is_everything_required():
        report.outcome = "failed"
        report.longrepr = f"Skipped where SIGNOFF_REQUIRE_ALL=1 forbids it: {reason}"
    elif reason in ABSENCES:
        # One place for all of them, so that the summary says it once and not once for each test.
        report.longrepr = ("tests/conftest.py", 1, reason)


@pytest.fixture(scope="session", autouse=True)
def _closed_network() -> Generator[None]:
    with closed_network():
        yield


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The developer's own settings, keys and proxies never reach a test."""
    for name in list(os.environ):
        is_ours = name.startswith("SIGNOFF_") and name != "SIGNOFF_REQUIRE_ALL"
        if is_ours or name in PROVIDER_KEYS or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SIGNOFF_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio, as the product does."""
    return "asyncio"


@pytest.fixture(scope="session")
def sqlite_databases() -> Generator[SqliteDatabases]:
    """Where SQLite databases come from."""
    with TemporaryDirectory(prefix="signoff-sqlite-", dir=folder_in_memory(), ignore_cleanup_errors=True) as folder:
        yield SqliteDatabases(Path(folder), migrate)


@pytest.fixture(scope="session")
def postgres_cluster() -> Generator[kit_postgres.Cluster | None]:
    """The tests' own Postgres server, or None where the machine has none."""
    programs = kit_postgres.find_programs()
    if programs is None:
        yield None
        return
    with kit_postgres.cluster(programs, folder_in_memory()) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_databases(postgres_cluster: kit_postgres.Cluster | None) -> PostgresDatabases | None:
    """Where Postgres databases come from."""
    return PostgresDatabases(postgres_cluster, migrate) if postgres_cluster else None


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def backend(request: pytest.FixtureRequest) -> str:
    """The kind of database this test runs on."""
    return request.config.getoption("--on") or request.param


@pytest.fixture
def databases(backend: str, request: pytest.FixtureRequest) -> SqliteDatabases | PostgresDatabases:
    """Where databases of this test's kind come from."""
    found = request.getfixturevalue(f"{backend}_databases")
    if found is None:
        absent(kit_postgres.ABSENT)
    return found


@pytest.fixture
def empty_url(databases: SqliteDatabases | PostgresDatabases) -> Generator[str]:
    """The address of a database with nothing in it."""
    url = databases.empty()
    yield url
    databases.forget(url)


@pytest.fixture
def database_url(databases: SqliteDatabases | PostgresDatabases) -> Generator[str]:
    """The address of a migrated database of this test's own."""
    url = databases.fresh()
    yield url
    databases.forget(url)


@pytest.fixture
def store(database_url: str) -> Generator[Store]:
    """A store on a migrated database of this test's own."""
    opened = Store.open(database_url)
    yield opened
    opened.close()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings for this test's database, with loopback and scripted models allowed."""
    return Settings(
        data_dir=tmp_path / "data",
        database_url=database_url,
        secret_key=SecretStr(base64.b64encode(os.urandom(32)).decode()),
        allow_loopback=True,
        allow_scripted_models=True,
    )


@pytest.fixture
def serving() -> Callable[[Any], AbstractContextManager[str]]:
    """Serve an application on a real loopback port."""
    return kit_server.serving


# One browser per file: Playwright keeps an event loop on this thread while it runs, which async tests must not meet.
@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """A headless Chromium with an empty profile."""
    executable = kit_browser.find_chromium()
    if executable is None:
        absent(kit_browser.ABSENT)
    with kit_browser.launched(executable) as launched:
        yield launched


@pytest.fixture
def page(browser: Browser) -> Generator[Page]:
    """A window of 1440 × 900; the test fails when the page wrote an error to its console."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    context = browser.new_context(viewport={"width": 1440, "height": 900})
    window = context.new_page()
    window.on("console", note)
    window.on("pageerror", lambda error: complaints.append(str(error)))
    yield window
    context.close()
    assert complaints == []
