"""The reference says every code lint has, and the example in it is an agent without mistakes."""

from __future__ import annotations

import re
from pathlib import Path

from signoff.agents.bundle import read_texts, written
from signoff.agents.bundle.seats import FIELDS
from signoff.agents.lint import lint

ROOT = Path(__file__).parents[3]
REFERENCE = ROOT / "docs" / "reference"
CODE = re.compile(r'(?:Finding|_error|_Refused|fault|refuse)\(\s*f?"([a-z0-9_]+(?:\{(?:name|word)\})?)",')


def test_every_code_is_documented_and_nothing_else():
    source = "".join(path.read_text() for path in (ROOT / "src" / "signoff" / "agents").rglob("*.py"))
    codes = set(CODE.findall(source))
    codes |= {code.replace("{name}", who) for code in codes for who in ("owner", "backup") if "{" in code}
    codes |= {f"unknown_{'approver' if kind == 'approver' else name}" for name, kind in FIELDS.items()}
    rows = [line.split("|")[1] for line in (REFERENCE / "lint.md").read_text().split("\n") if line.startswith("| `")]
    assert {code for code in codes if "{" not in code} == {code for row in rows for code in re.findall("`(.*?)`", row)}


def test_the_example_is_right():
    text = (REFERENCE / "agent-yaml.md").read_text()
    example = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)[0]
    file = read_texts("supplier-mail", example, "Log in with {{secret.ERP_TOKEN}}, then use @erp.find_order.")
    assert file.findings == ()
    assert lint(file.body, lines=file.lines) == []
    assert read_texts("supplier-mail", *written(file)).findings == ()
