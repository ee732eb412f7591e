"""What `make setup` says to somebody whose machine lacks something."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OLD = "#!/bin/sh\nexit 1\n"  # Fails the question whether it is 3.11 or newer.
NO_VENV = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; *) exit 0 ;; esac\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A PATH with a shell and make, and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "make", "touch"):
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return folder


def make(path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    folder = path.parent / "venv"
    return subprocess.run(
        [path / "make", "-C", ROOT, "--no-print-directory", *words, f"VENV={folder}"],
        env={"PATH": str(path), "HOME": os.environ.get("HOME", "/")},
        capture_output=True,
        text=True,
        check=False,
    )


def python(path: Path, name: str, script: str) -> None:
    (path / name).write_text(script)
    (path / name).chmod(0o755)


def test_without_python_it_says_which_one_is_needed(path: Path):
    done = make(path, "setup")
    assert done.returncode != 0
    assert "needs Python 3.11 or newer, and none was found on PATH" in done.stderr


def test_an_old_python_is_not_enough(path: Path):
    python(path, "python3", OLD)
    assert "needs Python 3.11 or newer" in make(path, "setup").stderr


def test_without_venv_it_names_the_package(path: Path):
    python(path, "python3", NO_VENV)
    done = make(path, "setup")
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr


def test_a_newer_python_beside_an_old_one_is_found(path: Path):
    python(path, "python3", OLD)
    python(path, "python3.13", NO_VENV)
    assert "python3.13 cannot make virtual environments" in make(path, "setup").stderr


def test_every_target_sets_up_first(path: Path):
    for target in ("demo", "test", "check", "serve", "bench", "acceptance", "fuzz"):
        assert "needs Python 3.11 or newer" in make(path, target).stderr, target
