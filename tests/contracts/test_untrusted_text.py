"""Untrusted text is data: nothing here may run it, load objects from it, or let it choose a format."""

from __future__ import annotations

import ast
import re

from tests.contracts.kit_source import ROOT, SRC, Module, calls, dotted, imported, modules

RUNS_CODE = {"eval", "exec", "compile", "__import__", "builtins.eval", "builtins.exec", "runpy.run_path"}
LOADS_OBJECTS = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "jsonpickle"}
UNSAFE_YAML = {"yaml.load_all", "yaml.unsafe_load", "yaml.full_load", "yaml.Loader", "yaml.FullLoader"}
UNSAFE_XML = {"xml.etree", "xml.dom", "xml.sax", "lxml"}
# What a statement is sent to a database with.
SQL_CALLS = {"execute", "executemany", "executescript", "exec_driver_sql", "literal_column"}
# (file, statement's first word): why text from nowhere but this file may be put into SQL there.
SQL_BUILT_HERE = {
    ("src/signoff/tables/session.py", "pragma"): "Constants; SQLite takes no parameters there.",
    ("src/signoff/tables/migrations/triggers.py", "CREATE"): "Tables a migration names; DDL takes no parameters.",
}


def test_nothing_runs_text_as_code():
    wrong = [module.at(node) for module in modules() for node, name in calls(module) if name in RUNS_CODE]
    wrong += [module.at(node) for module in modules() for node, name in calls(module) if name.endswith(".from_string")]
    assert wrong == []


def test_nothing_loads_objects_from_bytes():
    wrong = [
        f"{module.at(node)} {name}"
        for module in modules()
        for node, name in imported(module)
        if name.split(".")[0] in LOADS_OBJECTS or any(name.startswith(unsafe) for unsafe in UNSAFE_XML)
    ]
    for module in modules():
        stricter = safe_loaders(module)
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and dotted(node.func) == "yaml.load":
                loader = next((keyword.value for keyword in node.keywords if keyword.arg == "Loader"), None)
                if loader is None or ast.unparse(loader) not in stricter:
                    wrong.append(f"{module.at(node)} yaml.load")
            elif isinstance(node, ast.Attribute) and dotted(node) in UNSAFE_YAML:
                wrong.append(f"{module.at(node)} {dotted(node)}")
    assert wrong == []


def safe_loaders(module: Module) -> set[str]:
    """Classes of this module that read YAML as the safe loader does, or even less of it."""
    classes = [node for node in module.tree.body if isinstance(node, ast.ClassDef)]
    return {node.name for node in classes if [ast.unparse(base) for base in node.bases] == ["yaml.SafeLoader"]}


def test_no_shell():
    wrong = [
        module.at(node)
        for module in modules()
        for node, _ in calls(module)
        for keyword in node.keywords
        if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False)
    ]
    assert wrong == []


def is_written_here(node: ast.expr, module: Module) -> bool:
    """Whether a format string is a literal, a Markup around a literal, or a module's own constant (CAPITALS)."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str)
    if isinstance(node, ast.Call):
        return dotted(node.func).rsplit(".", 1)[-1] in {"Markup", "SQL"} and all(
            is_written_here(argument, module) for argument in node.args
        )
    return isinstance(node, ast.Name) and node.id.strip("_").isupper()


def test_a_format_string_is_written_in_the_code():
    """`"{0.__class__}".format(x)` reads attributes: a format string from outside is a way in."""
    wrong = [
        module.at(node)
        for module in modules()
        for node, _ in calls(module)
        if isinstance(node.func, ast.Attribute)
        and node.func.attr in {"format", "format_map"}
        and not is_written_here(node.func.value, module)
    ]
    assert wrong == []


def test_markup_is_never_built_from_data():
    wrong = [
        module.at(node)
        for module in modules()
        for node, name in calls(module)
        if name.rsplit(".", 1)[-1] == "Markup" and node.args and isinstance(node.args[0], ast.JoinedStr | ast.BinOp)
    ]
    assert wrong == []


def is_sql_call(name: str, module: Module) -> bool:
    """Whether `name` sends a statement; other things are called `text` too, so that one must be SQLAlchemy's."""
    if name == "text":
        return any(imported_name == "sqlalchemy.text" for _, imported_name in imported(module))
    return name in {"sa.text", "sqlalchemy.text"} or name.rsplit(".", 1)[-1] in SQL_CALLS


def test_sql_is_never_glued_from_text():
    wrong: list[str] = []
    for module in modules():
        path = str(module.path.relative_to(ROOT))
        for node, name in calls(module):
            if not node.args or not is_sql_call(name, module):
                continue
            statement = node.args[0]
            # psycopg's SQL("…").format(Identifier(…)) quotes what it puts in; a string's format does not.
            glued = isinstance(statement, ast.JoinedStr | ast.BinOp) or (
                isinstance(statement, ast.Call)
                and dotted(statement.func).endswith(".format")
                and "SQL(" not in ast.unparse(statement.func)
            )
            first = re.match(r"\W*(\w*)", ast.unparse(statement).removeprefix("f"))
            if glued and (path, first.group(1) if first else "") not in SQL_BUILT_HERE:
                wrong.append(f"{module.at(node)} {ast.unparse(statement)[:60]}")
    assert wrong == []


# What would compile text to code in the browser, or switch escaping off.
FORBIDDEN_IN_TEMPLATES = {
    r"\|\s*safe\b": "escaping switched off",
    r"\sstyle\s*=": "inline style, which the content security policy refuses",
    r"\son[a-z]+\s*=": "inline script, which the content security policy refuses",
    r"\bhx-on\b": "inline script",
    r"""["']\s*(js|javascript):""": "an attribute that is compiled to code",
    r"autoescape\s+false": "escaping switched off",
    r"<script(?![^>]*\ssrc=)": "inline script, which the content security policy refuses",
}


def test_templates_hold_nothing_that_is_compiled_to_code():
    wrong: list[str] = []
    for path in sorted(SRC.rglob("*.html")):
        text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
        for pattern, why in FORBIDDEN_IN_TEMPLATES.items():
            wrong += [
                f"{path.relative_to(ROOT)}: {found.group().strip()}: {why}" for found in re.finditer(pattern, text)
            ]
    assert wrong == []
