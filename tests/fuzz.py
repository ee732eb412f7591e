"""`python -m tests.fuzz --minutes 10`: the API, fuzzed from its own description, with every preset's key.

It serves a world of its own on a loopback port and gives it to schemathesis: no 5xx, nothing undocumented. With
`--postgres`, the world is kept in a Postgres that it starts for itself.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr

from signoff.people.actions import create_key
from signoff.people.roles import KEY_PRESETS
from signoff.settings import Settings
from signoff.tables.migrate import migrate
from tests.api.world import World, make_world
from tests.kit_postgres import ABSENT, cluster, find_programs
from tests.kit_server import serving

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
_ROUND_SECONDS_MIN = 45


def main(words: list[str] | None = None) -> int:
    """Fuzz until the minutes are over, one preset after the other; return 1 if any round found something."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--examples", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phases", default="", help="Some of examples, coverage, fuzzing, stateful; all unless said.")
    parser.add_argument("--presets", default=",".join(reversed(KEY_PRESETS)))
    parser.add_argument("--postgres", action="store_true")
    given = parser.parse_args(words)
    presets: list[str] = given.presets.split(",")
    deadline = time.monotonic() + given.minutes * 60
    # Every preset has its turn, half of the time with ids that exist and half with ids nobody knows.
    seconds = max(_ROUND_SECONDS_MIN, int(given.minutes * 60 / len(presets)))
    has_failed = False
    with _world(is_postgres=given.postgres) as world, serving(world.app) as address:
        turn = 0
        while turn == 0 or time.monotonic() + _ROUND_SECONDS_MIN < deadline:
            preset = presets[turn % len(presets)]
            options = [
                *("--seed", str(given.seed + turn), "--max-examples", str(given.examples), "--max-time", str(seconds)),
                *(("--phases", given.phases) if given.phases else ()),
            ]
            print(f"\n=== {preset}, seed {given.seed + turn}, {seconds} s", flush=True)
            has_failed = _fuzz(world, address, preset, options, knows_ids=turn % 2 == 0) != 0 or has_failed
            turn += 1
    return int(has_failed)


@contextlib.contextmanager
def _world(*, is_postgres: bool) -> Iterator[World]:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="signoff-fuzz-"))
        url = None
        if is_postgres:
            programs = find_programs()
            if programs is None:
                raise SystemExit(ABSENT)
            url = stack.enter_context(cluster(programs)).create("fuzz")
        settings = Settings(
            data_dir=Path(folder),
            database_url=url,
            secret_key=SecretStr(base64.b64encode(os.urandom(32)).decode()),
            allow_loopback=True,
            allow_scripted_models=True,
            rate_per_minute=1_000_000,
            wait_seconds_max=1.0,
        )
        migrate(settings.store_url)
        world = make_world(settings, with_worker=True)
        yield world
        world.close()


def _fuzz(world: World, address: str, preset: str, options: list[str], *, knows_ids: bool) -> int:
    # A key of its own for each round: the rounds before may have revoked, frozen or taken away anything.
    with world.store.write() as session:
        key = create_key(session, world.alice, name=f"Fuzz {preset}", preset=preset).key
    known = world.ids if knows_ids else {"workspace": world.ids["workspace"]}
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "schemathesis.toml"
        lines = ["[parameters]", *(f'"path.{name}" = "{value}"' for name, value in known.items())]
        config.write_text("\n".join(lines) + "\n")
        command = [
            str(Path(sys.executable).parent / "schemathesis"),
            *("--config-file", str(config), "--no-color"),
            *("run", f"{address}/v1/openapi.json", "--continue-on-failure"),
            *("--header", f"Authorization: Bearer {key}"),
            # It sends cookies, too; without this each of them would be taken for another site's page.
            *("--header", "Sec-Fetch-Site: same-origin"),
            *("--checks", CHECKS),
            *("--exclude-path", "/metrics"),
            *options,
        ]
        return subprocess.run(command, check=False, cwd=folder).returncode


if __name__ == "__main__":
    sys.exit(main())
