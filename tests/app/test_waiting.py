"""A process that starts before its Postgres waits for it, for a while, and says so."""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from collections.abc import Generator

import pytest
from sqlalchemy import make_url

from signoff.app.checks import NotReadyToStart
from signoff.app.waiting import wait_for_databases
from signoff.cli.commands import app
from signoff.cli.exits import SERVER, guarded
from signoff.kit import clock
from signoff.settings import Settings


class Door(socketserver.ThreadingTCPServer):
    """An address before a Postgres: bound, so that nobody else takes it, and closed until `open`."""

    daemon_threads, allow_reuse_address = True, True

    def __init__(self, host: str, port: int) -> None:
        super().__init__(("127.0.0.1", 0), Through, bind_and_activate=False)
        self.behind = (host, port)
        self.server_bind()

    def open(self) -> None:
        self.server_activate()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class Through(socketserver.BaseRequestHandler):
    """Carries bytes both ways until either side ends."""

    server: Door  # pyright: ignore[reportIncompatibleVariableOverride]

    def handle(self) -> None:
        with socket.create_connection(self.server.behind) as behind:
            other = {self.request: behind, behind: self.request}
            while True:
                for one in select.select(list(other), [], [])[0]:
                    data = one.recv(65_536)
                    if not data:
                        return
                    other[one].sendall(data)


def never(seconds: float) -> None:
    pytest.fail(f"waited {seconds} seconds")


@pytest.fixture
def door(database_url: str) -> Generator[Door]:
    url = make_url(database_url)
    assert url.host
    assert url.port
    opened = Door(url.host, url.port)
    yield opened
    opened.server_close()


def through(door: Door, database_url: str, seconds: float = 60) -> Settings:
    url = make_url(database_url).set(port=door.server_address[1])
    return Settings(database_url=url.render_as_string(hide_password=False), database_wait_seconds=seconds)


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_a_database_that_starts_later_is_waited_for_and_the_wait_is_told_once(door: Door, database_url: str) -> None:
    said: list[str] = []
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            door.open()

    wait_for_databases(through(door, database_url), say=said.append, pause=pause)
    door.shutdown()
    assert pauses == [2.0, 2.0]
    assert len(said) == 1
    assert "cannot be reached yet: " in said[0]
    assert "efused" in said[0]


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_one_that_does_not_come_is_given_up_with_what_to_do(
    door: Door, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moment = [0.0]
    monkeypatch.setattr(clock, "monotonic_seconds", lambda: moment[0])

    def pause(seconds: float) -> None:
        moment[0] += seconds

    settings = through(door, database_url, seconds=7)
    with pytest.raises(NotReadyToStart) as given_up:
        wait_for_databases(settings, say=print, pause=pause)
    assert moment[0] == 7
    assert "for 7 seconds" in given_up.value.detail
    assert "SIGNOFF_DATABASE_WAIT_SECONDS" in given_up.value.detail
    password = make_url(database_url).password
    assert password
    assert password not in given_up.value.detail


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
def test_a_database_that_refuses_the_password_is_not_waited_for(database_url: str) -> None:
    wrong = make_url(database_url).set(password="not-the-password").render_as_string(hide_password=False)
    settings = Settings(database_url=wrong)
    with pytest.raises(NotReadyToStart, match="lets nobody in"):
        wait_for_databases(settings, say=pytest.fail, pause=never)


@pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
def test_sqlite_is_never_waited_for(database_url: str) -> None:
    told: list[str] = []
    wait_for_databases(Settings(database_url=database_url), say=told.append, pause=never)
    assert told == []


@pytest.mark.parametrize("backend", ["postgres"], indirect=True)
@pytest.mark.parametrize("command", ["serve", "worker", "migrate"])
def test_every_process_that_starts_waits(
    door: Door, database_url: str, command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGNOFF_DATABASE_URL", through(door, database_url).database_url or "")
    monkeypatch.setenv("SIGNOFF_DATABASE_WAIT_SECONDS", "0")
    place = ["--port", "0"] if command == "serve" else []
    assert guarded(lambda: app([command, *place], standalone_mode=False)) == SERVER
    assert "could not be reached for 0 seconds" in capfd.readouterr().err
