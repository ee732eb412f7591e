"""Small files, one idea each: where a line is drawn, a god file cannot grow."""

from __future__ import annotations

import ast

from tests.contracts.kit_source import ROOT, modules

# A migration is a list of operations in order; cutting it would only hide it.
LISTS = ("tables.migrations.versions",)
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70


def test_no_file_is_longer_than_one_idea():
    lines = {
        str(module.path.relative_to(ROOT)): len(module.text.splitlines())
        for module in modules()
        if not module.is_in(*LISTS)
    }
    assert {path: count for path, count in lines.items() if count > FILE_LINES_MAX} == {}, (
        f"More than {FILE_LINES_MAX} lines are two ideas: move one into a file named for it."
    )


def test_no_function_is_longer_than_a_screen():
    long: dict[str, int] = {}
    for module in (module for module in modules() if not module.is_in(*LISTS)):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES_MAX:
                    long[f"{module.at(node)} {node.name}"] = length
    assert long == {}, f"More than {FUNCTION_LINES_MAX} lines: give a part of it a name of its own."
