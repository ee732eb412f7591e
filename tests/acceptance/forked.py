"""A product whose processes are forked from one that has everything imported: for checks that end it again and again.

What runs is the command line with its environment, as ever; only reading the same modules each time is left out.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, cast

import uvicorn  # noqa: F401
from pydantic_ai.messages import ModelMessage, ModelResponse, UserPromptPart
from pydantic_ai.models.function import AgentInfo

import signoff.app
import signoff.cli.serving
from signoff.cli.commands import app
from signoff.cli.exits import guarded
from signoff.gateways.model.providers import register_script
from tests.acceptance.product import SECONDS_MAX, Product
from tests.engine.kit_engine import Turn, turns
from tests.fake_provider import fake_provider
from tests.kit_postgres import ABSENT, Cluster
from tests.kit_required import absent

BUILD_APP = signoff.app.build_app  # Named, so that it is imported before anything is forked.
Said = tuple[Turn, ...]
_FORKS = multiprocessing.get_context("forkserver")


def command(
    words: tuple[str, ...], environment: dict[str, str], folder: str, out: str, err: str, scripts: dict[str, Said]
) -> None:
    """Run one command of `signoff`, what it says appended to files; in a process of its own.

    Args:
        scripts: what each scripted model says, by name.
    """
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for place, number in ((out, 1), (err, 2)):
        os.dup2(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
    warnings.simplefilter("ignore", ResourceWarning)
    for name, said in scripts.items():
        register_script(name, echoing(*said))
    sys.exit(guarded(lambda: app(list(words), standalone_mode=False)))


def echoing(*said: Turn) -> Callable[[list[ModelMessage], AgentInfo], ModelResponse]:
    """A script as `turns`, with the run's input in the place of `{input}`."""

    def play(messages: list[ModelMessage], info: AgentInfo) -> ModelResponse:
        given = next(str(part.content) for part in messages[0].parts if isinstance(part, UserPromptPart))
        mine = [
            turn.replace("{input}", given) if isinstance(turn, str)
            else [(tool, {name: str(value).replace("{input}", given) for name, value in args.items()})
                  for tool, args in turn]
            for turn in said
        ]  # fmt: skip
        return turns(*mine)(messages, info)

    return play


@dataclass
class Forked:
    """What `Product` asks of a process."""

    process: ForkServerProcess

    @property
    def pid(self) -> int:
        return cast("int", self.process.pid)

    def poll(self) -> int | None:
        return None if self.process.is_alive() else self.process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        self.process.join(timeout)
        if self.process.is_alive():
            raise subprocess.TimeoutExpired("signoff", timeout or 0)
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self.process.terminate()

    def kill(self) -> None:
        self.process.kill()


@dataclass
class ForkedProduct(Product):
    """As `Product`. `scripts` is what each scripted model says; `{input}` stands for the run's input."""

    scripts: dict[str, Said] = field(default_factory=dict[str, Said])

    def _fork(self, words: tuple[str, ...], environment: dict[str, str], out: Path) -> Forked:
        # The server that forks is one for all tests of this process; whoever starts it says what it imports.
        _FORKS.set_forkserver_preload(["tests.engine.driver", "tests.acceptance.forked"])
        given = (
            words,
            self.environment | environment,
            str(self.folder),
            str(out),
            str(self.folder / "log"),
            self.scripts,
        )
        process = _FORKS.Process(target=command, args=given, daemon=True)
        process.start()
        return Forked(process)

    def popen(self, *words: str, **environment: str) -> Any:
        process = self._fork(words, environment, self.folder / "log")
        self.processes.append(cast("Any", process))
        return process

    def cli(self, *words: str, code: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        out = self.folder / "said"
        out.unlink(missing_ok=True)
        ended = self._fork(words, environment, out).wait(SECONDS_MAX)
        said = out.read_text() if out.exists() else ""
        assert code is None or ended == code, f"{words}: {ended}\n{said}"
        return subprocess.CompletedProcess(words, ended or 0, said, "")


@contextmanager
def forked_product(
    backend: str, folder: Path, cluster: Cluster | None, scripts: dict[str, Said], *, has_worker: bool = False
) -> Generator[ForkedProduct]:
    """A served product with a provider, in `folder`; `has_worker`: on Postgres another process works beside it."""
    if backend == "postgres" and cluster is None:
        absent(ABSENT)
    url = cluster.create(f"served_{folder.name}") if cluster and backend == "postgres" else None
    settings = {"allow_scripted_models": True, "log_level": "warning"}
    with fake_provider() as provider:
        made = ForkedProduct(folder, provider, url, settings=settings, scripts=scripts).prepare()
        made.start()
        if url is not None and has_worker:
            made.popen("worker")
        yield made
        made.close()
