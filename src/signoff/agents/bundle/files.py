"""`DIR/<slug>/agent.yaml` and `sop.md`: reading with every mistake told, writing the same bytes for the same agent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import yaml

from signoff.agents.body import SOP_CHARS_MAX, Body, plain_sop
from signoff.agents.bundle.yaml_text import CHARS_MAX, YamlText, read_yaml
from signoff.agents.findings import Finding
from signoff.agents.limits import checked_description, checked_name, checked_tags
from signoff.kit.errors import Malformed
from signoff.kit.text import is_slug
from signoff.people.seats import APPROVERS_MAX

YAML_NAME, SOP_NAME = "agent.yaml", "sop.md"
AGENTS_MAX = 500
# UTF-8 takes up to four bytes for a character.
_YAML_BYTES_MAX, _SOP_BYTES_MAX = 4 * CHARS_MAX, 4 * SOP_CHARS_MAX + 16

PEOPLE = ("owner", "operations_owner", "approvers", "backup", "escalation_manager")
ABOUT = ("slug", "name", "description", *PEOPLE, "tags")
_ORDER = (
    "model",
    "input_schema",
    "output_schema",
    "tools",
    "sub_agents",
    "gates",
    "rules",
    "asking",
    "memory",
    "secrets",
    "limits",
)
# JSON Schemas by name, where null and [] mean something.
_SCHEMAS = ("args", "unless", "result")


@dataclass(frozen=True, slots=True)
class AgentFile:
    """One agent as its files say it. People are e-mail addresses; None says nothing about them."""

    slug: str
    name: str
    description: str = ""
    owner: str | None = None
    operations_owner: str | None = None
    approvers: tuple[str, ...] | None = None
    backup: str | None = None
    escalation_manager: str | None = None
    tags: tuple[str, ...] = ()
    body: dict[str, Any] = field(default_factory=dict[str, Any])
    lines: dict[str, int] = field(default_factory=dict[str, int])
    findings: tuple[Finding, ...] = ()

    def place_of(self, finding: Finding) -> str:
        """Return `supplier-mail/agent.yaml:12` for a finding."""
        name = SOP_NAME if finding.path == "sop" else YAML_NAME
        return f"{self.slug}/{name}:{finding.line or 1}"


def read_folder(path: Path) -> list[AgentFile]:
    """Return every agent under `path`, by slug; mistakes are findings of theirs, not exceptions.

    Raises:
        Malformed: `path` is no folder, or holds no agent, or too many.
    """
    if not path.is_dir():
        raise Malformed(f"{path} is not a folder. Name the folder that holds one folder per agent.")
    folders = sorted(child for child in path.iterdir() if (child / YAML_NAME).exists())
    if not folders:
        raise Malformed(f"{path} holds no agent. It takes a folder per agent with {YAML_NAME} and {SOP_NAME} in it.")
    if len(folders) > AGENTS_MAX:
        raise Malformed(f"{path} holds {len(folders)} agents; at most {AGENTS_MAX} are read at once.")
    return [_read_one(folder) for folder in folders]


def _read_one(folder: Path) -> AgentFile:
    faults: list[Finding] = []
    about = _text_of(folder / YAML_NAME, _YAML_BYTES_MAX, "", faults)
    sop = _text_of(folder / SOP_NAME, _SOP_BYTES_MAX, "sop", faults)
    read = read_texts(folder.name, about, sop) if about is not None else AgentFile(folder.name, "")
    return replace(read, findings=(*faults, *read.findings))


def _text_of(path: Path, bytes_max: int, place: str, faults: list[Finding]) -> str | None:
    """Return the text of a plain file. A link is not followed: it could lead to what is nobody's SOP."""

    def refuse(text: str, fix: str) -> None:
        faults.append(Finding("file_unreadable", "error", place, 1, f"{path.name}: {text}", fix))

    if path.is_symlink() or not path.is_file():
        refuse("there is no such plain file.", "Add it; a link is not followed.")
        return None
    if path.stat().st_size > bytes_max:
        refuse(f"it has more than {bytes_max:,} bytes.", "Make it smaller.")
        return None
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        refuse("it is not UTF-8 text.", "Save it as UTF-8.")
    except OSError as error:
        refuse(f"{error.strerror}.", "Make it readable.")
    return None


def read_texts(folder: str, about: str, sop: str | None) -> AgentFile:
    """Return the agent that the texts of `agent.yaml` and `sop.md` describe, with what is wrong with them."""
    read = read_yaml(about)
    if read.value is None and read.findings:
        return AgentFile(folder, folder, findings=tuple(read.findings))
    value: Any = read.value
    if not isinstance(value, dict):
        fault = Finding("wrong_type", "error", "", 1, "agent.yaml is not an object.", "Write `name: value` lines.")
        return AgentFile(folder, folder, findings=(fault,))
    members = cast("dict[str, Any]", value)
    found = _about(folder, members, read)
    body = {name: value for name, value in members.items() if name not in (*ABOUT, "sop")}
    if "sop" in members:
        line = read.lines.get("sop")
        text = "The SOP stands in agent.yaml."
        read.findings.append(Finding("sop_in_yaml", "error", "", line, text, f"Move it to {SOP_NAME}."))
    if sop is not None:
        body["sop"] = plain_sop(sop)
    read.lines.pop("sop", None)
    return replace(found, body=body, lines=read.lines, findings=tuple(read.findings))


def _about(folder: str, members: dict[str, Any], read: YamlText) -> AgentFile:
    def fault(code: str, name: str, text: str, fix: str) -> None:
        line = read.lines.get(name, 1)
        read.findings.append(Finding(code, "error", name, line, text, fix))

    def text_of(name: str) -> str | None:
        value = members.get(name)
        if value is None or isinstance(value, str):
            return value
        fault("wrong_type", name, f"{name} takes a text.", "Put it in quotes.")
        return None

    slug, name = text_of("slug"), text_of("name")
    if slug is not None and slug != folder:
        fault("slug_mismatch", "slug", f"The folder is called {folder}, the agent {slug}.", "Call both the same.")
    if not is_slug(folder):
        fault(
            "bad_name",
            "slug",
            f"{folder} cannot be a slug.",
            "Small letters, digits and hyphens; a letter first; at most 63.",
        )
    if members.get("name") is None:
        fault("missing_required", "name", "name is missing.", "Add what people call the agent.")
    tags, is_list = _texts(members.get("tags"))
    if not is_list:
        fault("wrong_type", "tags", "tags takes a list of texts.", "Write a list; put numbers in quotes.")
    approvers, is_list = _texts(members.get("approvers"))
    if not is_list:
        fault("wrong_type", "approvers", "approvers takes a list of addresses.", "Write a list.")
    if len(approvers) > APPROVERS_MAX:
        fault("out_of_range", "approvers", f"These are {len(approvers)} approvers.", f"At most {APPROVERS_MAX}.")
    found = AgentFile(
        slug=folder,
        name=name or folder,
        description=text_of("description") or "",
        owner=text_of("owner"),
        operations_owner=text_of("operations_owner"),
        approvers=approvers if members.get("approvers") is not None else None,
        backup=text_of("backup"),
        escalation_manager=text_of("escalation_manager"),
        tags=tags,
    )
    return _bounded(found, fault)


def _texts(value: Any) -> tuple[tuple[str, ...], bool]:
    """Return the texts of a list, and whether it was a list of nothing else."""
    if value is None:
        return (), True
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    texts = tuple(item for item in items if isinstance(item, str))
    return texts, isinstance(value, list) and len(texts) == len(items)


def _bounded(found: AgentFile, fault: Any) -> AgentFile:
    checks = {"name": checked_name, "description": checked_description, "tags": checked_tags}
    clean: dict[str, Any] = {}
    for field_name, check in checks.items():
        try:
            value: Any = check(getattr(found, field_name))
        except Malformed as refusal:
            fault("out_of_range", field_name, refusal.detail, "Correct it.")
            continue
        clean[field_name] = tuple(cast("list[str]", value)) if isinstance(value, list) else value
    return replace(found, **clean)


def write_folder(path: Path, files: Iterable[AgentFile]) -> list[Path]:
    """Write each agent below `path`; return the files whose content changed. Nothing is removed.

    Raises:
        Malformed: a file to be written is a link.
    """
    changed: list[Path] = []
    for file in files:
        if not is_slug(file.slug):
            raise Malformed(f"{file.slug!r} cannot name a folder.")
        about, sop = written(file)
        folder = path / file.slug
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in ((YAML_NAME, about), (SOP_NAME, sop)):
            target, data = folder / name, text.encode("utf-8")
            if target.is_symlink():
                raise Malformed(f"{target} is a link; it is not written through. Remove it first.")
            if not target.exists() or target.read_bytes() != data:
                target.write_bytes(data)
                changed.append(target)
    return changed


def written(file: AgentFile) -> tuple[str, str]:
    """Return the texts of `agent.yaml` and `sop.md`: always the same for the same agent."""
    about: dict[str, Any] = {"slug": file.slug, "name": file.name}
    for name in ("description", *PEOPLE):
        if value := getattr(file, name):
            about[name] = list(value) if name == "approvers" else value
    if file.tags:
        about["tags"] = list(file.tags)
    body = Body.model_validate(file.body).plain()
    for name in _ORDER:
        # What came later is left out of a body while it says nothing.
        value = body[name] if name.endswith("_schema") else _said(body.get(name))
        if value is not None and value != []:
            about[name] = value
    text = yaml.dump(about, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100, default_flow_style=False)
    return text, f"{body['sop']}\n" if body["sop"] else ""


class _Dumper(yaml.SafeDumper):
    """Equal parts are written out each time: an alias is harder to read than what it stands for."""

    def ignore_aliases(self, data: Any) -> bool:
        """Return that nothing is written as an alias."""
        return True

    def represent_str(self, data: str) -> Any:
        """Return a text, escaped where it holds a line end other than a newline: those would be read as spaces."""
        style = '"' if any(mark in data for mark in ("\r", "\x85", "\u2028", "\u2029")) else None
        return yaml.ScalarNode("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


def _said(value: Any) -> Any:
    """Return a part without what it does not say: no value, an empty list."""
    if isinstance(value, list):
        return [_said(item) for item in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    members = cast("dict[str, Any]", value)
    # An empty allow-list must be there.
    kept = {name: item if name in (*_SCHEMAS, "allow") else _said(item) for name, item in members.items()}
    said = {name: item for name, item in kept.items() if name == "allow" or item not in (None, [], {})}
    return said | {"allow": _said(said["allow"])} if "allow" in said else said
