"""Mail nobody here wrote: whatever is in the folder, each message gets a result and each file is accounted for."""

from __future__ import annotations

import os
from email.message import EmailMessage
from pathlib import Path

import jsonschema
import pytest

from signoff.connectors.mail.parse import list_folder
from signoff.demo.erp import tally
from signoff.demo.erp.seed import PURCHASE_ORDERS
from signoff.demo.stage import agent_file
from signoff.settings import Settings
from tests.demo.kit_conversation import desk

pytestmark = pytest.mark.anyio
ORDER = next(order for order in PURCHASE_ORDERS if not order.is_billed and order.delivery == "full")


def simple(text: str, **headers: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = headers.get("sender", f"billing@{ORDER.vendor.domain}")
    mail["Subject"] = headers.get("subject", "Invoice")
    mail.set_content(text)
    return mail


def nested(depth: int) -> bytes:
    mail = simple("the innermost invoice R-1, total due: EUR 1.00")
    for level in range(depth):
        outer = simple(f"level {level}")
        outer.add_attachment(mail)
        mail = outer
    return mail.as_bytes()


def large() -> bytes:
    mail = simple("Invoice number: BIG-1\nTotal due: EUR 5.00")
    mail.add_attachment(os.urandom(20_000_000), maintype="application", subtype="pdf", filename="scan.pdf")
    return mail.as_bytes()


def write_nasty(folder: Path) -> None:
    head = b"From: a@b.example\r\nSubject: Invoice\r\n"
    plain = head + b"Content-Type: text/plain; charset="
    mixed = head + b"Content-Type: multipart/mixed"
    mails = [b"From a Mon Jan  1 00:00:00 2026\n" + simple(f"question {n}?").as_bytes() + b"\n" for n in range(3)]
    files = {
        "empty.eml": b"",
        "junk.eml": os.urandom(50_000),
        "junk.bin": bytes(range(256)) * 100,
        "packed.zip": b"PK\x03\x04" + bytes(100),
        "no-header.eml": b"\r\n\r\nInvoice number: X-1\r\n",
        "only-header.eml": head,
        "nul.eml": head + b"\r\nInvoice\x00 number: N-1\x00\r\nTotal due: EUR 1.00\r\n",
        "unknown-charset.eml": plain + b"klingon\r\n\r\nInvoice number: K-1 \xff\xfe\r\n",
        "wrong-charset.eml": plain + b"utf-8\r\n\r\nRechnung Nr.: \xfc\xe4-1 Betrag 5\r\n",
        "bad-base64.eml": head + b"Content-Transfer-Encoding: base64\r\n\r\n!!!not base64!!!\r\n",
        "bad-qp.eml": head + b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=ZZ=\r\n=3\r\n",
        "no-boundary.eml": mixed + b"\r\n\r\ntext\r\n",
        "never-closed.eml": head
        + b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n--x\r\n\r\nInvoice number: U-1\r\n',
        "long-subject.eml": b"From: a@b.example\r\nSubject: " + b"A" * 300_000 + b"\r\n\r\ntext\r\n",
        "many-headers.eml": b"From: a@b.example\r\n" + b"X-A: b\r\n" * 20_000 + b"\r\ntext\r\n",
        "one-line.eml": head + b"\r\n" + b"total due " * 200_000,
        "html-bomb.eml": head + b"Content-Type: text/html\r\n\r\n" + b"<div>" * 100_000,
        "date.eml": b"From: x\r\nDate: never\r\nSubject: =?utf-8?B?////?=\r\n\r\nWhen will you pay?\r\n",
        "nested.eml": nested(30),
        "large.eml": large(),
        "notes.txt": b"These are notes, not a message.\n",
        "mbox": b"".join(mails),
        "maildir/cur/1.host:2,S": simple("Invoice number: M-1\nTotal due: EUR 2.00", subject="Rechnung").as_bytes(),
        "names/Ünïcödé ' \" $(x).eml": simple("hello", subject="=?x?=").as_bytes(),
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (folder / "maildir" / "new").mkdir()
    (folder / "maildir" / "tmp").mkdir()


async def test_every_message_of_a_nasty_folder_gets_a_result(tmp_path: Path) -> None:
    mail = tmp_path / "mail"
    write_nasty(mail)
    listing = list_folder(mail)
    sources = [message.source.name for message in listing.messages] + [missed.name for missed in listing.unreadable]
    accounted = {name.split("#")[0] for name in sources}
    assert {str(p.relative_to(mail)) for p in mail.rglob("*") if p.is_file()} <= accounted
    assert all(missed.reason for missed in listing.unreadable)
    async with desk(Settings(data_dir=tmp_path), mail) as agent:
        ids = await agent.message_ids()
        assert ids == [message.message_id for message in listing.messages]
        assert len(ids) >= 20
        for message_id in ids:
            run = await agent.play(message_id)
            jsonschema.validate(run.output, agent_file().body["output_schema"])
            assert run.output["action"] != "posted"
    assert "posted" not in tally.totals(tmp_path / "erp.sqlite")


@pytest.mark.parametrize(
    ("text", "subject", "kind", "action"),
    [
        ("Invoice number: Q-1\nTotal due: EUR 10.00\nTotal due: EUR 12.00\nPO: {po}", "Invoice", "invoice", "flagged"),
        ("Total due: {total}\nPO: {po}", "Invoice", "invoice", "flagged"),
        ("Invoice no. Q-1\nInvoice no. Q-2\nTotal due: {total}\nPO: {po}", "Invoice", "invoice", "flagged"),
        ("Invoice number: Q-1\nTotal due: {bare}\nPO: {po}", "Invoice", "invoice", "flagged"),
        ("Bonjour, où est ma commande ?", "Question", "query", "needs_person"),
        ("Minutes of the meeting.", "Minutes", "other", "needs_person"),
        ("Invoice number: Q-1\nTotal due: {total}\nPO: {po}", "Invoice Q-1", "invoice", "posted"),
    ],
)  # fmt: skip
async def test_what_is_not_clear_is_not_posted(tmp_path: Path, text: str, subject: str, kind: str, action: str) -> None:
    bare = f"{ORDER.total_cents / 100:.2f}"
    filled = text.replace("{po}", ORDER.number).replace("{bare}", bare)
    filled = filled.replace("{total}", f"{ORDER.vendor.currency} {bare}")
    mail = tmp_path / "mail"
    mail.mkdir()
    (mail / "1.eml").write_bytes(simple(filled, subject=subject).as_bytes())
    async with desk(Settings(data_dir=tmp_path), mail) as agent:
        run = await agent.play((await agent.message_ids())[0])
    assert (run.output["classification"], run.output["action"]) == (kind, action)


async def test_a_message_that_is_not_there_is_reported(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    async with desk(Settings(data_dir=tmp_path), tmp_path / "mail") as agent:
        run = await agent.play("msg_nowhere")
    assert run.output["classification"] == "unreadable"
    assert "could not be read" in run.output["reason"]


async def test_the_sop_sets_the_tolerance(tmp_path: Path) -> None:
    mail = tmp_path / "mail"
    mail.mkdir()
    asked = f"{ORDER.vendor.currency} {(ORDER.total_cents - 50) / 100:.2f}"
    text = f"Invoice number: T-1\nTotal due: {asked}\nPO: {ORDER.number}"
    (mail / "1.eml").write_bytes(simple(text).as_bytes())
    async with desk(Settings(data_dir=tmp_path), mail) as agent:
        (message_id,) = await agent.message_ids()
        strict = await agent.play(message_id)
        sop = agent_file().body["sop"].replace("differ by at most 0.02", "differ by at most 1.00")
        agent.instruct(sop)
        generous = await agent.play(message_id)
    assert strict.output["action"] == "flagged"
    assert generous.output["action"] == "posted"


async def test_the_erp_is_the_last_line_of_defence(tmp_path: Path) -> None:
    """A generous SOP makes the agent try to overpay; the ERP refuses, and a person is asked."""
    mail = tmp_path / "mail"
    mail.mkdir()
    asked = f"{ORDER.vendor.currency} {ORDER.total_cents * 110 // 100 / 100:.2f}"
    text = f"Invoice number: T-1\nTotal due: {asked}\nPO: {ORDER.number}"
    (mail / "1.eml").write_bytes(simple(text).as_bytes())
    async with desk(Settings(data_dir=tmp_path), mail) as agent:
        agent.instruct("They may differ by at most 15 %.")
        (message_id,) = await agent.message_ids()
        run = await agent.play(message_id)
    assert run.output["action"] == "needs_person"
    assert "left to bill" in run.output["reason"]
    assert tally.totals(tmp_path / "erp.sqlite") == {}
