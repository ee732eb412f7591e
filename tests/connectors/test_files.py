"""Files below a folder, and none beside it."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.connectors import faults
from signoff.connectors.files.link import open_files
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings

pytestmark = pytest.mark.anyio


async def call(settings: Settings, tool: str, **args: Any) -> Any:
    link = await open_files(settings, {"folder": str(settings.mail_roots[0])})
    return (await link.call(tool, args, key=None, timeout_seconds=10)).value


async def test_files_are_listed_page_by_page_and_read(outside: Settings) -> None:
    root = outside.mail_roots[0]
    (root / "sub").mkdir()
    for name in ("a.txt", "b.csv", "sub/c.html", "d.bin"):
        (root / name).write_bytes(b"\0\1\2" * 100 if name == "d.bin" else b"<p>one</p>")
    first = await call(outside, "list_files", limit=3)
    second = await call(outside, "list_files", limit=3, cursor=first["next_cursor"])
    assert [found["path"] for page in (first, second) for found in page["files"]] == [
        "a.txt", "b.csv", "d.bin", "sub/c.html",
    ]  # fmt: skip
    assert second["next_cursor"] is None
    assert (await call(outside, "read_file", path="a.txt"))["text"] == "<p>one</p>"
    assert (await call(outside, "read_file", path="sub/c.html"))["text"] == "one"
    assert (await call(outside, "read_file", path="a.txt", max_chars=3))["is_truncated"]
    assert (await call(outside, "read_file", path="d.bin"))["text"] is None
    with pytest.raises(ConnectorError):
        await call(outside, "list_files", cursor="nowhere")


ESCAPES = [
    "../secret.txt", "..", "/etc/passwd", "sub/../../secret.txt", "./../secret.txt", "..\\secret.txt", "C:\\x", "~/x",
    "~root/.ssh/id_rsa", "link/secret.txt", "link.txt", "\0", "a\0b", "....//....//etc/passwd", "%2e%2e/secret.txt",
    "file:///etc/passwd", "/proc/self/environ", "pipe", "sub", ".", "x" * 2000, "a/" * 900 + "b", "//etc/passwd",
    "..;/secret.txt", "\u2025/secret.txt", "..%c0%af/secret.txt", "secret.txt\n",
]  # fmt: skip


@pytest.mark.parametrize("path", ESCAPES)
async def test_no_path_leads_out(outside: Settings, path: str) -> None:
    root = outside.mail_roots[0]
    (root.parent / "secret.txt").write_text("planted")
    (root / "sub").mkdir()
    (root / "link").symlink_to(root.parent)
    (root / "link.txt").symlink_to(root.parent / "secret.txt")
    with pytest.raises(ConnectorError) as caught:
        await call(outside, "read_file", path=path)
    assert caught.value.code == faults.BAD_ARGUMENTS
    listed = await call(outside, "list_files")
    assert [(found["path"], "problem" in found) for found in listed["files"]] == [("link", True), ("link.txt", True)]


async def test_a_link_inside_is_followed(outside: Settings) -> None:
    root = outside.mail_roots[0]
    (root / "real.txt").write_text("here")
    (root / "alias.txt").symlink_to("real.txt")
    assert (await call(outside, "read_file", path="alias.txt"))["text"] == "here"
