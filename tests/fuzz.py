"""`python -m tests.fuzz --minutes 10`: the API, fuzzed from its own description, with every preset's key.

It serves a world of its own on a loopback port and gives it to schemathesis: no 5xx, nothing undocumented.
"""

from __future__ import annotations

import argparse
import base64
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pydantic import SecretStr

from signoff.settings import Settings
from signoff.tables.migrate import migrate
from tests.api.world import make_world
from tests.kit_server import serving

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


def main(words: list[str] | None = None) -> int:
    """Fuzz until the minutes are over; the first finding ends it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--examples", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phases", default="", help="For a short look: examples, coverage.")
    given = parser.parse_args(words)
    deadline = time.monotonic() + given.minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            data_dir=Path(folder),
            secret_key=SecretStr(base64.b64encode(os.urandom(32)).decode()),
            allow_loopback=True,
            rate_per_minute=1_000_000,
        )
        migrate(settings.store_url)
        world = make_world(settings, with_worker=True)
        with serving(world.app) as address:
            turn = 0
            while turn == 0 or time.monotonic() < deadline:
                key = list(world.keys.values())[turn % len(world.keys)]
                if code := _fuzz(address, key, given.seed + turn, given.examples, given.phases, deadline):
                    return code
                turn += 1
        world.close()
    return 0


def _fuzz(address: str, key: str, seed: int, examples: int, phases: str, deadline: float) -> int:
    command = [
        str(Path(sys.executable).parent / "schemathesis"),
        "run",
        f"{address}/v1/openapi.json",
        *("--header", f"Authorization: Bearer {key}"),
        *("--checks", CHECKS),
        *("--seed", str(seed)),
        *("--max-examples", str(examples)),
        *(("--phases", phases) if phases else ()),
        *("--exclude-path", "/metrics"),
        "--no-color",
    ]
    left = max(60.0, deadline - time.monotonic())
    try:
        return subprocess.run(command, check=False, timeout=left).returncode
    except subprocess.TimeoutExpired:
        return 0


if __name__ == "__main__":
    sys.exit(main())
