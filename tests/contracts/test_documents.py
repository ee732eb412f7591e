"""What exists is documented, and what is documented exists."""

from __future__ import annotations

import ast
import importlib.util
import re
import tomllib
import types
from typing import get_args, get_origin

import pytest
from packaging.requirements import Requirement
from pydantic import BaseModel

from signoff.settings import Settings
from tests.contracts.kit_source import DOCS, ROOT, committed_files, modules

REFERENCE = DOCS / "reference"
DECISIONS = DOCS / "decisions"


def generator() -> types.ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    "name", ["acceptance.md", "tables.md", "errors.md", "policies.md", "roles.md", "probes.md", "events.md", "mcp.md"]
)
def test_a_page_made_from_the_code_is_fresh(name: str):
    """Every table, problem code, policy and permission is documented, because the page is read from them."""
    page = REFERENCE / name
    assert page.read_text() == generator().PAGES[name](), "Run make reference."


def test_every_error_and_policy_says_what_it_means():
    make = generator()
    silent = [name for name, (_, _, meaning) in make.error_classes().items() if not meaning]
    assert silent == []
    assert [line for line in make.policies_page().splitlines() if re.match(r"\| `\w+` \| +\|", line)] == []


def test_every_place_in_the_order_of_policies_has_its_reason():
    lines = [line for line in generator().policies_page().splitlines() if line.startswith("| `")]
    assert lines
    assert [line for line in lines if line.endswith("|  |")] == [], (
        "Write the reason as a comment beside the line in GUARDS or WRAPPERS."
    )


def setting_names(model: type[BaseModel], prefix: str = "SIGNOFF_") -> list[str]:
    """Every setting as a variable; a table of named entries as SIGNOFF_PROVIDERS__NAME__FIELD."""
    found: list[str] = []
    for name, field in model.model_fields.items():
        variable = prefix + name.upper()
        inner = [part for part in get_args(field.annotation) if isinstance(part, type) and issubclass(part, BaseModel)]
        if inner and get_origin(field.annotation) is dict:
            found += setting_names(inner[0], f"{variable}__NAME__")
        else:
            found.append(variable)
    return found


def test_every_setting_is_documented_and_nothing_else_is():
    text = (REFERENCE / "settings.md").read_text()
    rows = set(re.findall(r"^\| `(SIGNOFF_[A-Z0-9_]+)` \|", text, re.MULTILINE))
    wanted = set(setting_names(Settings))
    assert sorted(wanted - rows) == [], "settings.md lacks these."
    assert sorted(rows - wanted) == [], "settings.md has these too many."


def test_every_metric_is_documented_and_nothing_else_is():
    code = "".join(module.text for module in modules() if module.name == "signoff.api.metrics")
    told = set(re.findall(r"# TYPE (signoff_\w+) ", code))
    assert told
    assert set(re.findall(r"^\| `(signoff_\w+)", (REFERENCE / "metrics.md").read_text(), re.MULTILINE)) == told


def test_the_documented_defaults_are_the_real_ones():
    text = (REFERENCE / "settings.md").read_text()
    wrong: list[str] = []
    for name, field in Settings.model_fields.items():
        row = re.search(rf"^\| `SIGNOFF_{name.upper()}` \| ([^|]*) \|", text, re.MULTILINE)
        if row is None:
            continue  # The test above says so; entries of named tables have no default of their own.
        default = field.get_default(call_default_factory=True)
        words = str(default).lower() if isinstance(default, bool) else str(default)
        shown = "none" if default in (None, [], {}) else f"`{words}`"
        if row.group(1).strip() != shown:
            wrong.append(f"SIGNOFF_{name.upper()}: {shown}, documented as {row.group(1).strip()}")
    assert wrong == []


def test_every_dependency_has_its_reason():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = [
        *project["project"]["dependencies"],
        *project["dependency-groups"]["dev"],
        *project["build-system"]["requires"],
    ]
    text = (DECISIONS / "dependencies.md").read_text().partition("## Considered")[0]
    wanted = {Requirement(line).name for line in lines}
    listed = set(re.findall(r"^\| `([a-z0-9._-]+)` \|", text, re.MULTILINE))
    assert sorted(wanted - listed) == [], "dependencies.md lacks these."
    assert sorted(listed - wanted) == [], "dependencies.md has these too many."


def test_every_decision_is_in_the_index_and_is_one_page():
    index = (DECISIONS / "README.md").read_text()
    records = sorted(DECISIONS.glob("[0-9]*.md"))
    assert records
    assert [record.name for record in records if f"({record.name})" not in index] == [], (
        "Link these from decisions/README.md."
    )
    assert [record.name for record in records if len(record.read_text().split()) > 700] == []
    wanted = ("## Context", "## Decision", "## Consequences")
    assert [r.name for r in records if not all(part in r.read_text() for part in wanted)] == []


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def test_every_link_inside_the_documents_leads_somewhere():
    broken: list[str] = []
    for page in (path for path in committed_files() if path.suffix == ".md"):
        text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            name, _, anchor = target.partition("#")
            goal = (page.parent / name).resolve() if name else page
            if not goal.exists() or (anchor and goal.suffix == ".md" and anchor not in anchors(goal.read_text())):
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == [], "These links lead nowhere: to a file or a heading that is not there."


def test_every_page_is_linked_from_the_index_of_its_folder():
    """A page that no index names is found by nobody."""
    forgotten: list[str] = []
    for index in sorted(DOCS.glob("*/README.md")):
        linked = {target.partition("#")[0] for target in re.findall(r"\]\(([^)\s]+)\)", index.read_text())}
        pages = {path.name for path in committed_files() if path.parent == index.parent and path.suffix == ".md"}
        forgotten += [f"{index.parent.name}/{name}" for name in sorted(pages - linked - {index.name})]
    assert forgotten == [], "Link these from the README.md of their folder."


def test_every_file_named_in_contributing_exists():
    """A guide that names files that moved is worse than none."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`((?:src/signoff|tests|docs|frontend)/[\w./-]+)`", text))
    assert named
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


def test_every_document_named_in_the_code_exists():
    named = {(module.name, path) for module in modules() for path in re.findall(r"docs/[\w./-]+\.md", module.text)}
    assert sorted((name, path) for name, path in named if not (ROOT / path).exists()) == []


def state_words(tree: ast.Module) -> set[str]:
    """Every word of every `…State = Literal[...]` in a module."""
    found: set[str] = set()
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]).endswith("State"):
            found |= {str(word.value) for word in ast.walk(node.value) if isinstance(word, ast.Constant)}
    return found


def test_the_glossary_has_every_state():
    text = (REFERENCE / "glossary.md").read_text()
    states = {word for module in modules() if module.name.endswith(".states") for word in state_words(module.tree)}
    assert states
    missing = sorted(word for word in states if f"`{word}`" not in text)
    assert missing == [], "Write these words into the table of states of docs/reference/glossary.md."
