"""Forty suppliers, as the ERP is seeded with them."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class VendorSeed:
    """One supplier. `domain` is where its mail comes from, `tax_percent` what its invoices add."""

    id: str
    name: str
    country: str
    currency: str
    domain: str
    terms: str
    tax_percent: Decimal


# Name, country, currency, mail domain (all reserved for examples), payment terms, tax in per cent.
_ROWS = """
Nordlicht Büromöbel GmbH|DE|EUR|nordlicht-moebel.example|NET30|19
Acme Industrial Supply Ltd|GB|GBP|acme-industrial.example|NET30|20
Papeterie Lumière SARL|FR|EUR|papeterie-lumiere.example|NET45|20
Helvetia Präzision AG|CH|CHF|helvetia-praezision.example|NET30|8.1
Blue Ridge Packaging Inc.|US|USD|blueridge-packaging.example|NET30|0
Suministros Ibérica S.L.|ES|EUR|suministros-iberica.example|NET60|21
Van Dijk Logistiek B.V.|NL|EUR|vandijk-logistiek.example|NET14|21
Officina Bianchi S.r.l.|IT|EUR|officina-bianchi.example|NET60|22
Kowalski Narzędzia Sp. z o.o.|PL|PLN|kowalski-narzedzia.example|NET14|23
Svensk Kabel AB|SE|SEK|svensk-kabel.example|NET30|25
Tanaka Seimitsu K.K.|JP|JPY|tanaka-seimitsu.example|NET30|10
Maple Leaf Safety Co.|CA|CAD|mapleleaf-safety.example|NET30|5
Harbour Print & Sign Pty Ltd|AU|AUD|harbourprint.example|NET14|10
Emerald Cleaning Services|IE|EUR|emerald-cleaning.example|NET30|23
Fjord Elektro AS|NO|NOK|fjord-elektro.example|NET30|25
Dansk Kontor ApS|DK|DKK|dansk-kontor.example|NET30|25
Alpenblick Verpackung KG|AT|EUR|alpenblick-verpackung.example|NET30|20
Praha Tech s.r.o.|CZ|CZK|praha-tech.example|NET14|21
Lisboa Papel Lda|PT|EUR|lisboa-papel.example|NET45|23
Baltic Timber OÜ|EE|EUR|baltic-timber.example|NET30|22
Midwest Fasteners LLC|US|USD|midwest-fasteners.example|NET30|0
Golden Gate Software Corp.|US|USD|goldengate-software.example|NET15|0
Lone Star Batteries Inc.|US|USD|lonestar-batteries.example|NET30|0
Hudson Lab Equipment|US|USD|hudson-lab.example|NET45|0
Pennine Tools Ltd|GB|GBP|pennine-tools.example|NET30|20
Thames Catering Ltd|GB|GBP|thames-catering.example|NET14|20
Highland Water Co.|GB|GBP|highland-water.example|NET30|20
Rheinland Schrauben GmbH|DE|EUR|rheinland-schrauben.example|NET30|19
Bayern Kälte GmbH & Co. KG|DE|EUR|bayern-kaelte.example|NET14|19
Hansa Druck GmbH|DE|EUR|hansa-druck.example|NET30|19
Atelier Dubois|FR|EUR|atelier-dubois.example|NET30|20
Provence Emballage SAS|FR|EUR|provence-emballage.example|NET45|20
Zürcher Werkzeuge AG|CH|CHF|zuercher-werkzeuge.example|NET30|8.1
Brussels Lighting NV|BE|EUR|brussels-lighting.example|NET30|21
Helsinki Sensorit Oy|FI|EUR|helsinki-sensorit.example|NET14|25.5
Athens Marine Supply|GR|EUR|athens-marine.example|NET60|24
Budapest Motor Kft.|HU|HUF|budapest-motor.example|NET30|27
Singapore Micro Pte Ltd|SG|SGD|singapore-micro.example|NET30|9
Kiwi Crates Ltd|NZ|NZD|kiwi-crates.example|NET30|15
Cape Instruments (Pty) Ltd|ZA|ZAR|cape-instruments.example|NET30|15
"""


def _vendor(number: int, row: str) -> VendorSeed:
    name, country, currency, domain, terms, tax = row.split("|")
    return VendorSeed(f"V-{1000 + number}", name, country, currency, domain, terms, Decimal(tax))


VENDORS: tuple[VendorSeed, ...] = tuple(
    _vendor(number, row) for number, row in enumerate(_ROWS.strip().splitlines(), start=1)
)
