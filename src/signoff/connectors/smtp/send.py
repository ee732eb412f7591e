"""One plain text mail, handed to the server or refused. Blocking: call it in a thread."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, parseaddr

from signoff.connectors import faults
from signoff.connectors.smtp.server import MailServer
from signoff.kit.errors import ConnectorError
from signoff.kit.text import shortened, storable

SUBJECT_CHARS_MAX = 200
TEXT_CHARS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent. `id` stays the same when the letter is sent again, so that a mailbox can see it is one letter."""

    id: str
    to: str
    subject: str
    text: str


def send_letter(server: MailServer, letter: Letter) -> None:
    """Hand one letter to the server.

    Raises:
        ConnectorError: it was not taken; `is_transient` when trying again later may help.
    """
    message = written(server, letter)
    try:
        with _connected(server) as link:
            if server.user:
                link.login(server.user, server.password)
            link.send_message(message, to_addrs=[letter.to])
    except smtplib.SMTPRecipientsRefused as error:
        code = max((code for code, _ in error.recipients.values()), default=550)
        raise _refused(code, "The mail server does not take mail for this address") from None
    except smtplib.SMTPAuthenticationError as error:
        # A password is put right by a person, and the letter should go out then.
        raise faults.fault(
            faults.UNREACHABLE, f"The mail server refused our login ({error.smtp_code}). Check SIGNOFF_SMTP_URL."
        ) from None
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code, "The mail server refused the mail") from None
    except smtplib.SMTPNotSupportedError as error:
        raise faults.fault(faults.REJECTED, f"The mail server cannot do this: {error}") from None
    except ssl.SSLError as error:
        raise faults.fault(
            faults.UNREACHABLE, f"No encrypted connection to the mail server: {error.reason or 'refused'}"
        ) from None
    except (OSError, smtplib.SMTPException) as error:
        raise faults.fault(
            faults.UNREACHABLE, f"The mail server {server.host} does not answer ({type(error).__name__})."
        ) from None


def written(server: MailServer, letter: Letter) -> EmailMessage:
    """Return the letter as a message. No text can add a header or a recipient.

    Raises:
        ConnectorError: the address cannot be written to.
    """
    message = EmailMessage(policy=SMTP)
    try:
        message["To"] = Address(addr_spec=letter.to)
        message["From"] = server.sender
        message["Subject"] = shortened(" ".join(_printable(letter.subject).split()), SUBJECT_CHARS_MAX)
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = f"<{letter.id}@{parseaddr(server.sender)[1].rpartition('@')[2]}>"
        # No holiday answers to a machine.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(storable(letter.text)[:TEXT_CHARS_MAX])
    except (ValueError, IndexError, MessageError):
        raise faults.fault(faults.REJECTED, "This address cannot be written to.") from None
    return message


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in storable(text))


def _connected(server: MailServer) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if server.encryption == "tls":
        return smtplib.SMTP_SSL(server.host, server.port, timeout=server.timeout_seconds, context=context)
    link = smtplib.SMTP(server.host, server.port, timeout=server.timeout_seconds)
    if server.encryption == "starttls":
        try:
            link.starttls(context=context)
        except BaseException:
            link.close()
            raise
    return link


def _refused(code: int, what: str) -> ConnectorError:
    if 400 <= code < 500:
        return faults.fault(faults.RATE_LIMITED, f"{what} for now ({code}).")
    return faults.fault(faults.REJECTED, f"{what} ({code}).")
