"""The repository as data: its committed files, and its own modules as syntax trees."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SRC = ROOT / "src" / "signoff"
DOCS = ROOT / "docs"


@dataclass(frozen=True)
class Module:
    """One Python file of the product."""

    path: Path
    name: str  # dotted: signoff.runs.actions
    text: str
    tree: ast.Module

    def at(self, node: ast.AST) -> str:
        """Where `node` is, for a message a person can click."""
        return f"{self.path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"

    def is_in(self, *packages: str) -> bool:
        """Whether this module is one of `packages` or inside one; written below signoff: "gateways.tool"."""
        return any(self.name == f"signoff.{name}" or self.name.startswith(f"signoff.{name}.") for name in packages)


@cache
def modules() -> tuple[Module, ...]:
    """Every Python file of the product."""
    found: list[Module] = []
    for path in sorted(SRC.rglob("*.py")):
        parts = path.relative_to(SRC.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        text = path.read_text()
        found.append(Module(path, name, text, ast.parse(text, str(path))))
    return tuple(found)


def calls(module: Module) -> Iterator[tuple[ast.Call, str]]:
    """Every call in `module` with the dotted name of what is called: "os.system", "session.execute"."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def dotted(node: ast.expr) -> str:
    """`a.b.c` for a chain of names; "?.c" where the chain starts with something else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "?"


def imported(module: Module) -> Iterator[tuple[ast.stmt, str]]:
    """Every module or name `module` imports, dotted: "urllib.request", "asyncio.open_connection"."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node, alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node, node.module
            for alias in node.names:
                yield node, f"{node.module}.{alias.name}"


@cache
def committed_files() -> tuple[Path, ...]:
    """Every file of the repository: what version control knows, and what it would take."""
    words = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:  # An unpacked archive: everything there is.
        return tuple(path for path in sorted(ROOT.rglob("*")) if path.is_file() and ".venv" not in path.parts)
    return tuple(path for name in sorted(done.stdout.split("\0")) if name and (path := ROOT / name).is_file())


@cache
def text_of(path: Path) -> str:
    """The text of `path`; empty for pictures and fonts."""
    try:
        return path.read_text()
    except UnicodeDecodeError:
        return ""
