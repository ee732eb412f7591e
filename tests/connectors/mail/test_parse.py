"""Any mail is read or told of; nothing about it stops anybody."""

from __future__ import annotations

import base64
import binascii
import random
import resource
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from signoff.connectors import faults
from signoff.connectors.mail.parse import list_folder, read_attachment, read_message
from signoff.demo.letters.pdf import pdf
from signoff.kit.canonical import canonical_json
from signoff.kit.errors import ConnectorError

B64 = base64.b64encode


def read(folder: Path, raw: bytes, name: str = "m.eml") -> dict[str, Any]:
    """The one message of a folder with one file, as plain JSON that every database takes."""
    (folder / name).write_bytes(raw)
    listing = list_folder(folder)
    assert listing.unreadable == ()
    facts = read_message(listing.messages[0])
    text = canonical_json(facts)
    assert "\\u0000" not in text
    text.encode("utf-8")
    return facts


def attachment(folder: Path, attachment_id: str, **more: Any) -> dict[str, Any]:
    return read_attachment(list_folder(folder).messages[0], attachment_id, **more)


def test_a_plain_message(tmp_path: Path) -> None:
    facts = read(
        tmp_path,
        b"From: A <a@b.example>\r\nTo: c@d.example\r\nSubject: Hi\r\nDate: Fri, 20 Nov 2026 10:00:00 +0100\r\n"
        b"\r\nHello\r\n",
    )
    assert (facts["subject"], facts["from"], facts["to"], facts["text"], facts["problems"]) == (
        "Hi", "A <a@b.example>", "c@d.example", "Hello", [],
    )  # fmt: skip
    assert facts["date"] == "2026-11-20T10:00:00+01:00"
    assert facts["message_id"].startswith("msg_")


def test_text_html_and_attachments(tmp_path: Path) -> None:
    message = EmailMessage()
    message["From"], message["Subject"] = "a@b.example", "Rechnung für Büro"
    message.set_content("Grüße\n")
    message.add_alternative(
        "<html><head><style>x{}</style></head><body><p>Gr&uuml;&szlig;e</p><script>evil()</script></body></html>",
        subtype="html",
    )
    message.add_attachment(pdf(["Total 12"]), maintype="application", subtype="pdf", filename="Rechnung ü.pdf")
    message.add_attachment("a,b\n1,2\n", subtype="csv", filename="x.csv")
    facts = read(tmp_path, message.as_bytes())
    assert facts["subject"] == "Rechnung für Büro"
    assert facts["text"] == facts["html_as_text"] == "Grüße"
    assert [(a["filename"], a["media_type"]) for a in facts["attachments"]] == [
        ("Rechnung ü.pdf", "application/pdf"), ("x.csv", "text/csv"),
    ]  # fmt: skip
    ids = [a["attachment_id"] for a in facts["attachments"]]
    assert attachment(tmp_path, ids[0])["text"].strip() == "Total 12"
    assert attachment(tmp_path, ids[1])["text"] == "a,b\n1,2\n"
    assert facts["attachments"][0]["size_bytes"] == len(pdf(["Total 12"]))


@pytest.mark.parametrize(
    ("header", "body", "text", "problem"),
    [
        ("text/plain; charset=utf-8", "é".encode(), "é", None),
        ("text/plain; charset=iso-8859-1", "é".encode("latin-1"), "é", None),
        ("text/plain; charset=iso-8859-1", "é".encode(), "é", "is utf-8"),
        ("text/plain; charset=us-ascii", "é".encode("cp1252"), "é", None),
        ("text/plain; charset=utf-8", "é".encode("cp1252"), "é", "is not the utf-8"),
        ("text/plain; charset=x-no-such", b"abc", "abc", "not known"),
        ("text/plain; charset=zlib", b"abc", "abc", "not known"),
        ("text/plain; charset=unicode_escape", b"\\x41", "\\x41", "not known"),
        ("text/plain; charset=\"'utf-8'\"", "é".encode(), "é", None),
        ("text/plain; charset=gb2312", "发票".encode("gb18030"), "发票", None),
        ("text/plain; charset=iso-2022-jp", "請求書".encode("iso-2022-jp"), "請求書", None),
        ("text/plain; charset=koi8-r", "счёт".encode("koi8-r"), "счёт", None),
        ("text/plain; charset=utf-16", "hé".encode("utf-16"), "hé", None),
        ("text/plain; charset=utf-7", b"h+AOk-", "hé", None),
        ("text/plain", "é".encode(), "é", None),
        ("nonsense", b"abc", "abc", None),
        ("text/plain; charset=" + "x" * 5000, b"abc", "abc", "not known"),
        ("text/plain; charset=utf-8", b"a\x00b", "a\ufffdb", None),
    ],
)
def test_characters_come_out_whatever_the_label(
    tmp_path: Path, header: str, body: bytes, text: str, problem: str | None
) -> None:
    facts = read(tmp_path, b"From: a@b\nSubject: s\nContent-Type: " + header.encode() + b"\n\n" + body)
    assert facts["text"] == text
    assert problem is None or any(problem in told for told in facts["problems"])


@pytest.mark.parametrize(
    ("raw", "subject"),
    [
        (b"=?utf-8?B?" + B64("Grüße".encode()) + b"?=", "Grüße"),
        (b"=?iso-8859-1?Q?Gr=FC=DFe?=", "Grüße"),
        (b"=?utf-8?Q?a?= =?utf-8?Q?b?=", "ab"),
        (b"=?utf-8?Q?a?=\n =?utf-8?Q?b?=", "ab"),
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
        (b"=?no-such?Q?abc?=", "abc"),
        (b"=?utf-8?B?!!!?=", ""),
        (b"=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        (b"a\x00b\x07", "a\ufffdb\x07"),
        (b"one\n two\n\tthree", "one two three"),
        (b"", ""),
    ],
)
def test_subjects_come_out(tmp_path: Path, raw: bytes, subject: str) -> None:
    assert read(tmp_path, b"From: a@b\nSubject: " + raw + b"\n\nx")["subject"] == subject


def test_no_subject_is_told(tmp_path: Path) -> None:
    facts = read(tmp_path, b"From: a@b\n\nx")
    assert (facts["subject"], facts["problems"]) == ("", ["it has no subject"])


@pytest.mark.parametrize(
    "date", ["", "yesterday", "Fri, 99 Nov 2026 99:00:00", "Thu, 1 Jan 99999 00:00:00 +0000", "\x00"]
)
def test_dates_that_make_no_sense_stop_nothing(tmp_path: Path, date: str) -> None:
    assert read(tmp_path, f"From: a@b\nSubject: s\nDate: {date}\n\nx".encode())["text"] == "x"


def multipart(*parts: bytes, end: bytes = b"--b--\n", kind: bytes = b"mixed") -> bytes:
    head = b"From: a@b\nSubject: s\nMIME-Version: 1.0\nContent-Type: multipart/" + kind + b'; boundary="b"\n\nignored\n'
    return head + b"".join(b"--b\n" + part + b"\n" for part in parts) + end


def test_a_message_that_breaks_off_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    facts = read(tmp_path, multipart(b"\nhello", b"Content-Type: application/pdf\n\n%PDF-1.4", end=b""))
    assert facts["text"] == "hello"
    assert len(facts["attachments"]) == 1
    assert "it ends before its last part does" in facts["problems"]


def test_parts_without_a_boundary_are_shown_as_text(tmp_path: Path) -> None:
    facts = read(tmp_path, b"From: a@b\nSubject: s\nContent-Type: multipart/mixed\n\n--x\nhello\n--x--\n")
    assert "hello" in facts["text"]
    assert any("does not say what divides" in told for told in facts["problems"])


def test_every_cut_of_a_message_is_read(tmp_path: Path) -> None:
    inner = b"Content-Type: message/rfc822\n\nSubject: inner\nContent-Type: multipart/mixed; boundary=c\n\n"
    inner += b"--c\n\nin\n--c--\n"
    whole = multipart(
        b"\nhello", inner, b"Content-Type: application/x\nContent-Transfer-Encoding: base64\n\n" + B64(b"abc")
    )
    found = [read(tmp_path, whole[:end]) for end in range(12, len(whole))]
    assert all(facts["message_id"].startswith("msg_") for facts in found)
    assert [facts["text"] for facts in found[-3:]] == ["hello"] * 3


def test_mutated_messages_are_read(tmp_path: Path) -> None:
    chance = random.Random(7)
    whole = bytearray(
        multipart(
            b"\nhello",
            b"Content-Type: text/html; charset=utf-8\n\n<p>x",
            b"Content-Disposition: attachment; filename*=utf-8''%e2%82%ac\n\nx",
        )
    )
    opened: set[str] = set()
    for _ in range(400):
        mutated = bytearray(whole)
        for _ in range(chance.randrange(1, 12)):
            mutated[chance.randrange(20, len(mutated))] = chance.randrange(256)
        facts = read(tmp_path, bytes(mutated))
        assert facts["message_id"].startswith("msg_")
        for found in facts["attachments"]:
            opened.update(attachment(tmp_path, found["attachment_id"]))
    assert "text" in opened


def test_broken_base64_is_decoded_as_far_as_it_goes(tmp_path: Path) -> None:
    part = b"Content-Type: text/csv; name=x.csv\nContent-Transfer-Encoding: base64\n\nYSxi!!\nCjEsMgo=\nQQ"
    facts = read(tmp_path, multipart(b"\nhi", part))
    found = attachment(tmp_path, facts["attachments"][0]["attachment_id"])
    assert found["text"].startswith("a,b\n1,2\n")
    assert any("damaged" in told for told in found["problems"])


def test_quoted_printable(tmp_path: Path) -> None:
    raw = b"From: a@b\nSubject: s\nContent-Type: text/plain; charset=utf-8\n"
    raw += b"Content-Transfer-Encoding: Quoted-Printable\n\nGr=C3=BC=C3=9Fe =\nSie =ZZ ="
    assert read(tmp_path, raw)["text"].startswith("Grüße Sie =ZZ")


def test_uuencoded_files_in_the_text_are_attachments(tmp_path: Path) -> None:
    lines = b"".join(binascii.b2a_uu(b"number,total\n7,12\n"[at : at + 45]) for at in range(0, 18, 45))
    raw = b"From: a@b\nSubject: s\n\nSee file.\n\nbegin 644 bill.csv\n" + lines + b"`\nend\n\nBye\n"
    facts = read(tmp_path, raw)
    assert "[attachment: bill.csv]" in facts["text"]
    assert "Bye" in facts["text"]
    found = attachment(tmp_path, facts["attachments"][0]["attachment_id"])
    assert (found["filename"], found["text"]) == ("bill.csv", "number,total\n7,12\n")


def test_winmail_is_told_of(tmp_path: Path) -> None:
    part = b"Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n" + B64(
        b"\x78\x9f\x3e\x22junk"
    )
    facts = read(tmp_path, multipart(b"\nhi", part))
    assert any("winmail.dat" in told for told in facts["problems"])
    assert attachment(tmp_path, facts["attachments"][0]["attachment_id"])["text"] is None


def test_forwarded_messages_are_inside(tmp_path: Path) -> None:
    inner = (
        multipart(b"\ninner text", b"Content-Type: text/csv; name=i.csv\n\n1,2")
        .replace(b'"b"', b'"i"')
        .replace(b"--b", b"--i")
    )
    facts = read(tmp_path, multipart(b"\nouter text", b"Content-Type: message/rfc822\n\n" + inner))
    assert facts["text"] == "outer text"
    nested = facts["nested"][0]
    assert (nested["subject"], nested["text"]) == ("s", "inner text")
    assert attachment(tmp_path, nested["attachments"][0]["attachment_id"])["text"] == "1,2"


def test_very_deep_nesting_ends(tmp_path: Path) -> None:
    raw = b"From: a@b\nSubject: s\n" + b"Content-Type: message/rfc822\n\n" * 500 + b"\ndeep"
    assert any("levels deep" in told for told in _all_problems(read(tmp_path, raw)))
    raw = b"From: a@b\nSubject: s\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=x%d\n\n--x%d\n" % (n, n) for n in range(500)
    )
    assert any("levels deep" in told for told in _all_problems(read(tmp_path, raw)))


def _all_problems(facts: dict[str, Any]) -> list[str]:
    return facts["problems"] + [told for nested in facts["nested"] for told in _all_problems(nested)]


def test_a_thousand_parts_and_more(tmp_path: Path) -> None:
    part = b"Content-Type: text/csv; name=x.csv\n\n1,2"
    facts = read(tmp_path, multipart(*[part] * 1500))
    assert len(facts["attachments"]) == 200
    assert any("more than 1000 parts" in told for told in facts["problems"])
    assert any("attachments; 200 are shown" in told for told in facts["problems"])


def test_a_huge_header_is_cut(tmp_path: Path) -> None:
    facts = read(tmp_path, b"From: a@b\nSubject: s\nX-Big: " + b"x" * 2_000_000 + b"\n\nbody")
    assert (facts["subject"], facts["text"]) == ("s", "body")
    facts = read(tmp_path, b"From: a@b\n" + b"".join(b"X-%d: y\n" % n for n in range(100_000)) + b"\nbody")
    assert facts["text"] == "body"
    assert any("header is larger" in told for told in facts["problems"])


def test_much_text_is_cut_with_a_mark(tmp_path: Path) -> None:
    facts = read(tmp_path, b"From: a@b\nSubject: s\n\n" + b"word " * 1_000_000)
    assert len(facts["text"]) == 40_000
    assert any("the first 40000 are shown" in told for told in facts["problems"])


def test_a_large_attachment_is_not_copied_about(tmp_path: Path) -> None:
    data = B64(random.Random(1).randbytes(20_000_000))
    lines = b"\n".join(data[at : at + 76] for at in range(0, len(data), 76))
    raw = multipart(b"\nhi", b"Content-Type: image/tiff; name=scan.tif\nContent-Transfer-Encoding: base64\n\n" + lines)
    (tmp_path / "m.eml").write_bytes(raw)
    del raw, lines, data
    message = list_folder(tmp_path).messages[0]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    facts = read_message(message)
    assert facts["attachments"][0]["size_bytes"] == 20_000_000
    found = read_attachment(message, facts["attachments"][0]["attachment_id"])
    assert (found["text"], found["size_bytes"]) == (None, 20_000_000)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 64


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (b'filename="../../etc/passwd"', "passwd"),
        (b'filename="C:\\\\Temp\\\\x.csv"', "x.csv"),
        (b"filename*=utf-8''%e2%82%ac.csv", "€.csv"),
        (b"filename*=no-such''x.csv", "x.csv"),
        (b'filename="=?utf-8?B?' + B64("ä.csv".encode()) + b'?="', "ä.csv"),
        (b'filename="a\xe2\x80\xaefdp.csv"', "afdp.csv"),
        (b"filename*0=a;filename*1=b.csv", "ab.csv"),
        (b"filename", ""),
        (b'filename="unclosed', "unclosed"),
    ],
)
def test_file_names_are_names_only(tmp_path: Path, given: bytes, kept: str) -> None:
    facts = read(
        tmp_path,
        multipart(b"\nhi", b"Content-Type: application/x\nContent-Disposition: attachment; " + given + b"\n\nx"),
    )
    assert facts["attachments"][0]["filename"] == kept


@pytest.mark.parametrize("attachment_id", ["9", "", "x", "1.uu1", "1.uu99999", "../1", "2.1", "0.uu-1"])
def test_an_attachment_that_is_not_there_is_told(tmp_path: Path, attachment_id: str) -> None:
    read(tmp_path, multipart(b"\nhi", b"Content-Type: application/x\n\nx"))
    if attachment_id == "":
        return
    with pytest.raises(ConnectorError) as caught:
        attachment(tmp_path, attachment_id)
    assert caught.value.code == faults.BAD_ARGUMENTS


@pytest.mark.parametrize(
    "data",
    [b"%PDF-1.4 garbage", b"%PDF-", b"%PDF-1.4\n" + b"1 0 obj<</Type/Catalog/Pages 1 0 R/Kids[1 0 R]>>endobj\n" * 50],
)
def test_a_broken_pdf_is_told_of(tmp_path: Path, data: bytes) -> None:
    part = b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n" + B64(data)
    facts = read(tmp_path, multipart(b"\nhi", part))
    found = attachment(tmp_path, facts["attachments"][0]["attachment_id"])
    assert not (found["text"] or "").strip()
    assert found["problems"]


def test_a_message_whose_file_went_away_is_told(tmp_path: Path) -> None:
    (tmp_path / "m.eml").write_bytes(b"From: a@b\n\nx")
    message = list_folder(tmp_path).messages[0]
    (tmp_path / "m.eml").unlink()
    with pytest.raises(ConnectorError) as caught:
        read_message(message)
    assert caught.value.code == faults.UNREACHABLE
