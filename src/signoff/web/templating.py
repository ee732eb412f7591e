"""The one template environment: strict, escaping, and with every component macro within reach as ``ui.name``."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from jinja2 import BaseLoader, Environment, FileSystemLoader, StrictUndefined

from signoff.web import charts
from signoff.web.approval_words import answered_via, told_words, via_words
from signoff.web.assets import assets, icon
from signoff.web.filters import FILTERS
from signoff.web.json_view import json_html
from signoff.web.looks import look
from signoff.web.markdown import markdown_html
from signoff.web.navigation import BAR, NAVIGATION
from signoff.web.rule_words import change_in_words

HERE = Path(__file__).parent
MACRO = re.compile(r"{%-?\s*macro\s+([a-z]\w*)\s*\(")


class Components:
    """All macros of ``components/*.html`` under one name, so that a page imports nothing: ``{{ ui.badge("New") }}``.

    Macros see globals, never the page's variables. They may use each other the same way.
    """

    def __init__(self, environment: Environment, folder: Path) -> None:
        self._environment = environment
        self._files: dict[str, str] = {}
        for path in sorted(folder.glob("*.html")):
            for name in MACRO.findall(path.read_text(encoding="utf-8")):
                if name in self._files:
                    raise ValueError(f"two macros are called {name}: {self._files[name]} and {path.name}")
                self._files[name] = f"components/{path.name}"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._files:
            raise AttributeError(f"there is no component {name!r}")
        return getattr(self._environment.get_template(self._files[name]).module, name)

    def names(self) -> Mapping[str, str]:
        """Each macro and the file it is in."""
        return dict(self._files)


class _Environment(Environment):
    def join_path(self, template: str, parent: str) -> str:
        """A name that starts with ``./`` is beside the template that says it."""
        return posixpath.join(posixpath.dirname(parent), template[2:]) if template.startswith("./") else template


def make_environment(loader: BaseLoader | None = None, reload: bool | None = None) -> Environment:
    """A fresh environment; a test gives its own loader for templates that are not shipped."""
    environment = _Environment(
        loader=loader or FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=assets().reload if reload is None else reload,
        cache_size=800,
        extensions=["jinja2.ext.do"],
    )
    filters = cast(dict[str, Any], environment.filters)  # pyright: ignore[reportUnknownMemberType]
    filters.update(FILTERS, json_html=json_html, rule_words=change_in_words, markdown=markdown_html)
    filters.update(via_words=via_words, answered_via=answered_via, told_words=told_words)
    names = cast(dict[str, Any], environment.globals)  # pyright: ignore[reportUnknownMemberType]
    names.update(
        asset=assets().url,
        bar=BAR,
        charts=charts,
        icon=icon,
        look=look,
        navigation=NAVIGATION,
        ui=Components(environment, HERE / "components"),
    )
    return environment


@cache
def environment() -> Environment:
    """The environment of the shipped templates."""
    return make_environment()
