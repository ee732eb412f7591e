from __future__ import annotations

import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from signoff.connectors.pool import Pool
from signoff.settings import Settings, StdioCommand

SERVERS = Path(__file__).parent / "servers"
ODD = (
    "hang", "exit", "long-line", "garbage", "wrong-shape", "wrong-envelope", "wrong-error", "abyss",
    "rpc-error", "refuse", "sampling", "other-ids",
    "half-a-character", "deep", "dead", "silent", "banner", "endless-tools", "twice", "huge-tool", "long-name",
    "changing", "stubborn", "plain",
)  # fmt: skip


def command(*args: str) -> StdioCommand:
    return StdioCommand(command=sys.executable, args=[str(SERVERS / args[0]), *args[1:]])


@pytest.fixture
def outside(tmp_path: Path) -> Settings:
    """Settings that allow loopback, the test servers, and a mail root."""
    root = tmp_path / "root"
    root.mkdir()
    programs = {name: command("odd.py", name) for name in ODD}
    programs["children"] = command("odd.py", "children", str(tmp_path / "pids"))
    programs["bench"] = command("bench.py", "stdio")
    programs["missing"] = StdioCommand(command="/does/not/exist")
    return Settings(allow_loopback=True, stdio_commands=programs, mail_roots=[root], data_dir=tmp_path / "data")


@pytest.fixture
async def pool(outside: Settings) -> AsyncGenerator[Pool]:
    opened = Pool(outside)
    yield opened
    await opened.close()
