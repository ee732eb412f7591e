"""What kind of message is this? The first rule that fits, from the surest sign to the faintest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, get_args

from signoff.demo.reading import money, references
from signoff.demo.reading.mail import Mail

Kind = Literal[
    "invoice",
    "credit_note",
    "statement",
    "reminder",
    "query",
    "order_confirmation",
    "price_change",
    "bank_change",
    "newsletter",
    "spam",
    "auto_reply",
    "other",
    "unreadable",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
# Where the nature of a message shows; further down it quotes and small-prints.
_HEAD_CHARS = 1_500
_NOISE_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Class:
    """The kind of a message, the words it was known by, and how sure that is (0 to 1)."""

    kind: Kind
    sign: str
    confidence: float


def _rule(kind: Kind, subject: str, body: str) -> tuple[Kind, re.Pattern[str], re.Pattern[str] | None]:
    return kind, re.compile(subject, re.IGNORECASE), re.compile(body, re.IGNORECASE) if body else None


_AUTO = (
    r"automatic reply|auto-?reply|out of (?:the )?office|abwesenheit|automatische antwort|réponse automatique|"
    r"respuesta automática|undeliverable|undelivered mail|delivery status notification|mail delivery failed"
)
_RULES = (
    _rule("auto_reply", _AUTO, r"i am (?:currently )?out of (?:the )?office|this is an automat(?:ed|ic) reply"),
    _rule(
        "bank_change",
        r"bank (?:details|account)|bankverbindung|coordonnées bancaires",
        r"(?:our|new|changed?) bank (?:details|account)[^.]{0,40}(?:chang|new)|neue bankverbindung",
    ),
    _rule(
        "credit_note",
        r"credit (?:note|memo)|gutschrift|avoir\b|nota de crédito|nota di credito",
        r"credit note (?:no|number)",
    ),
    _rule(
        "statement",
        r"statement|kontoauszug|relevé de compte|estado de cuenta|estratto conto|open items",
        r"statement of account|account statement|closing balance|kontoauszug|relevé de compte",
    ),
    _rule(
        "reminder",
        r"reminder|overdue|past due|dunning|mahnung|zahlungserinnerung|rappel|recordatorio|final notice|sollecito",
        r"(?:first|second|third|final|friendly|payment) reminder|is (?:now )?overdue|(?:still|remains?) unpaid|mahnung",
    ),
    _rule(
        "price_change",
        r"price (?:change|increase|adjustment|list)|new prices|preis(?:erhöhung|anpassung|liste)|hausse de prix",
        r"price (?:increase|adjustment) of|preiserhöhung",
    ),
    _rule(
        "order_confirmation",
        r"order confirmation|confirmation of (?:your )?order|auftragsbestätigung|confirmation de commande",
        r"thank you for your order|we confirm (?:your order|the following items)|auftragsbestätigung",
    ),
)
_INVOICE = re.compile(
    r"\binvoice|rechnung|facture|factura|fattura|fatura|faktura|factuur|faktury|számla|\bbilling\b|tax invoice",
    re.IGNORECASE,
)
_NEWS = re.compile(
    r"unsubscribe|newsletter|abmelden|se désinscrire|darse de baja|view (?:this )?(?:email|mail) in",
    re.IGNORECASE,
)
_SPAM = re.compile(
    r"you have (?:won|been selected)|lottery|claim your prize|casino|viagra|crypto(?:currency)? invest|100 ?% free|"
    r"act now|make money fast|inheritance|hot singles|limited time offer|congratulations!!",
    re.IGNORECASE,
)
_QUERY = re.compile(
    r"could you|can you|please (?:confirm|let us know|advise|tell)|when (?:will|can)|would you|könnten sie|"
    r"bitte teilen sie|"
    r"pourriez-vous|podría|any news|status of|\?",
    re.IGNORECASE,
)
_ORDERS_TO_THE_MACHINE = re.compile(
    r"(?:ignore|disregard|forget|override)\s+(?:all\s+|any\s+|your\s+|the\s+|previous\s+|prior\s+|above\s+){0,4}"
    r"(?:instructions?|rules|prompts?|guidelines)|"
    r"(?:note|message|instructions?)\s+(?:to|for)\s+(?:the\s+)?(?:ai|assistant|agent|language model|bot)\b|"
    r"you are (?:now )?an? (?:ai|assistant|language model)|system prompt|\{\{\s*secret|"
    r"do not (?:flag|mention this|tell (?:anyone|the user))|<\|im_start\|>|\[/?INST\]",
    re.IGNORECASE,
)  # fmt: skip


def instructions_in(text: str) -> str | None:
    """Return the words in which a message speaks to the machine that reads it, or None. They are never obeyed."""
    found = _ORDERS_TO_THE_MACHINE.search(text[:300_000])
    return " ".join(found.group().split())[:120] if found else None


def classify(mail: Mail, text: str) -> Class:
    """Return what `mail` is; `text` is everything that could be read in it, attachments included."""
    if sum(ch.isalpha() for ch in f"{mail.subject} {text}") < 3:
        return Class("unreadable", "there is no text in it", 0.95)
    if _is_noise(text[:_NOISE_CHARS]):
        return Class("unreadable", "what is in it is not text", 0.9)
    if mail.headers.get("auto-submitted", "no").lower() != "no" or "mailer-daemon" in mail.sender.lower():
        return Class("auto_reply", "it says it was sent by a machine", 0.97)
    head = text[:_HEAD_CHARS]
    spam = _SPAM.findall(f"{mail.subject} {head}")
    if len(spam) >= 2:
        return Class("spam", f"it says “{spam[0]}” and “{spam[1]}”", 0.9)
    for kind, in_subject, in_body in _RULES:
        if found := in_subject.search(mail.subject):
            return Class(kind, f"the subject says “{found.group()}”", 0.93)
        if in_body and (found := in_body.search(head)):
            return Class(kind, f"it says “{found.group()}”", 0.82)
    return _invoice_or_less(mail, text, head)


def _is_noise(text: str) -> bool:
    """Return whether a part that no writing has is made of control characters and of bytes that were no text."""
    noise = sum(ch == "\ufffd" or (ord(ch) < 32 and ch not in "\t\n\r") or 127 <= ord(ch) < 160 for ch in text)
    return noise * 20 > len(text)


def _invoice_or_less(mail: Mail, text: str, head: str) -> Class:
    word = _INVOICE.search(f"{mail.subject}\n{text}")
    strong, weak = money.totals(text)
    plain, loose = references.invoices(f"{mail.subject}\n{text}")
    if word and (strong or weak) and (plain or loose):
        return Class("invoice", f"it says “{word.group()}” and names a number and a total", 0.95)
    is_bulk = "list-unsubscribe" in mail.headers or bool(_NEWS.search(text))
    if word and not is_bulk and (plain or (strong and _INVOICE.search(mail.subject + head))):
        return Class("invoice", f"it says “{word.group()}”", 0.7)
    if is_bulk:
        return Class("newsletter", "one can unsubscribe from it", 0.85)
    if spam := _SPAM.search(f"{mail.subject} {head}"):
        return Class("spam", f"it says “{spam.group()}”", 0.6)
    if asked := _QUERY.search(f"{mail.subject}\n{text}"):
        return Class("query", f"it asks: “{asked.group()}”", 0.75 if references.orders(text) else 0.6)
    return Class("other", "nothing in it is the sign of a kind this agent knows", 0.5)
