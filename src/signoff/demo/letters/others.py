"""Everything in the inbox that is not an invoice."""

from __future__ import annotations

from email.message import EmailMessage

from signoff.demo.letters.writing import Letter, amount, letter, message, open_order, order_delivered


def statement() -> EmailMessage:
    """Return a statement of account: many invoice numbers, none of them to be posted from here."""
    order = open_order("emerald-cleaning.example")
    return message(
        40,
        "Emerald Cleaning Services <accounts@emerald-cleaning.example>",
        "Statement of account, October 2026",
        f"""Statement of account as of 31 October 2026

Date        Document           Amount     Balance
2026-10-03  Invoice EC-1101    EUR 420.00  EUR 420.00
2026-10-17  Invoice EC-1119    EUR {amount(order.total_cents)}  EUR {amount(order.total_cents + 42000)}
2026-10-28  Payment           -EUR 420.00  EUR {amount(order.total_cents)}

Closing balance: EUR {amount(order.total_cents)}
This is not an invoice.
""",
    )


def reminder() -> EmailMessage:
    """Return a dunning letter."""
    order = open_order("fjord-elektro.example")
    return message(
        41,
        "Fjord Elektro AS <inkasso@fjord-elektro.example>",
        "Second reminder: invoice FE-3391 is overdue",
        f"Dear customer,\n\nour invoice FE-3391 for your order {order.number} over NOK {amount(order.total_cents)}\n"
        "was due on 25 October 2026 and is still unpaid. Please pay within 7 days to avoid late fees.\n\n"
        "If you have paid in the meantime, please disregard this reminder.\n\nFjord Elektro AS\n",
    )


def delivery_query() -> EmailMessage:
    """Return a supplier's question."""
    order = order_delivered("partial")
    vendor = order.vendor
    return message(
        42,
        f"{vendor.name} <logistics@{vendor.domain}>",
        f"Delivery of {order.number}: which dock?",
        f"Hello,\n\nwe would like to deliver the rest of {order.number} on Thursday.\n"
        "Could you please tell us which loading dock to use, and until what time?\n\nMany thanks\n",
    )


def price_change() -> EmailMessage:
    """Return an announcement of new prices."""
    return message(
        43,
        "Alpenblick Verpackung KG <vertrieb@alpenblick-verpackung.example>",
        "Price adjustment as of 1 January 2027",
        "Dear customer,\n\nrising paper prices force us to a price increase of 4.5 % on all cardboard\n"
        "with effect from 1 January 2027. Your new price list is attached.\n\nAlpenblick Verpackung KG\n",
    )


def confirmation() -> EmailMessage:
    """Return an order confirmation: an order number and a total, but no invoice."""
    order = open_order("kiwi-crates.example")
    return message(
        44,
        "Kiwi Crates Ltd <orders@kiwi-crates.example>",
        f"Order confirmation {order.number}",
        f"Thank you for your order {order.number}.\n\nWe confirm the following items, to ship within two weeks:\n"
        f"Order total: NZD {amount(order.total_cents)}\nThe invoice follows after delivery.\n\nKiwi Crates Ltd\n",
    )


def credit_note() -> EmailMessage:
    """Return money coming back: posting it as a bill would pay it twice."""
    return message(
        45,
        "Hansa Druck GmbH <gutschrift@hansa-druck.example>",
        "Gutschrift / Credit note GS-0077",
        "Credit note number: GS-0077\nReference: invoice HD-4002\nTotal credit: EUR 119.00\n\nHansa Druck GmbH\n",
    )


def new_bank() -> EmailMessage:
    """Return the oldest trick: please pay to our new account."""
    return message(
        46,
        "Acme Billing <billing@acme-industriaI.example>",
        "Important: our bank details have changed",
        "Dear customer,\n\nplease note that our bank details have changed. From now on pay all invoices to\n"
        "IBAN GB00 TEST 0000 0000 0000 00. Please confirm by return.\n\nAcme Industrial Supply Ltd\n",
    )


def spam() -> EmailMessage:
    """Return what nobody ordered."""
    return message(
        47,
        "Prize Department <winner@lucky-draw.example>",
        "CONGRATULATIONS!!! You have been selected",
        "You have won 1,000,000 USD in our lottery! Click here to claim your prize now.\n"
        "Act now, limited time offer, 100% free, no risk!!!\n",
    )


def newsletter() -> EmailMessage:
    """Return a newsletter."""
    mail = message(
        48,
        "Brussels Lighting <news@brussels-lighting.example>",
        "Our November newsletter: bright ideas for dark days",
        "This month: new LED panels, a visit to our factory, and 10 % off floor lamps.\n\n"
        "View this email in your browser. Unsubscribe here if you no longer wish to receive our newsletter.\n",
    )
    mail["List-Unsubscribe"] = "<mailto:unsubscribe@brussels-lighting.example>"
    return mail


def out_of_office() -> EmailMessage:
    """Return an automatic reply."""
    mail = message(
        49,
        "Marta Bianchi <m.bianchi@officina-bianchi.example>",
        "Automatic reply: Payment advice",
        "I am out of the office until 23 November with limited access to e-mail.\n"
        "For urgent invoices please write to amministrazione@officina-bianchi.example.\n",
    )
    mail["Auto-Submitted"] = "auto-replied"
    return mail


def malformed() -> Letter:
    """Return a message whose MIME is broken in four ways, with an invoice still to be found in it."""
    order = open_order("highland-water.example")
    raw = (
        b"From: Highland Water Co. <billing@highland-water.example\r\n"
        b"To: invoices@northwind-retail.example\r\n"
        b"Subject: =?utf-8?B?SW52b2ljZSBIVy0yMDAz?= =?x-unknown?Q?=ZZ?=\r\n"
        b"Date: the day before yesterday\r\n"
        b"Message-ID: <broken@highland-water.example>\r\n"
        b'Content-Type: multipart/mixed; boundary="=_never_closed"\r\n\r\n'
        b"--=_never_closed\r\n"
        b"Content-Type: text/plain; charset=x-no-such-charset\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n\r\n"
        b"Highland Water Co.\r\nInvoice number: HW-2003\r\nPurchase order: %b\r\nTotal due: GBP %b\r\n\r\n"
        b"--=_never_closed\r\n"
        b"Content-Type: application/octet-stream; name=\r\n"
        b"Content-Transfer-Encoding: base64\r\n\r\n"
        b"!!!! this is not base64 !!!!\r\n"
    ) % (order.number.encode(), amount(order.total_cents).encode())
    return Letter("50-malformed-mime.eml", raw)


def unreadable() -> Letter:
    """Return a message with nothing in it that can be read."""
    mail = message(51, "scanner@northwind-retail.example", "")
    mail["MIME-Version"] = "1.0"
    mail["Content-Type"] = 'application/octet-stream; name="scan.bin"'
    mail["Content-Transfer-Encoding"] = "base64"
    return Letter("51-unreadable.eml", mail.as_bytes() + b"AAECAwQFBgcICQoLDA0ODw==\r\n")


def letters() -> list[Letter]:
    """Return all of them."""
    return [
        letter("40-statement", statement()),
        letter("41-reminder", reminder()),
        letter("42-delivery-query", delivery_query()),
        letter("43-price-change", price_change()),
        letter("44-order-confirmation", confirmation()),
        letter("45-credit-note", credit_note()),
        letter("46-new-bank-details", new_bank()),
        letter("47-spam", spam()),
        letter("48-newsletter", newsletter()),
        letter("49-out-of-office", out_of_office()),
        malformed(),
        unreadable(),
    ]
