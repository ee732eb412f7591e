"""Invoices that fit their orders, in every dress invoices come in."""

from __future__ import annotations

from email.message import EmailMessage
from email.policy import SMTP

from signoff.demo.erp.seed import OrderSeed
from signoff.demo.letters.pdf import pdf
from signoff.demo.letters.writing import Letter, amount, letter, message, open_order

LARGE_BYTES = 8 * 1024 * 1024


def plain_text() -> EmailMessage:
    """Return an English invoice in the body. `problems.duplicate` sends it once more."""
    order = open_order("acme-industrial.example")
    return message(
        1,
        "Acme Billing <billing@acme-industrial.example>",
        f"Invoice AIS-20417 for {order.number}",
        f"""Dear customer,

please find our invoice below.

Invoice number: AIS-20417
Invoice date:   2026-11-09
Purchase order: {order.number}

{_table(order)}

Subtotal        GBP {amount(order.net_cents)}
VAT 20 %        GBP {amount(order.tax_cents)}
Total due       GBP {amount(order.total_cents)}

Payment within 30 days. Thank you for your business.

Acme Industrial Supply Ltd
""",
    )


def as_pdf() -> EmailMessage:
    """Return a German invoice whose facts are in the PDF only."""
    order = open_order("nordlicht-moebel.example")
    mail = message(
        2,
        "Nordlicht Büromöbel GmbH <rechnung@nordlicht-moebel.example>",
        "Unsere Rechnung RE-88213",
        "Guten Tag,\n\nanbei erhalten Sie unsere Rechnung.\n\nMit freundlichen Grüßen\nNordlicht Büromöbel GmbH\n",
    )
    lines = [
        "Nordlicht Büromöbel GmbH",
        "Rechnung",
        "Rechnungsnummer: RE-88213",
        f"Ihre Bestellung: {order.number}",
        "Rechnungsdatum: 10.11.2026",
        *(f"{line.quantity} x {line.description}" for line in order.lines),
        f"Nettobetrag: {amount(order.net_cents, 'de')} EUR",
        f"MwSt. 19 %: {amount(order.tax_cents, 'de')} EUR",
        f"Rechnungsbetrag: {amount(order.total_cents, 'de')} EUR",
        "Zahlbar innerhalb von 30 Tagen.",
    ]
    mail.add_attachment(pdf(lines), maintype="application", subtype="pdf", filename="Rechnung RE-88213.pdf")
    return mail


def as_csv() -> EmailMessage:
    """Return an invoice as a table in a CSV file."""
    order = open_order("midwest-fasteners.example")
    mail = message(
        3,
        "AR <ar@midwest-fasteners.example>",
        "Your invoice MF-5531 (CSV)",
        "Hello,\n\nattached is your invoice in CSV form, as agreed.\n\nMidwest Fasteners LLC\n",
    )
    rows = ["Invoice Number,PO Number,Line,Description,Quantity,Unit Price,Line Amount,Currency"]
    rows += [
        f'MF-5531,{order.number},{line.number},"{line.description}",{line.quantity},'
        f"{line.unit_cents / 100:.2f},{line.net_cents / 100:.2f},USD"
        for line in order.lines
    ]
    rows.append(f"MF-5531,{order.number},,Invoice total,,,{order.total_cents / 100:.2f},USD")
    mail.add_attachment("\r\n".join(rows) + "\r\n", subtype="csv", filename="MF-5531.csv")
    return mail


def as_xml() -> EmailMessage:
    """Return an electronic invoice in the shape of UBL."""
    order = open_order("vandijk-logistiek.example")
    mail = message(
        4,
        "facturatie@vandijk-logistiek.example",
        "E-factuur 2026-1187",
        "Geachte relatie,\n\nbijgaand onze elektronische factuur.\n\nVan Dijk Logistiek B.V.\n",
    )
    xml = f"""<?xml version="1.0" encoding="UTF-8"?>
<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2" xmlns:cbc="urn:cbc" xmlns:cac="urn:cac">
  <cbc:ID>2026-1187</cbc:ID>
  <cbc:IssueDate>2026-11-11</cbc:IssueDate>
  <cbc:DocumentCurrencyCode>EUR</cbc:DocumentCurrencyCode>
  <cac:OrderReference><cbc:ID>{order.number}</cbc:ID></cac:OrderReference>
  <cac:AccountingSupplierParty><cbc:Name>Van Dijk Logistiek B.V.</cbc:Name></cac:AccountingSupplierParty>
  <cac:LegalMonetaryTotal>
    <cbc:TaxExclusiveAmount currencyID="EUR">{order.net_cents / 100:.2f}</cbc:TaxExclusiveAmount>
    <cbc:TaxInclusiveAmount currencyID="EUR">{order.total_cents / 100:.2f}</cbc:TaxInclusiveAmount>
    <cbc:PayableAmount currencyID="EUR">{order.total_cents / 100:.2f}</cbc:PayableAmount>
  </cac:LegalMonetaryTotal>
</Invoice>
"""
    mail.add_attachment(xml.encode(), maintype="application", subtype="xml", filename="2026-1187.xml")
    return mail


def as_html() -> EmailMessage:
    """Return an invoice in a mail that has only HTML, with a script nobody may run."""
    order = open_order("goldengate-software.example")
    mail = message(5, "Golden Gate Software <billing@goldengate-software.example>", "Invoice GG-3302 is ready")
    mail.set_content(
        f"""<html><head><style>td {{ padding: 4px }}</style><script>alert("hello")</script></head><body>
<h1>Invoice GG-3302</h1><p>Golden Gate Software Corp.</p>
<table><tr><td>Invoice number:</td><td>GG-3302</td></tr><tr><td>Purchase order:</td><td><b>{order.number}</b></td></tr>
<tr><td>Amount due:</td><td>US&#36;&nbsp;{amount(order.total_cents)}</td></tr></table>
<p>Thank&nbsp;you &amp; see you soon.</p></body></html>""",
        subtype="html",
    )
    return mail


def forwarded() -> EmailMessage:
    """Return a colleague's message with the supplier's own inside it."""
    order = open_order("helvetia-praezision.example")
    inner = message(
        6,
        "Helvetia Präzision AG <faktura@helvetia-praezision.example>",
        "Faktura HP-9007",
        f"Guten Tag\n\nRechnung Nr.: HP-9007\nBestellnummer: {order.number}\n"
        f"Total inkl. MwSt.: CHF {amount(order.total_cents, 'ch')}\n\nHelvetia Präzision AG\n",
    )
    mail = message(
        7,
        "Jo Peters <jo.peters@northwind-retail.example>",
        "Fwd: Faktura HP-9007",
        "Hi, this one landed in my inbox by mistake. Jo\n",
    )
    mail.add_attachment(inner)
    return mail


def latin_1() -> Letter:
    """Return a French invoice in ISO 8859-1, sent as raw eight-bit text."""
    order = open_order("papeterie-lumiere.example")
    head = message(8, "comptabilite@papeterie-lumiere.example", "Facture FA-6120")
    head["MIME-Version"] = "1.0"
    head["Content-Type"] = 'text/plain; charset="iso-8859-1"'
    head["Content-Transfer-Encoding"] = "8bit"
    text = (
        "Bonjour,\r\n\r\nveuillez trouver notre facture réglable à 45 jours.\r\n\r\nFacture n° : FA-6120\r\n"
        f"Bon de commande : {order.number}\r\nTotal HT : {amount(order.net_cents, 'fr')} EUR\r\n"
        f"Total TTC : {amount(order.total_cents, 'fr')} EUR\r\n\r\nPapeterie Lumière SARL\r\n"
    )
    return Letter("08-invoice-latin-1.eml", head.as_bytes(policy=SMTP) + text.encode("latin-1"))


def utf_16() -> EmailMessage:
    """Return an invoice in a text file written by an old Windows program."""
    order = open_order("pennine-tools.example")
    mail = message(
        9,
        "Pennine Tools Accounts <accounts@pennine-tools.example>",
        "Invoice attached",
        "Please see the attached file.\n\nPennine Tools Ltd\n",
    )
    text = (
        f"INVOICE\r\nInvoice no.: PT/7745\r\nYour order: {order.number}\r\n"
        f"Invoice total: £{amount(order.total_cents)}\r\nPennine Tools Ltd\r\n"
    )
    mail.add_attachment(
        text.encode("utf-16"), maintype="text", subtype="plain", filename="invoice.txt", params={"charset": "utf-16"}
    )
    return mail


def quoted_printable() -> EmailMessage:
    """Return a Spanish invoice with accents, in quoted-printable."""
    order = open_order("suministros-iberica.example")
    return message(
        10,
        '"Suministros Ibérica" <facturación@suministros-iberica.example>'.replace("ó", "o"),
        "Factura núm. SI-2291",
        f"Estimado cliente:\n\nFactura n.º: SI-2291\nPedido: {order.number}\n"
        f"Importe total: {amount(order.total_cents, 'de')} €\n\nSuministros Ibérica S.L.\n",
        cte="quoted-printable",
    )


def no_subject() -> EmailMessage:
    """Return an invoice whose sender forgot the subject."""
    order = open_order("mapleleaf-safety.example")
    return message(
        11,
        "dispatch@mapleleaf-safety.example",
        None,
        f"Invoice # ML-118\nPO: {order.number}\nAmount due: CAD {amount(order.total_cents)}\nMaple Leaf Safety Co.\n",
    )


def large(attachment_bytes: int = LARGE_BYTES) -> EmailMessage:
    """Return an invoice with a scan of `attachment_bytes` beside it."""
    order = open_order("tanaka-seimitsu.example")
    mail = message(
        12,
        "Tanaka Seimitsu K.K. <seikyu@tanaka-seimitsu.example>",
        "Invoice TS-0915 and scanned delivery notes",
        f"Invoice number: TS-0915\nPurchase order: {order.number}\nGrand total: JPY {order.total_cents // 100:,}\n\n"
        "The delivery notes are attached as a scan.\n\nTanaka Seimitsu K.K.\n",
    )
    scan = pdf(["Delivery notes, scanned"], filler_bytes=attachment_bytes)
    mail.add_attachment(scan, maintype="application", subtype="pdf", filename="delivery-notes-scan.pdf")
    return mail


def letters(*, large_bytes: int = LARGE_BYTES) -> list[Letter]:
    """Return all of them."""
    return [
        letter("01-invoice-plain-text", plain_text()),
        letter("02-invoice-pdf", as_pdf()),
        letter("03-invoice-csv", as_csv()),
        letter("04-invoice-xml", as_xml()),
        letter("05-invoice-html", as_html()),
        letter("07-invoice-forwarded", forwarded()),
        latin_1(),
        letter("09-invoice-utf-16", utf_16()),
        letter("10-invoice-quoted-printable", quoted_printable()),
        letter("11-invoice-no-subject", no_subject()),
        letter("12-invoice-large-scan", large(large_bytes)),
    ]


def _table(order: OrderSeed) -> str:
    return "\n".join(
        f"  {line.quantity:>3} x {line.description:<32} {amount(line.net_cents):>12}" for line in order.lines
    )
