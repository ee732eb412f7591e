"""The ERP as an MCP server.

    python -m signoff.demo.erp_server               over stdio
    python -m signoff.demo.erp_server http PORT     over streamable HTTP, at http://127.0.0.1:PORT/mcp

ERP_DATABASE                 the SQLite file; made and filled at the first start
ERP_ANSWER_DELAY_SECONDS     wait this long between writing and answering, as a slow system does
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, cast

import anyio
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import ToolAnnotations
from pydantic import Field

from signoff.demo.erp import lookups, postings, tokens
from signoff.demo.erp.database import prepare
from signoff.demo.erp.wording import ErpRefusal

T = TypeVar("T")

_READ = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)
# Additive, and safe to repeat with the same idempotency key.
_WRITE = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

PoNumber = Annotated[str, Field(max_length=100, description="For example PO-2026-0041")]
VendorName = Annotated[str, Field(max_length=200, description="Vendor id, exact name, or mail domain")]
Reason = Literal[
    "amount_mismatch",
    "currency_mismatch",
    "vendor_mismatch",
    "unknown_purchase_order",
    "no_purchase_order",
    "several_purchase_orders",
    "goods_not_received",
    "already_billed",
    "suspicious_message",
    "unclear",
]


def _saying(act: Callable[[], T]) -> T:
    """Tell a refusal to the caller in its own words."""
    try:
        return act()
    except ErpRefusal as refusal:
        raise ToolError(str(refusal)) from None


def _key(context: Context[Any, Any]) -> str | None:
    meta = cast("Mapping[str, Any] | None", context.request_context.meta)
    value = meta.get("idempotencyKey") if meta else None
    return value if isinstance(value, str) and value else None


def build(path: Path, *, answer_delay_seconds: float = 0.0) -> MCPServer:
    """Return the server over the database at `path`, which is made when it is not there."""
    prepare(path)
    server = MCPServer("erp", instructions="Purchase orders, vendors and bills.", log_level="ERROR")
    _add_reads(server, path)
    _add_writes(server, path, answer_delay_seconds)
    return server


def _add_reads(server: MCPServer, path: Path) -> None:
    @server.tool(annotations=_READ)
    async def find_purchase_orders(
        po_number: PoNumber = "", vendor: VendorName = "", status: Literal["", "open", "billed"] = ""
    ) -> dict[str, Any]:
        """Find purchase orders by number or by vendor. Amounts include tax; open_amount is what may still be billed."""
        return _saying(lambda: lookups.find_orders(path, po_number=po_number, vendor=vendor, status=status))

    @server.tool(annotations=_READ)
    async def get_purchase_order(po_number: PoNumber) -> dict[str, Any]:
        """Return one purchase order with its lines and goods receipts."""
        return _saying(lambda: lookups.order(path, po_number))

    @server.tool(annotations=_READ)
    async def get_vendor(vendor: VendorName) -> dict[str, Any]:
        """Return one vendor: currency, mail domain, payment terms, its purchase orders."""
        return _saying(lambda: lookups.vendor_of(path, vendor))

    @server.tool(annotations=_READ)
    async def list_bills(po_number: PoNumber) -> dict[str, Any]:
        """List the bills already posted on a purchase order."""
        return _saying(lambda: lookups.bills(path, po_number))


def _add_writes(server: MCPServer, path: Path, delay: float) -> None:
    @server.tool(annotations=_WRITE)
    async def post_bill(
        po_number: PoNumber,
        vendor: VendorName,
        invoice_number: Annotated[str, Field(max_length=80)],
        amount: Annotated[float, Field(gt=0, description="Units of the currency, tax included")],
        currency: Annotated[str, Field(pattern=r"^[A-Za-z]{3}$", description="ISO 4217 code")],
        token: Annotated[str, Field(max_length=500, description="Access token; give {{secret.ERP_TOKEN}}")],
        context: Context[Any, Any],
        lines: Annotated[list[dict[str, Any]] | None, Field(max_length=500)] = None,
    ) -> dict[str, Any]:
        """Post an invoice as a bill on a purchase order. The same invoice again is answered already_posted."""
        request = postings.BillRequest(po_number, vendor, invoice_number, amount, currency, lines)
        _saying(lambda: tokens.check(path, token))
        answer = _saying(lambda: postings.post_bill(path, request, key=_key(context)))
        await anyio.sleep(delay)
        return answer

    @server.tool(annotations=_WRITE)
    async def flag_mismatch(
        po_number: Annotated[str, Field(max_length=100, description="Empty when none is named")],
        invoice_number: Annotated[str, Field(max_length=80, description="Empty when none is named")],
        reason: Reason,
        details: Annotated[str, Field(max_length=4_000)],
        context: Context[Any, Any],
    ) -> dict[str, Any]:
        """Put an invoice that does not fit before a person in accounts payable."""
        request = postings.MismatchRequest(po_number, invoice_number, reason, details)
        answer = _saying(lambda: postings.flag_mismatch(path, request, key=_key(context)))
        await anyio.sleep(delay)
        return answer


def main(arguments: list[str]) -> None:
    """Serve until the client goes, or say how to."""
    usage = __doc__ or ""
    is_http = arguments[:1] == ["http"]
    if {"-h", "--help"} & set(arguments):
        print(usage)
        return
    if arguments and not (is_http and (len(arguments) == 1 or (len(arguments) == 2 and arguments[1].isdecimal()))):
        sys.exit(f"This is not understood: {' '.join(arguments)}\n\n{usage}")
    path = Path(os.environ.get("ERP_DATABASE", "erp.sqlite")).expanduser().resolve()
    server = build(path, answer_delay_seconds=float(os.environ.get("ERP_ANSWER_DELAY_SECONDS", "0")))
    if is_http:
        port = int(arguments[1]) if len(arguments) > 1 else 8330
        server.run("streamable-http", host="127.0.0.1", port=port, json_response=True, stateless_http=True)
    else:
        server.run("stdio")


if __name__ == "__main__":
    main(sys.argv[1:])
