"""`make fuzz`: a real server on loopback, and requests nobody would think of, made from its own OpenAPI document.

Fails on a 5xx, on an answer that the document does not describe, and on one that does not look as described.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from signoff.app import build_app
from signoff.people.access import Principal
from signoff.people.actions import create_key, found_workspace
from signoff.settings import Settings
from signoff.tables.migrate import migrate
from signoff.tables.session import Store
from tests.kit_server import serving

WORKSPACE = "fuzz"
CHECKS = ["not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance"]
# The workspace is fixed, because a guessed one is always a 404. Half of the rest is right, half is not.
CONFIG = f"""
[parameters]
"path.workspace" = "{WORKSPACE}"
"""


def furnish(settings: Settings) -> str:
    """Make a workspace; return an administrator's key for it."""
    migrate(settings.store_url)
    store = Store.open(settings.store_url)
    try:
        with store.write() as session:
            founded = found_workspace(
                session, slug=WORKSPACE, name="Fuzz", owner_email="owner@example.com", owner_name="Owner"
            )
            owner = Principal("member", founded.member_id, "Owner", founded.workspace_id, "owner")
            return create_key(session, owner, name="fuzz", preset="admin").key
    finally:
        store.close()


def fuzz(address: str, key: str, folder: Path, seconds: int, more: list[str]) -> int:
    """Fuzz the server at `address` for `seconds`; return the fuzzer's exit code."""
    config = folder / "schemathesis.toml"
    config.write_text(CONFIG)
    words = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("--config-file", str(config), "--no-color", "fuzz", f"{address}/v1/openapi.json"),
        *("--max-time", str(seconds), "--checks", ",".join(CHECKS), "--continue-on-failure", "--workers", "2"),
        # A fuzzer that revokes its own key would see nothing but 401 from then on.
        *("--exclude-path-regex", "/keys/", "--header", f"Authorization: Bearer {key}"),
        *more,
    ]
    return subprocess.run(words, cwd=folder, check=False).returncode


def main() -> int:
    """Parse the arguments, serve, fuzz."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    arguments, more = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="signoff-fuzz-") as name:
        folder = Path(name)
        settings = Settings(data_dir=folder / "data", rate_per_minute=10_000_000, allow_scripted_models=True)
        key = furnish(settings)
        with serving(build_app(settings, with_worker=True)) as address:
            return fuzz(address, key, folder, int(arguments.minutes * 60), more)


if __name__ == "__main__":
    sys.exit(main())
