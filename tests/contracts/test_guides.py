"""What a guide tells a reader to type exists: commands with their options, calls of the API, names in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from fastapi import FastAPI

from signoff.api import openapi
from signoff.cli.commands import app
from tests.contracts.kit_source import DOCS, ROOT

PAGES = (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))
# Named once for all guides in docs/how-to/README.md, or by the shell.
KNOWN = {"API", "KEY", "HOME", "PATH", "PWD"}


def blocks(page: Path) -> Iterator[str]:
    """Every block of commands, each command on one line."""
    for block in re.findall(r"```(?:sh|console)\n(.*?)```", page.read_text(), re.DOTALL):
        yield re.sub(r"\\\n\s*", " ", block)


def commands(page: Path) -> Iterator[list[str]]:
    """Every `signoff …` as words: in blocks, and inside sentences where it stands whole."""
    text = "\n".join(blocks(page))
    lines = re.findall(r"(?:^|[\s(])(?:\.venv/bin/)?(signoff [a-z][^\n]*)", text)
    if page.parent.name != "reference":  # Tables there write several commands in one.
        lines += re.findall(r"`(signoff [a-z][^`\n]+)`", page.read_text())
    for line in lines:
        yield shlex.split(re.split(r"\s(?:\||&&|>|;|#)\s?", line)[0])


def mistake(words: list[str]) -> str | None:
    """What is wrong with a command; None when there is such a one with such options."""
    command: Any = typer.main.get_command(app)
    rest = words[1:]
    while rest and hasattr(command, "commands") and rest[0] in command.commands:
        command = command.commands[rest.pop(0)]
    if hasattr(command, "commands") and rest:
        return f"there is no command “{rest[0]}” in: {' '.join(words)}"
    options = {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    unknown = [word for word in rest if re.match(r"--?[a-z]", word) and word.split("=")[0] not in options]
    return f"there is no option {unknown[0]} in: {' '.join(words)}" if unknown else None


def test_every_command_in_a_guide_exists_with_its_options():
    told = [(page, words) for page in PAGES for words in commands(page)]
    assert len(told) > 50
    assert [f"{page.relative_to(ROOT)}: {wrong}" for page, words in told if (wrong := mistake(words))] == []


def calls(page: Path) -> Iterator[tuple[str, str]]:
    """(method, path) of every `curl` to the API, and of every call named inside a sentence."""
    for block in blocks(page):
        for command in re.split(r"\n(?=\S)", block):
            if address := re.search(r"curl .*?\$API(/[^\s\"?]*)", command):
                said = re.search(r"-X ([A-Z]+)", command)
                yield said.group(1) if said else "POST" if " -d " in command else "GET", address.group(1)
    yield from re.findall(r"`(GET|POST|PUT|PATCH|DELETE) (?:\$API|/v1/\{workspace\})(/[^\s`?]*)`", page.read_text())


def test_every_call_in_a_guide_is_an_operation_of_the_api():
    served = FastAPI()
    openapi.describe(served)
    operations = {
        (method.upper(), re.sub(r"\{\w+\}", "*", path))
        for path, one in served.openapi()["paths"].items()
        for method in one
    }
    told = [(page, method, path) for page in PAGES for method, path in calls(page)]
    assert len(told) > 30

    def is_served(method: str, path: str) -> bool:
        """A name in the guide stands for any part of a path; a verb after a colon is written out."""
        wanted = ["", "v1", "*", *path.strip("/").split("/")]
        return any(
            method == of and len(parts := known.split("/")) == len(wanted) and all(map(_fits, wanted, parts))
            for of, known in operations
        )

    wrong = [f"{page.relative_to(ROOT)}: {method} {path}" for page, method, path in told if not is_served(method, path)]
    assert wrong == []


def _fits(written: str, known: str) -> bool:
    if "*" not in known:
        return written == known
    name, _, verb = written.partition(":")
    return bool(name) and verb == known.partition(":")[2]


def test_every_name_in_the_commands_of_a_guide_is_said_what_it_is():
    """`$API` and `$KEY` are explained once; an id in capitals says itself what it is of."""
    other = {
        f"{page.relative_to(ROOT)}: ${name}"
        for page in PAGES
        for block in blocks(page)
        for name in re.findall(r"\$\{?([A-Z][A-Z_]+)", block)
        if name not in KNOWN and not re.search(rf"(?:^|[\s;]){name}=", "\n".join(blocks(page)))
    }
    things = "CONNECTION|DATASET|EFFECT|ENTRY|INCIDENT|MEMBER|RELEASE|REQUEST|RUN"
    ids = {name for name in other if re.search(rf"\$(?:{things})$", name)}
    own = {name for name in other if re.search(r"\$(?:SIGNOFF_DATABASE_URL|STAGING_KEY|PRODUCTION_KEY)$", name)}
    assert sorted(other - ids - own) == [], "Call the API $API and the key $KEY, or set the name in the guide."
