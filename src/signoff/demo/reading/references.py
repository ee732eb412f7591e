"""The numbers by which papers refer to each other: purchase orders and invoices."""

from __future__ import annotations

import re

_WORD = r"(?=[A-Z0-9._/-]{0,24}\d)[A-Z0-9][A-Z0-9._/-]{1,24}"
_NUMBER_WORD = r"(?:numbers?|nummer|num\.?|núm\.?|no\.?|nr\.?|n\.?\s?[°º]\.?|id|ref\.?|#)"

_OURS = re.compile(r"\bPO[\s#:._/-]{0,3}(20\d\d)[\s._/-]{0,2}(\d{1,5})\b", re.IGNORECASE)
_ORDER_WORD = (
    r"(?:purchase[\s-]orders?|your[\s-]order|order[\s-]?reference(?:[\s-]id)?|\bP\.?O\.?|\border|"
    r"bestell(?:ung|nummer|-?nr\.?)|bon de commande|commande|pedido|ordine|zamówienie|encomenda|beställning)"
)
_ORDER = re.compile(rf"{_ORDER_WORD}\s{{0,3}}{_NUMBER_WORD}?\s{{0,3}}[:#]?\s{{0,3}}({_WORD})", re.IGNORECASE)
_INVOICE_WORD = (
    r"(?:\be?-?invoice|rechnungs?|\bfacture|\bfactura|\bfattura|\bfatura|\bfaktura|\bfaktury|\bfactuur|\bbill|"
    r"számla|seikyusho)"
)
_INVOICE_PLAIN = re.compile(
    rf"{_INVOICE_WORD}[\s-]{{0,3}}{_NUMBER_WORD}\s{{0,3}}[:#]?\s{{0,3}}({_WORD})", re.IGNORECASE
)
_INVOICE_LOOSE = re.compile(rf"{_INVOICE_WORD}\s{{0,3}}:?\s{{0,3}}({_WORD})", re.IGNORECASE)
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
_MONEY = re.compile(r"\d{1,3}(?:[.,]\d{3})*[.,]\d\d")
_CHARS_MAX = 300_000


def normal_order(number: str) -> str:
    """Return an order number as our ERP writes it when it looks like one of ours, else in capitals."""
    match = re.fullmatch(r"(?:PO)?[\s#:._/-]*(20\d\d)[\s._/-]+(\d{1,5})", number.strip(), re.IGNORECASE)
    return f"PO-{match[1]}-{int(match[2]):04d}" if match else number.strip().upper()


def orders(text: str) -> list[str]:
    """Return the purchase orders named in `text`, each once, in their order; ours alone when there are any."""
    text = text[:_CHARS_MAX]
    ours = [f"PO-{match[1]}-{int(match[2]):04d}" for match in _OURS.finditer(text)]
    if ours:
        return list(dict.fromkeys(ours))
    others = [_clean(match[1]) for match in _ORDER.finditer(text)]
    return list(dict.fromkeys(normal_order(token) for token in others if _is_reference(token)))


def invoices(text: str) -> tuple[list[str], list[str]]:
    """Return invoice numbers, each once: those introduced as a number, and those that merely follow the word."""
    text = text[:_CHARS_MAX]
    plain = [_clean(match[1]) for match in _INVOICE_PLAIN.finditer(text)]
    loose = [_clean(match[1]) for match in _INVOICE_LOOSE.finditer(text)]
    return _invoice_tokens(plain), _invoice_tokens(loose)


def _invoice_tokens(tokens: list[str]) -> list[str]:
    return list(dict.fromkeys(token for token in tokens if _is_reference(token) and not _OURS.fullmatch(token)))


def _clean(token: str) -> str:
    return token.strip("._/-")


def _is_reference(token: str) -> bool:
    return len(token) > 1 and not _DATE.fullmatch(token) and not _MONEY.fullmatch(token)
