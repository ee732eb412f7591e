"""A folder of anything: each file is a message, several, or a reason why not."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from signoff.connectors import faults
from signoff.connectors.mail import sources
from signoff.connectors.mail.link import open_mail
from signoff.connectors.mail.parse import Listing, list_folder, read_message
from signoff.connectors.mail.sources import Memory
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings

MESSAGE = b"From: a@b.example\nSubject: %s\n\nHello\n"


def subjects(listing: Listing) -> list[str]:
    return [read_message(message)["subject"] for message in listing.messages]


def reasons(listing: Listing) -> dict[str, str]:
    return {missed.name: missed.reason for missed in listing.unreadable}


def test_files_maildir_mbox_and_apple_mail(tmp_path: Path) -> None:
    for place in ("cur", "new", "tmp"):
        (tmp_path / "maildir" / place).mkdir(parents=True)
        (tmp_path / "maildir" / place / f"1.host:2,S-{place}").write_bytes(MESSAGE % place.encode())
    (tmp_path / "one.eml").write_bytes(MESSAGE % b"eml")
    (tmp_path / "old.mbox").write_bytes(
        b"From a@b Fri Nov 20 10:00:00 2026\n" + MESSAGE % b"first" + b"From the start of a line.\n"
        b"\n>From quoted\n\nFrom c@d Fri Nov 20 11:00:00 2026\r\n" + MESSAGE % b"second"
    )  # fmt: skip
    apple = MESSAGE % b"apple"
    (tmp_path / "3.emlx").write_bytes(b"%d\n" % len(apple) + apple + b'<?xml version="1.0"?><plist/>')
    listing = list_folder(tmp_path)
    assert sorted(subjects(listing)) == ["apple", "cur", "eml", "first", "new", "second"]
    assert reasons(listing) == {"maildir/tmp/1.host:2,S-tmp": "it is still being delivered"}
    first = next(m for m in listing.messages if "first" in read_message(m)["subject"])
    assert "From the start of a line." in read_message(first)["text"]


def test_a_sentence_of_an_mbox_that_begins_with_from_begins_no_message(tmp_path: Path) -> None:
    """Some programs quote such a line and some do not: a message begins where a time or a header says so."""
    (tmp_path / "mbox").write_bytes(
        b"From a@b Fri Nov 20 10:00:00 2026\n" + MESSAGE % b"first"
        + b"\n\nFrom our side nothing speaks against it.\n\nRegards\n"
        + b"\nFrom c@d\n" + MESSAGE % b"second" + b"\n\nFrom e@f Fri Nov 20 11:00:00 2026\n\nno header at all\n"
    )  # fmt: skip
    listing = list_folder(tmp_path)
    assert sorted(subjects(listing)) == ["", "first", "second"]
    first = next(m for m in listing.messages if "first" in read_message(m)["subject"])
    assert "From our side nothing speaks against it.\n\nRegards" in read_message(first)["text"]


def test_an_mbox_is_read_from_its_first_message_on(tmp_path: Path) -> None:
    (tmp_path / "torn.mbox").write_bytes(
        b"From a Fri\n\nwhat is left of a message\n\nFrom c@d Fri Nov 20 11:00:00 2026\n" + MESSAGE % b"whole"
    )
    listing = list_folder(tmp_path)
    assert subjects(listing) == ["whole"]
    assert reasons(listing) == {"torn.mbox": "what stands before its first message is none"}


def test_what_is_no_message_has_a_reason(tmp_path: Path) -> None:
    contents: dict[str, bytes] = {
        "empty.eml": b"",
        "blank.eml": b"\n\n\n",
        "photo.jpg": b"\xff\xd8\xff\xe0",
        "notes.txt": b"Dear diary,\nnothing today\n",
        "outlook.msg": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        "mail.zip": b"PK\x03\x04zip",
        "mail.tar.gz": b"\x1f\x8b\x08",
        ".DS_Store": b"\0\0",
        "dovecot.index": b"\0",
        "odd.mbox": b"From nobody\n",
        "program.py": b"import os\nx: int = 1\n",
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    listing = list_folder(tmp_path)
    assert listing.messages == ()
    assert set(reasons(listing)) == set(contents)
    assert "Outlook" in reasons(listing)["outlook.msg"]
    assert "unpack" in reasons(listing)["mail.zip"]
    assert "empty" in reasons(listing)["empty.eml"]


def test_an_eml_without_a_header_is_still_a_message(tmp_path: Path) -> None:
    (tmp_path / "x.eml").write_bytes(b"no header at all, just words\nand more\n")
    facts = read_message(list_folder(tmp_path).messages[0])
    assert "just words" in facts["text"]
    assert "it has no header" in facts["problems"]


def test_links_pipes_and_closed_doors(tmp_path: Path) -> None:
    outside = tmp_path / "outside.eml"
    outside.write_bytes(MESSAGE % b"outside")
    folder = tmp_path / "mail"
    (folder / "sub").mkdir(parents=True)
    (folder / "real.eml").write_bytes(MESSAGE % b"real")
    (folder / "inside.eml").symlink_to("real.eml")
    (folder / "out.eml").symlink_to(outside)
    (folder / "dead.eml").symlink_to("nowhere")
    (folder / "loop.eml").symlink_to("loop.eml")
    (folder / "up").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.eml")
    (folder / "zero.eml").symlink_to("/dev/zero")
    listing = list_folder(folder)
    assert subjects(listing) == ["real"]
    assert listing.messages[0].copies == 2
    assert set(reasons(listing)) == {"out.eml", "dead.eml", "loop.eml", "pipe.eml", "up", "zero.eml"}


def test_a_file_that_may_not_be_read_has_a_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed.eml").write_bytes(MESSAGE % b"x")
    (tmp_path / "open.eml").write_bytes(MESSAGE % b"open")
    really = sources.open_file

    def open_file(path: Path, folder: Path) -> Any:
        # The superuser, who may run the tests, may read everything.
        if path.name == "closed.eml":
            raise PermissionError(errno.EACCES, "Permission denied")
        return really(path, folder)

    monkeypatch.setattr(sources, "open_file", open_file)
    listing = list_folder(tmp_path)
    assert subjects(listing) == ["open"]
    assert reasons(listing) == {"closed.eml": "it cannot be read: Permission denied"}


def test_names_that_are_not_text(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff\xfe.eml")).write_bytes(MESSAGE % b"odd")
    listing = list_folder(tmp_path)
    assert subjects(listing) == ["odd"]
    listing.messages[0].source.name.encode("utf-8")


def test_the_same_content_is_one_message_wherever_it_lies(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(MESSAGE % b"x")
    (tmp_path / "b.eml").write_bytes((MESSAGE % b"x").replace(b"\n", b"\r\n"))
    (tmp_path / "c.mbox").write_bytes(b"From a@b Fri Nov 20 10:00:00 2026\n" + MESSAGE % b"x" + b"\n\n")
    (tmp_path / "d.eml").write_bytes(MESSAGE % b"y")
    listing = list_folder(tmp_path)
    assert sorted(message.copies for message in listing.messages) == [1, 3]
    before = {message.message_id for message in listing.messages}
    (tmp_path / "a.eml").rename(tmp_path / "z.eml")
    assert {message.message_id for message in list_folder(tmp_path).messages} == before


def test_a_file_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    memory = Memory()
    (tmp_path / "a.eml").write_bytes(MESSAGE % b"x")
    first = list_folder(tmp_path, memory)
    os.utime(tmp_path / "a.eml", ns=(0, (tmp_path / "a.eml").stat().st_mtime_ns))
    assert list_folder(tmp_path, memory).messages == first.messages
    (tmp_path / "a.eml").write_bytes(MESSAGE % b"longer")
    assert subjects(list_folder(tmp_path, memory)) == ["longer"]


def test_no_folder_is_told() -> None:
    assert reasons(list_folder(Path("/does/not/exist"))) == {"/does/not/exist": "it is not a folder"}


@pytest.mark.anyio
async def test_the_tools(outside: Settings) -> None:
    root = outside.mail_roots[0]
    for number in range(5):
        (root / f"{number}.eml").write_bytes(MESSAGE % f"s{number}".encode())
    (root / "x.jpg").write_bytes(b"\xff\xd8")
    link = await open_mail(outside, {"folder": str(root)})

    async def call(tool: str, **args: Any) -> Any:
        return (await link.call(tool, args, key=None, timeout_seconds=10)).value

    first = await call("list_messages", limit=3)
    second = await call("list_messages", limit=3, cursor=first["next_cursor"])
    assert [found["subject"] for page in (first, second) for found in page["messages"]] == [
        "s0",
        "s1",
        "s2",
        "s3",
        "s4",
    ]
    assert (first["total"], first["unreadable_total"], second["next_cursor"]) == (5, 1, None)
    assert first["unreadable"][0]["file"] == "x.jpg"
    message_id = first["messages"][0]["message_id"]
    assert (await call("read_message", message_id=message_id))["text"] == "Hello"
    (root / "new.eml").write_bytes(MESSAGE % b"new")
    with pytest.raises(ConnectorError) as caught:
        await call("read_message", message_id="msg_none")
    assert caught.value.code == faults.BAD_ARGUMENTS
    assert (await call("list_messages"))["total"] == 6
    (root / "0.eml").unlink()
    with pytest.raises(ConnectorError):
        await call("read_message", message_id=message_id)


@pytest.mark.anyio
async def test_only_folders_below_a_root_are_opened(outside: Settings, tmp_path: Path) -> None:
    root = outside.mail_roots[0]
    (root / "link").symlink_to(tmp_path)
    for folder in ("/", "/etc", str(tmp_path), f"{root}/..", f"{root}/link", str(root) + "x", "", ".", f"{root}\0"):
        with pytest.raises(ConnectorError) as caught:
            await open_mail(outside, {"folder": folder})
        assert caught.value.code == faults.BAD_CONFIG
    with pytest.raises(ConnectorError, match="not there"):
        await open_mail(outside, {"folder": f"{root}/none"})
