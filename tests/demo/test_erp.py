"""The ERP books an invoice once, however often and by however many it is asked."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from signoff.demo.erp import lookups, postings, tally, tokens
from signoff.demo.erp.database import connect, prepare
from signoff.demo.erp.postings import BillRequest, MismatchRequest
from signoff.demo.erp.seed import PURCHASE_ORDERS
from signoff.demo.erp.vendors import VENDORS
from signoff.demo.erp.wording import ErpRefusal

ORDER = PURCHASE_ORDERS[20]


@pytest.fixture
def erp(tmp_path: Path) -> Path:
    path = tmp_path / "erp.sqlite"
    prepare(path)
    return path


def request(invoice: str = "R-1", **changes: object) -> BillRequest:
    facts: dict[str, object] = {
        "po_number": ORDER.number,
        "vendor": ORDER.vendor.name,
        "invoice_number": invoice,
        "amount": ORDER.total_cents / 100,
        "currency": ORDER.vendor.currency,
    }
    return BillRequest(**{**facts, **changes})  # pyright: ignore[reportArgumentType]


def count_bills(erp: Path) -> int:
    with connect(erp) as connection:
        return connection.execute("SELECT count(*) FROM bills WHERE idempotency_key IS NOT NULL").fetchone()[0]


def test_the_seed_is_as_large_and_varied_as_promised(erp: Path) -> None:
    assert len(VENDORS) == 40
    assert len(PURCHASE_ORDERS) == 120
    assert len({vendor.currency for vendor in VENDORS}) >= 10
    assert {order.delivery for order in PURCHASE_ORDERS} == {"full", "partial", "none"}
    found = lookups.order(erp, ORDER.number)
    assert found["total"] == ORDER.total_cents / 100
    assert sum(line["net"] for line in found["lines"]) == pytest.approx(found["net"])


def test_preparing_again_adds_nothing(erp: Path) -> None:
    prepare(erp)
    with connect(erp) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchone()[0] == 120


@pytest.mark.parametrize("written", ["PO-2026-0021", "po 2026-21", "2026/0021", " PO2026-0021 "])
def test_an_order_is_found_however_its_number_is_written(erp: Path, written: str) -> None:
    assert lookups.order(erp, written)["po_number"] == "PO-2026-0021"


@pytest.mark.parametrize("written", [VENDORS[0].id, "nordlicht büromöbel", "sales@nordlicht-moebel.example"])
def test_a_vendor_is_found_by_id_name_and_address(erp: Path, written: str) -> None:
    assert lookups.vendor_of(erp, written)["name"] == VENDORS[0].name


def test_orders_are_found_by_vendor_and_status(erp: Path) -> None:
    all_of_it = lookups.find_orders(erp, po_number="", vendor=ORDER.vendor.domain, status="")
    still_open = lookups.find_orders(erp, po_number="", vendor=ORDER.vendor.domain, status="open")
    assert ORDER.number in [item["po_number"] for item in still_open["purchase_orders"]]
    assert len(all_of_it["purchase_orders"]) == 3


def test_the_same_key_posts_once_and_answers_the_same(erp: Path) -> None:
    first = postings.post_bill(erp, request(), key="run:call")
    again = postings.post_bill(erp, request(), key="run:call")
    assert first["outcome"] == "posted"
    assert again == {**first, "replayed": True}
    assert tally.totals(erp) == {"posted": 1, "replayed": 1}


def test_the_same_invoice_with_another_key_is_already_posted(erp: Path) -> None:
    first = postings.post_bill(erp, request(), key="one")
    second = postings.post_bill(erp, request(), key="two")
    assert second["outcome"] == "already_posted"
    assert second["bill"] == first["bill"]
    assert count_bills(erp) == 1


def test_a_key_cannot_be_used_for_another_bill(erp: Path) -> None:
    postings.post_bill(erp, request(), key="one")
    with pytest.raises(ErpRefusal, match="another request"):
        postings.post_bill(erp, request("R-2"), key="one")


@pytest.mark.parametrize("same_key", [True, False])
def test_twenty_at_once_post_one_bill(erp: Path, same_key: bool) -> None:
    outcomes: list[str] = []
    start = threading.Barrier(20)

    def post(number: int) -> None:
        start.wait()
        answer = postings.post_bill(erp, request(), key="k" if same_key else f"k{number}")
        outcomes.append("replayed" if answer.get("replayed") else answer["outcome"])

    threads = [threading.Thread(target=post, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    others = "replayed" if same_key else "already_posted"
    assert sorted(outcomes) == sorted(["posted", *[others] * 19])
    assert count_bills(erp) == 1
    assert tally.doubles(erp) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"po_number": "PO-2031-9999"}, "no purchase order"),
        ({"vendor": VENDORS[39].name}, "was placed with"),
        ({"currency": "XAF"}, "is in"),
        ({"amount": ORDER.total_cents / 100 + 5}, "left to bill"),
        ({"amount": float("nan")}, "above zero"),
        ({"amount": -3.0}, "above zero"),
        ({"invoice_number": "  "}, "missing"),
    ],
)
def test_what_does_not_fit_is_refused_in_words_and_changes_nothing(
    erp: Path, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(ErpRefusal, match=words):
        postings.post_bill(erp, request(**changes), key="k")  # pyright: ignore[reportArgumentType]
    assert count_bills(erp) == 0
    assert tally.effects(erp) == []


def test_a_mismatch_is_flagged_once(erp: Path) -> None:
    flag = MismatchRequest("", "R-9", "no_purchase_order", "Nobody named an order.")
    assert postings.flag_mismatch(erp, flag, key="a")["outcome"] == "flagged"
    assert postings.flag_mismatch(erp, flag, key="a")["replayed"] is True
    assert postings.flag_mismatch(erp, flag, key="b")["outcome"] == "already_flagged"


def test_the_log_of_effects_cannot_be_rewritten(erp: Path) -> None:
    postings.post_bill(erp, request(), key="a")
    with connect(erp) as connection:
        with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
            connection.execute("DELETE FROM effects")
        with pytest.raises(sqlite3.IntegrityError, match="only ever added to"):
            connection.execute("UPDATE effects SET outcome = 'none'")


def test_only_an_issued_token_opens_the_writing_tools(erp: Path) -> None:
    token = tokens.issue(erp)
    tokens.check(erp, token)
    with pytest.raises(ErpRefusal, match="does not know this token"):
        tokens.check(erp, token + "x")
    assert token not in erp.read_bytes().decode("latin-1")
