"""Letters handed to a real mail server on loopback, and to servers that refuse, stall and end early."""

from __future__ import annotations

import datetime
import email
import ipaddress
import socket
import ssl
import threading
from collections.abc import Generator
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from signoff.connectors.smtp.send import Letter, send_letter, written
from signoff.connectors.smtp.server import MailServer, read_server
from signoff.kit.errors import ConnectorError

FROM = "Signoff <signoff@example.com>"


class Box:
    """Keeps what arrives; `answers` are given instead of taking a mail."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.answers: list[str] = []
        self.logins: list[tuple[str, str]] = []

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.mails.append(envelope)
        return "250 taken"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def box() -> Generator[tuple[Box, int]]:
    kept, port = Box(), free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    controller.start()
    yield kept, port
    controller.stop()


def at(port: int, **more: Any) -> MailServer:
    return read_server(f"smtp://127.0.0.1:{port}", FROM, timeout_seconds=more.pop("timeout_seconds", 5))


def letter(**changes: str) -> Letter:
    return Letter(**{"id": "lnk_1", "to": "noor@example.com", "subject": "Come in", "text": "Hello.\nBye.", **changes})


def test_a_letter_arrives_as_plain_text(box: tuple[Box, int]) -> None:
    kept, port = box
    send_letter(at(port), letter(text="Grüße,\nhttps://example.com/setup/set_x\n", subject="Komm zu Nörthwind"))
    (envelope,) = kept.mails
    message = email.message_from_bytes(envelope.content, policy=default)
    assert envelope.rcpt_tos == ["noor@example.com"]
    assert envelope.mail_from == "signoff@example.com"
    assert (message["From"], message["To"]) == (FROM, "noor@example.com")
    assert message["Subject"] == "Komm zu Nörthwind"
    assert message["Message-ID"] == "<lnk_1@example.com>"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    assert "https://example.com/setup/set_x" in message.get_content()


@pytest.mark.parametrize(
    "evil", ["Hi\r\nBcc: eve@evil.example", "Hi\nTo: eve@evil.example\n\nbody", "\x00Hi\u2028x\x0b"]
)
def test_a_subject_adds_no_header(box: tuple[Box, int], evil: str) -> None:
    kept, port = box
    send_letter(at(port), letter(subject=evil, text=".\r\n.\r\nRCPT TO:<eve@evil.example>\r\n"))
    (envelope,) = kept.mails
    message = email.message_from_bytes(envelope.content, policy=default)
    assert envelope.rcpt_tos == ["noor@example.com"]
    assert message["Bcc"] is None
    assert message.get_all("To") == ["noor@example.com"]


@pytest.mark.parametrize(
    "address", ["a@example.com\r\nBcc: eve@evil.example", "a@example.com, eve@evil.example", "", "no address", "@"]
)
def test_an_address_is_one_address(box: tuple[Box, int], address: str) -> None:
    with pytest.raises(ConnectorError) as refused:
        send_letter(at(box[1]), letter(to=address))
    assert not refused.value.is_transient
    assert box[0].mails == []


@pytest.mark.parametrize(("answer", "is_transient"), [("451 try later", True), ("550 no such person", False)])
def test_a_refusal_says_whether_later_helps(box: tuple[Box, int], answer: str, is_transient: bool) -> None:
    kept, port = box
    kept.answers.append(answer)
    with pytest.raises(ConnectorError) as refused:
        send_letter(at(port), letter())
    assert refused.value.is_transient is is_transient
    assert answer[:3] in refused.value.detail
    send_letter(at(port), letter())
    assert len(kept.mails) == 1


def test_nobody_there_is_worth_another_try() -> None:
    with pytest.raises(ConnectorError) as refused:
        send_letter(at(free_port()), letter())
    assert refused.value.is_transient


def test_a_server_that_says_nothing_is_left_after_the_time_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        server = at(silent.getsockname()[1], timeout_seconds=0.3)
        with pytest.raises(ConnectorError) as refused:
            send_letter(server, letter())
    assert refused.value.is_transient


def test_a_server_that_hangs_up_is_worth_another_try() -> None:
    with socket.create_server(("127.0.0.1", 0)) as rude:

        def hang_up() -> None:
            link, _ = rude.accept()
            link.sendall(b"220 hello\r\n")
            link.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(ConnectorError) as refused:
            send_letter(at(rude.getsockname()[1]), letter())
        thread.join()
    assert refused.value.is_transient


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail of a test")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "mail.pem", folder / "mail.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, private)
    return public, context


class Encrypted(Controller):
    """A server that wants encryption and a login before it takes a mail."""

    def __init__(self, kept: Box, port: int, context: ssl.SSLContext) -> None:
        super().__init__(kept, hostname="127.0.0.1", port=port)
        self.kept, self.context = kept, context

    def factory(self) -> SMTP:
        def login(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
            self.kept.logins.append((data.login.decode(), data.password.decode()))
            return AuthResult(success=data.password == b"p@ss/word", handled=False)

        return SMTP(
            self.handler, tls_context=self.context, require_starttls=True, authenticator=login, auth_required=True
        )


def test_a_login_goes_over_an_encrypted_connection_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    public, context = certificate(tmp_path)
    kept, port = Box(), free_port()
    controller = Encrypted(kept, port, context)
    controller.start()
    try:
        url = f"smtp+starttls://signoff:p%40ss%2Fword@127.0.0.1:{port}"
        # A certificate nobody vouches for: the password is not sent.
        with pytest.raises(ConnectorError, match="No encrypted connection"):
            send_letter(read_server(url, FROM), letter())
        assert kept.logins == []
        monkeypatch.setenv("SSL_CERT_FILE", str(public))
        send_letter(read_server(url, FROM), letter())
        assert kept.logins == [("signoff", "p@ss/word")]
        assert len(kept.mails) == 1
        with pytest.raises(ConnectorError, match="refused our login") as wrong:
            send_letter(read_server(url.replace("p%40ss", "wrong"), FROM), letter())
        assert wrong.value.is_transient
    finally:
        controller.stop()


@pytest.mark.parametrize(
    ("url", "sender", "words"),
    [
        ("https://host", FROM, "begins with"),
        ("smtps://", FROM, "names a host"),
        ("smtps://host:notaport", FROM, "cannot be read"),
        ("smtps://u:pa/ss@host", FROM, "SIGNOFF_SMTP_URL"),
        ("smtp://u:geheim@mail.example.com", FROM, "without encryption"),
        ("smtps://host", None, "SIGNOFF_MAIL_FROM"),
        ("smtps://host", "nobody", "SIGNOFF_MAIL_FROM"),
        ("smtps://host", "a@b.example\r\nBcc: eve@evil.example", "SIGNOFF_MAIL_FROM"),
    ],
)
def test_settings_that_cannot_work_are_refused_without_repeating_the_password(
    url: str, sender: str | None, words: str
) -> None:
    with pytest.raises(ConnectorError, match=words) as refused:
        read_server(url, sender)
    assert "geheim" not in refused.value.detail
    assert "pa/ss" not in refused.value.detail


def test_a_server_does_not_show_its_password() -> None:
    server = read_server("smtps://user:geheim@mail.example.com", FROM)
    assert (server.port, server.encryption) == (465, "tls")
    assert "geheim" not in repr(server)
    assert written(server, letter())["From"] == FROM
