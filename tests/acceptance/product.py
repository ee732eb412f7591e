"""A real, served product for the checks: its process, its command line, its API, its log, its outside world."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx2

from tests.fake_provider import FakeProvider
from tests.kit_policy import told_only

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
SECONDS_MAX = 90.0
OVER = ("completed", "failed", "cancelled", "rejected")
EFFECTS = {
    "look": "read", "wait": "read", "post": "write", "pay": "irreversible", "sign": "write", "fail": "write",
    "vanish": "write",
}  # fmt: skip
# Several names for one server: a streak of failures is counted for each provider by itself.
PROVIDERS = ("fake", "spare", "sick", "ailing", "away")
PROVIDER_KEY = "sk-planted-provider-key-7f3a9c"
INPUT_USD, OUTPUT_USD = 3, 15  # For a million tokens.
OWNER = "ann@example.com"


def until(ask: Callable[[], T], what: str, seconds: float = SECONDS_MAX) -> T:
    """Ask until the answer is true, and return it; the limit is for a check that would hang."""
    stop = time.monotonic() + seconds
    while True:
        found = ask()
        if found:
            return found
        assert time.monotonic() < stop, f"waited in vain for {what}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def toml(settings: dict[str, Any]) -> str:
    """One flat table, with JSON's spelling of values, which TOML shares."""
    return "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())


def settings_file(folder: Path, provider_url: str, settings: dict[str, Any]) -> str:
    """The operator's settings: quick clocks, the ledger as a program, the provider under several names."""
    given = {
        "allow_loopback": True,
        "heartbeat_seconds": 0.5,
        "lease_seconds": 10.0,
        "log_format": "json",
        "log_level": "debug",
        "poll_seconds": 0.2,
        "rate_per_minute": 100_000,
        "shutdown_grace_seconds": 1.0,
        **settings,
    }
    ledger = [str(Path(__file__).with_name("ledger_server.py")), str(folder / "ledger.jsonl")]
    text = toml(given) + "[stdio_commands.ledger]\n" + toml({"command": sys.executable, "args": ledger})
    for name in PROVIDERS:
        facts = {"base_url": provider_url, "api_key": PROVIDER_KEY, "timeout_seconds": 200}
        prices = {"input_usd_per_million": INPUT_USD, "output_usd_per_million": OUTPUT_USD}
        text += f"[providers.{name}]\n" + toml({**facts, **prices})
    return text


@dataclass
class Product:
    """One installation in `folder`. `start` serves it on a real port, `kill` is a power cut."""

    folder: Path
    provider: FakeProvider
    database_url: str | None = None
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    serve_words: tuple[str, ...] = ()
    workspace: str = "main"
    key: str = ""
    port: int = 0
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list[subprocess.Popen[bytes]])
    agents_made: int = 0
    client: httpx2.Client = field(default_factory=lambda: httpx2.Client(timeout=2 * SECONDS_MAX))

    # The process

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def here(self) -> tuple[str, str]:
        """What commands need when there are several workspaces."""
        return "--workspace", self.workspace

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SIGNOFF_")}
        return kept | {"SIGNOFF_CONFIG": str(self.folder / "signoff.toml"), "NO_COLOR": "1", "COLUMNS": "200"}

    def prepare(self, like: Product | None = None) -> Self:
        """Settings, schema, workspace, a first key: what an operator does once, with the command line.

        With `like`, what was prepared there and not yet served is copied, because that is faster.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        given = {"data_dir": str(self.data), "port": self.port, **self.settings}
        if self.database_url:
            given["database_url"] = self.database_url
        (self.folder / "signoff.toml").write_text(settings_file(self.folder, self.provider.base_url, given))
        if like is not None:
            shutil.copytree(like.data, self.data)
            self.key = like.key
            return self
        self.cli("migrate")
        self.cli("setup-link", "--email", OWNER)
        self.key = self.new_key("admin")["key"]
        return self

    def popen(self, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a command that stays, its output in the log; it dies with this process."""
        setpriv = shutil.which("setpriv")
        tied = [setpriv, "--pdeathsig=KILL"] if setpriv else []
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [*tied, sys.executable, "-m", "signoff.cli", *words],
                env=self.environment | environment, stdout=log, stderr=log, cwd=self.folder,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def start(self, *words: str, **environment: str) -> Self:
        """Serve, and return once it is ready."""
        process = self.popen("serve", *self.serve_words, *words, **environment)
        self.wait_until_ready(process)
        return self

    def wait_until_ready(self, process: subprocess.Popen[bytes] | None = None, path: str = "/v1/health/live") -> None:
        def answers() -> bool:
            assert process is None or process.poll() is None, f"serve ended:\n{self.log()[-3000:]}"
            try:
                return httpx2.get(f"{self.address}{path}", timeout=10).status_code == 200
            except httpx2.HTTPError:
                return False

        until(answers, "the product to answer")

    def kill(self) -> None:
        """A power cut: no clean-up at all."""
        for process in self.processes:
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.processes.clear()

    def stop(self) -> None:
        """An orderly end; a process that takes too long is killed."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def close(self) -> None:
        """The end of this installation's use."""
        self.stop()
        self.client.close()

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    # The command line

    def cli(self, *words: str, code: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. `code` is the exit code it must have; None takes any."""
        done = subprocess.run(
            [sys.executable, "-m", "signoff.cli", *words], env=self.environment | environment,
            capture_output=True, text=True, check=False, timeout=SECONDS_MAX, cwd=self.folder,
        )  # fmt: skip
        assert code is None or done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def cli_json(self, *words: str) -> Any:
        return json.loads(self.cli(*words, "--json").stdout)

    def new_key(self, preset: str, *words: str) -> dict[str, str]:
        return self.cli_json("keys", "create", f"check {preset}", "--preset", preset, *self.here, *words)

    # The API

    def call(self, method: str, path: str, *, key: str | None = None, **more: Any) -> httpx2.Response:
        """A request to the API. `key` "" sends none; a path that does not begin with / lies below the workspace."""
        where = path if path.startswith("/") else f"/v1/{self.workspace}/{path}"
        token = self.key if key is None else key
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **more.pop("headers", {})}
        return self.client.request(method, f"{self.address}{where}", headers=headers, **more)

    def get(self, path: str, **params: Any) -> Any:
        """The JSON at `path`, which must be there."""
        found = self.call("GET", path, params=params)
        assert found.status_code == 200, found.text
        return found.json()

    def post(self, path: str, body: Any = None, *, status: int | tuple[int, ...] = (200, 201, 202)) -> Any:
        """What a POST answers, which must have `status`."""
        found = self.call("POST", path, json={} if body is None else body)
        assert found.status_code in ((status,) if isinstance(status, int) else status), found.text
        return found.json() if found.content else None

    # What checks need in most cases

    def connect(self, slug: str = "erp", environment: str = "production") -> str:
        """A connection to the ledger, its tools discovered, each with its class; returns its id."""
        config = {"environment": environment, "slug": slug, "name": slug, "kind": "mcp_stdio"}
        made = self.post("connections", {**config, "config": {"command": "ledger"}})["id"]
        found = self.post(f"connections/{made}:discover")
        assert found["ok"], found
        for name, effect in EFFECTS.items():
            self.post(f"connections/{made}/tools/{name}:effect", {"effect": effect})
        return made

    def body(self, slug: str, *, tools: tuple[str, ...] = (), slot: str = "erp", **more: Any) -> dict[str, Any]:
        """An agent's body. Its model is named like the agent, so that each check scripts its own."""
        model = {"name": f"fake:{slug}", "retry": {"max_retries": 0}, **more.pop("model", {})}
        slots = [{"slot": slot, "allow": [{"tool": name} for name in tools]}] if tools else []
        slots += more.pop("slots", [])
        return {"sop": "Do as you are told.", "model": model, "tools": slots, **more}

    def agent(self, name: str, **body: Any) -> str:
        """A new agent with its first revision; returns its slug, which is also the name of its model."""
        self.agents_made += 1
        slug = f"{name}-{self.agents_made}"
        self.post("agents", {"slug": slug, "name": name, "body": self.body(slug, **body)})
        self.post(f"agents/{slug}/revisions", {"reason": "first"})
        return slug

    def revise(self, slug: str, **body: Any) -> int:
        """Save a draft and freeze it; returns the number of the revision."""
        version = self.get(f"agents/{slug}/draft")["version"]
        saved = self.call("PUT", f"agents/{slug}/draft", json={"body": self.body(slug, **body), "version": version})
        assert saved.status_code == 200, saved.text
        return self.post(f"agents/{slug}/revisions", {"reason": "changed"})["number"]

    def make_live(self, slug: str, revision: int, environment: str = "production") -> httpx2.Response:
        """Switch what serves, in a workspace whose policy tells and holds nothing back but what is unsafe."""
        if self.get("probe-policy")["version"] == 0:
            policy = {"text": told_only(), "reason": "These rows are about something else.", "version": 0}
            # 409: somebody beside this one was first.
            assert self.call("PUT", "probe-policy", json=policy).status_code in (200, 409)
        wanted = {"environment": environment, "revision": str(revision), "reason": "check"}
        return self.call("POST", f"agents/{slug}:live", json=wanted)

    def execute(self, slug: str, given: Any = "Go.", **more: Any) -> dict[str, Any]:
        """Start a run; returns the answer."""
        return self.post(f"agents/{slug}:execute", {"input": given, **more}, status=(200, 202))

    def run(self, slug: str, given: Any = "Go.", **more: Any) -> dict[str, Any]:
        """Start a run and wait until it is over or waits for somebody; returns the whole record."""
        return self.ended(self.execute(slug, given, wait=True, **more)["id"])

    def record(self, run: str) -> dict[str, Any]:
        return self.get(f"runs/{run}")

    def state(self, run: str) -> str:
        return self.record(run)["run"]["state"]

    def ended(self, run: str, states: tuple[str, ...] = (*OVER, "waiting")) -> dict[str, Any]:
        def look() -> dict[str, Any]:
            found = self.record(run)
            return found if found["run"]["state"] in states else {}

        return until(look, f"run {run} to come to one of {states}")

    def steps(self, run: str) -> list[dict[str, Any]]:
        return self.get(f"runs/{run}/steps")["items"]

    def step(self, run: str, step: str) -> dict[str, Any]:
        return self.get(f"runs/{run}/steps/{step}", messages_from=0)

    # The outside world

    def ledger(self, tool: str | None = None) -> list[dict[str, Any]]:
        """What was done outside, in its order."""
        path = self.folder / "ledger.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        found = [json.loads(line) for line in lines]
        return [line for line in found if tool in (None, line["tool"])]

    def done(self, tool: str, n: str) -> int:
        """How often `tool` was carried out for `n`."""
        return sum(line["args"].get("n") == n for line in self.ledger(tool))

    def source_goes_down(self, times: int | None = None) -> None:
        (self.folder / "ledger.jsonl.down").write_text("" if times is None else str(times))

    def source_comes_back(self) -> None:
        (self.folder / "ledger.jsonl.down").unlink(missing_ok=True)

    def everything_at_rest(self) -> bytes:
        """Every byte this installation keeps: databases, blobs, log."""
        return b"".join(path.read_bytes() for path in sorted(self.folder.rglob("*")) if path.is_file())
