"""What is committed: nothing about the machine it was written on, nothing unfinished, versions that agree."""

from __future__ import annotations

import json
import re
import tomllib

from packaging.requirements import Requirement

import signoff
from tests.contracts.kit_source import ROOT, committed_files, text_of

# Spelled in two halves, so that this file does not name them itself.
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "pythonhosted" + ".org",
    "npmjs" + ".org",
    "npmjs" + ".com",
    "yarnpkg" + ".com",
    "deb.debian" + ".org",
]
MACHINE_PATHS = [r"/wo" + r"rk/", r"/ro" + r"ot/", r"/tmp/b" + r"ash_jobs"]
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|NotImplemented" + r"Error")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def found(pattern: str) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in committed_files()
        for match in re.finditer(pattern, text_of(path))
    ]


def test_no_file_names_a_registry_host():
    assert found("|".join(map(re.escape, REGISTRY_HOSTS))) == []


def test_no_file_names_a_path_of_somebodys_machine():
    assert found("|".join(MACHINE_PATHS)) == []


def test_nothing_is_left_for_later():
    assert found(UNFINISHED.pattern) == []


def test_no_lock_file_with_addresses_and_no_made_file_is_committed():
    names = {path.name for path in committed_files()}
    assert names & {"uv.lock", "poetry.lock", "Pipfile.lock", "yarn.lock"} == set()
    assert [p for p in committed_files() if {".venv", ".vendor", "node_modules", "__pycache__"} & set(p.parts)] == []
    lock = json.loads((ROOT / "frontend" / "package-lock.json").read_text())
    assert [name for name, entry in lock["packages"].items() if "resolved" in entry] == []
    assert [name for name, entry in lock["packages"].items() if name and "integrity" not in entry] == []


def pins(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return {m.group(1): m.group(2) for line in lines if (m := re.match(r"([a-z0-9._-]+)==([^ ;\\]+)", line))}


def test_every_pinned_package_has_its_hash():
    for name in ("requirements.txt", "requirements-dev.txt"):
        blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text().strip())
        assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_the_pins_are_those_of_the_project_file():
    """`make pins` was run after the last change of a dependency."""
    wanted = [Requirement(line) for line in PROJECT["project"]["dependencies"]]
    for_work = [Requirement(line) for line in PROJECT["dependency-groups"]["dev"]]
    for requirements, name in ((wanted, "requirements.txt"), (wanted + for_work, "requirements-dev.txt")):
        pinned = pins(name)
        wrong = [str(r) for r in requirements if r.name not in pinned or pinned[r.name] not in r.specifier]
        assert wrong == [], f"Run make pins: {name} does not fit."


def test_the_version_is_one():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    newest = re.search(r"^## \[?([0-9][^\]\s]*)", changelog, re.MULTILINE)
    assert newest is not None
    assert signoff.__version__ == PROJECT["project"]["version"] == newest.group(1)


def test_python_versions_agree():
    oldest = PROJECT["tool"]["pyright"]["pythonVersion"]
    assert PROJECT["project"]["requires-python"] == ">=" + oldest
    assert PROJECT["tool"]["ruff"]["target-version"] == "py" + oldest.replace(".", "")
