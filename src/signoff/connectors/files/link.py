"""The link to a folder of files."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from signoff.connectors import faults
from signoff.connectors.folders import Entry, open_file, opened_folder, walk
from signoff.connectors.local import READS, LocalLink, LocalTool
from signoff.connectors.mail.documents import BYTES_MAX, Document, as_text
from signoff.connectors.protocol import ToolSpec
from signoff.settings import Settings

FILES_MAX = 100_000
_LIST_MAX = 500
_PATH = {"type": "string", "minLength": 1, "maxLength": 2_000}


def list_files(folder: Path, args: dict[str, Any]) -> dict[str, Any]:
    """Return one page of the files below `folder`, by name."""
    limit, cursor = int(args.get("limit") or 100), args.get("cursor")
    entries = iter(walk(folder, files_max=FILES_MAX))
    if cursor is not None and all(entry.name != cursor for entry in entries):
        raise faults.fault(faults.BAD_ARGUMENTS, "The cursor is not one this list gave out. Start without it.")
    shown = list(islice(entries, limit + 1))
    return {
        "files": [_facts(entry) for entry in shown[:limit]],
        "next_cursor": shown[limit - 1].name if len(shown) > limit else None,
    }


def _facts(entry: Entry) -> dict[str, Any]:
    facts: dict[str, Any] = {"path": entry.name, "size_bytes": entry.size_bytes}
    return {**facts, "problem": entry.problem} if entry.problem else facts


def read_file(folder: Path, args: dict[str, Any], chars_max: int) -> dict[str, Any]:
    """Return a file as text.

    Raises:
        ConnectorError: the path leads out of the folder, or to no regular file.
    """
    path: str = args["path"]
    wanted = folder / path
    parts = path.replace("\\", "/").split("/")
    if "\0" in path or path.startswith(("/", "~")) or ".." in parts or not wanted.is_relative_to(folder):
        raise faults.fault(faults.BAD_ARGUMENTS, "Give the path of a file below the folder, as list_files shows it.")
    try:
        with open_file(wanted, folder) as stream:
            data = stream.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise faults.fault(faults.BAD_ARGUMENTS, f"That file cannot be read: {reason}.") from error
    limit = min(int(args.get("max_chars") or chars_max), chars_max)
    document = Document(wanted.name, "application/octet-stream", "", data[:BYTES_MAX], len(data) > BYTES_MAX)
    return {"path": path, "size_bytes": len(data), **as_text(document, limit)}


async def open_files(settings: Settings, config: Mapping[str, Any]) -> LocalLink:
    """Open a folder of files below one of the operator's `mail_roots`.

    Raises:
        ConnectorError: the folder is elsewhere, is not there, or may not be read.
    """
    text = str(config.get("folder", ""))
    folder = opened_folder(text, settings.mail_roots)
    chars_max = max(settings.tool_result_chars_max * 4 // 5, 1_000)
    listed = {
        "type": "object",
        "properties": {"limit": {"type": "integer", "minimum": 1, "maximum": _LIST_MAX}, "cursor": _PATH},
        "additionalProperties": False,
    }
    read = {
        "type": "object",
        "properties": {"path": _PATH, "max_chars": {"type": "integer", "minimum": 1, "maximum": 1_000_000}},
        "required": ["path"],
        "additionalProperties": False,
    }
    tools = [
        LocalTool(
            ToolSpec("list_files", "List the files of the folder.", listed, None, READS),
            lambda args: list_files(folder, args),
        ),
        LocalTool(
            ToolSpec("read_file", "Read one file as text (text, CSV, JSON, XML, HTML, PDF).", read, None, READS),
            lambda args: read_file(folder, args, chars_max),
        ),
    ]

    def check() -> None:
        opened_folder(text, settings.mail_roots)

    return LocalLink(tools, check, answer_chars_max=settings.tool_result_chars_max)
