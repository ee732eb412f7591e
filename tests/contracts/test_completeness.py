"""What comes in sets comes whole: a page with its parts and test, a policy and a connector with a test."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.contracts.kit_source import ROOT, SRC, modules

PAGES = SRC / "web" / "pages"
PAGE_PARTS = ("__init__.py", "route.py", "query.py", "page.html")
TESTS = ROOT / "tests"


def pages() -> list[str]:
    return sorted(path.name for path in PAGES.iterdir() if path.is_dir() and not path.name.startswith("_"))


def test_every_page_has_all_its_parts():
    assert pages()
    parts = [f"{name}/{part}" for name in pages() for part in PAGE_PARTS]
    missing = [part for part in parts if not (PAGES / part).exists()]
    assert missing == [], f"A page is {', '.join(PAGE_PARTS)}: docs/how-to/add-a-page.md."


def test_every_page_has_a_test():
    missing = [
        f"tests/web/pages/test_{name}.py" for name in pages() if not list((TESTS / "web").rglob(f"test_{name}*.py"))
    ]
    assert missing == [], "Write these: what an owner sees, what a stranger gets, what each button does."


def policies() -> list[tuple[str, str, str]]:
    """(gateway, file, class) of every policy."""
    found: list[tuple[str, str, str]] = []
    for module in modules():
        parts = module.name.split(".")
        if len(parts) == 5 and parts[1] == "gateways" and parts[3] == "policies":
            public = [n.name for n in module.tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_")]
            found += [(parts[2], parts[4], name) for name in public]
    return found


def is_tested(folder: Path, module: str, name: str) -> bool:
    """Whether a test below `folder` is named for `name` or imports `module`."""
    files = list(folder.rglob("test_*.py"))
    return any(path.stem.startswith(f"test_{name}") or module in path.read_text() for path in files)


def test_every_policy_has_a_test():
    assert policies()
    missing = [
        f"tests/gateways/{gateway}/test_{file}.py"
        for gateway, file, _ in policies()
        if not is_tested(TESTS / "gateways" / gateway, f"gateways.{gateway}.policies.{file}", file)
    ]
    assert missing == [], "Write these: one test for each verdict the policy can give."


def test_every_policy_says_what_it_holds():
    silent = [
        module.at(node)
        for module in modules()
        if ".policies." in module.name
        for node in module.tree.body
        if isinstance(node, ast.ClassDef) and not ast.get_docstring(node)
    ]
    assert silent == [], "Say in the docstring of the class what the policy holds."


def test_every_kind_of_connector_has_a_test():
    kinds = [path.name for path in (SRC / "connectors").iterdir() if (path / "__init__.py").exists()]
    assert kinds
    missing = [
        f"tests/connectors/test_{kind}.py"
        for kind in sorted(kinds)
        if not is_tested(TESTS / "connectors", f"signoff.connectors.{kind}", kind)
    ]
    assert missing == [], (
        "Write these, against a real server on loopback; the case in test_conformance.py is not enough."
    )
