"""YAML as data only: no tags that make objects, no double keys, bounded, and every value with its line.

Plain scalars mean what YAML 1.2 says: `no` and `12:30` are texts, only true, false, null and numbers are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from signoff.agents.findings import Finding, path_of
from signoff.kit.text import shortened

CHARS_MAX = 256_000
DEPTH_MAX = 40
NODES_MAX = 20_000

_TAG = "tag:yaml.org,2002:"
# What a plain scalar may resolve to; the loader's older reading of it is then narrowed by `_scalar`.
_SCALARS = frozenset(_TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value"))
_INT = re.compile(r"[-+]?[0-9]{1,19}")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}

Steps = tuple[str | int, ...]


class _Refused(Exception):
    """The text cannot be read at all."""

    def __init__(self, code: str, line: int, text: str, fix: str) -> None:
        super().__init__(text)
        self.finding = Finding(code, "error", "", line, text, fix)


@dataclass(slots=True)
class YamlText:
    """What a text holds: plain JSON, the line of every path, and what is wrong with it."""

    value: Any = None
    lines: dict[str, int] = field(default_factory=dict[str, int])
    findings: list[Finding] = field(default_factory=list[Finding])


def read_yaml(text: str) -> YamlText:
    """Return what `text` holds. Every double key is told; what is no YAML has one finding and no value."""
    read = YamlText()
    try:
        _check_size(text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        read.value = _Reader(read).value(node, (), 0) if node else None
    except _Refused as refused:
        return YamlText(findings=[refused.finding])
    except yaml.YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read")
        finding = Finding(
            "yaml_error", "error", "", mark.line + 1 if mark else 1, f"This is not YAML: {problem}.", "Correct it."
        )
        return YamlText(findings=[finding])
    return read


def _check_size(text: str) -> None:
    """Refuse before anything is built. The parser's events come one by one, without recursion."""
    if len(text) > CHARS_MAX:
        raise _Refused("too_large", 1, f"The file has more than {CHARS_MAX:,} characters.", "Make it smaller.")
    depth = nodes = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        nodes += isinstance(event, yaml.NodeEvent)
        if depth > DEPTH_MAX:
            raise _Refused("too_deep", line, f"This is nested more than {DEPTH_MAX} levels deep.", "Make it flatter.")
        if nodes > NODES_MAX:
            raise _Refused("too_large", line, f"The file has more than {NODES_MAX:,} values.", "Make it smaller.")


class _Reader:
    """Turns nodes into plain JSON. Aliases are followed, and what they repeat counts again."""

    def __init__(self, read: YamlText) -> None:
        self._read = read
        self._nodes = 0

    def value(self, node: Any, steps: Steps, depth: int) -> Any:
        line = int(node.start_mark.line) + 1
        self._nodes += 1
        if self._nodes > NODES_MAX or depth > DEPTH_MAX:
            raise _Refused("too_large", line, "The aliases repeat too much, or themselves.", "Write it out.")
        self._read.lines.setdefault(path_of(steps), line)
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return dict(self._members(node, steps, depth))
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            items: list[Any] = node.value
            return [self.value(item, (*steps, index), depth + 1) for index, item in enumerate(items)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _SCALARS:
            return _scalar(node)
        raise _Refused(
            "yaml_tag", line, f"The tag {shortened(str(node.tag), 80)} is not plain data.", "Remove the tag."
        )

    def _members(self, node: Any, steps: Steps, depth: int) -> Iterator[tuple[str, Any]]:
        seen: set[str] = set()
        for name_node, value_node in node.value:
            line = int(name_node.start_mark.line) + 1
            if not isinstance(name_node, yaml.ScalarNode):
                raise _Refused("yaml_key", line, "A name here is not a text.", "Use a text.")
            name = str(name_node.value)
            here = (*steps, name)
            if name in seen:
                text = f"{shortened(name, 80)} stands here twice; only one of them would count."
                self._read.findings.append(
                    Finding("duplicate_key", "error", path_of(here), line, text, "Remove one of them.")
                )
            seen.add(name)
            self._read.lines.setdefault(path_of(here), line)
            yield name, self.value(value_node, here, depth + 1)


def _scalar(node: Any) -> Any:
    text = str(node.value)
    kind = node.tag.removeprefix(_TAG)
    if kind == "str" or (node.style in ("'", '"', "|", ">") and kind in ("merge", "value", "timestamp")):
        return text
    if kind in ("bool", "null"):
        return _WORDS.get(text.lower(), text)
    if kind == "int" and _INT.fullmatch(text):
        return int(text)
    if kind == "float" and _FLOAT.fullmatch(text):
        return float(text)
    return text
