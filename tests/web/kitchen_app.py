"""A small site that shows every component once, for tests and for looking: ``python -m tests.web.kitchen_app 8799``."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

from jinja2 import ChoiceLoader, FileSystemLoader
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from signoff.kit.errors import NotFound
from signoff.web import diffs
from signoff.web.assets import serve_asset
from signoff.web.chrome import Chrome, Place, chrome_of, remember_theme
from signoff.web.flash import Flash
from signoff.web.page import draw_text, is_partial, respond, see_other
from signoff.web.palette import PaletteRow, draw_palette, page_rows
from signoff.web.problem import problem_page, refusal_page
from signoff.web.security import BodyLimit, RequestId, SameOrigin, SecurityHeaders
from signoff.web.templating import HERE, make_environment

NOW = datetime(2026, 11, 20, 14, 42, 10, tzinfo=UTC)
ENVIRONMENT = make_environment(
    ChoiceLoader([FileSystemLoader(HERE), FileSystemLoader(Path(__file__).parent / "kitchen")])
)

SOP = """# Supplier mail

## Goal
Book each matching bill within 15 minutes, and say plainly what does not match.

## Steps
1. Read the message with @mail.read, including attachments.
2. Find the purchase order with @erp.find_order. If there is none, ask a person.
3. Compare every line. Never book a bill that differs by more than 2 percent.
4. Book it with @erp.book_bill and the number of the bill as its key.

## Limits
- Use {{secret.ERP_TOKEN}} only with @erp.
- Stop after 10 bills in one run.
"""
OLD_SOP = SOP.replace("2 percent", "5 percent").replace("- Stop after 10 bills in one run.\n", "")
ANSWER = """# Result

**3 of 4** bills were booked.

| Bill | Order | Result |
|---|---|---|
| RE-2026-118 | PO-88120 | booked |
| RE-2026-119 | PO-88121 | price differs by 4.1 % |

- Ask *Brightwater* for a corrected bill, see [the portal](https://example.com/portal)
- `PO-88121` stays open

![tracking pixel](https://evil.example/p.gif)
"""


def _run(n: int, state: str, title: str, note: str, **more: object) -> SimpleNamespace:
    known = {
        "id": f"run_01JQ{n:04d}",
        "state": state,
        "title": title,
        "note": note,
        "note_class": {"failed": "is-bad", "waiting": "is-wait"}.get(state, ""),
        "waiting_for": None,
        "agent": "Supplier mail",
        "revision": 14,
        "source": "mail",
        "started_at": NOW - timedelta(minutes=7 * n + 1),
        "duration_ms": 4_200 * (n + 1) ** 2,
        "cost": Decimal("0.0121") * (n + 1),
    }
    return SimpleNamespace(**{**known, **more})


RUNS = [
    _run(
        1,
        "waiting",
        "Bill RE-2026-119 from Brightwater Logistics, price above contract",
        "Approval: book €4,120.00",
        waiting_for="approval",
    ),
    _run(2, "running", "Bill 88-2041 from Nordic Freight", "Step 9: matching lines"),
    _run(3, "failed", "Re: Re: Fwd: your order", "erp.find_order: 401, the token has expired"),
    _run(4, "completed", "Bill RE-2026-118 from Brightwater Logistics", ""),
    _run(5, "waiting", "Onboard Kestrel Packaging GmbH", "Until Monday 08:00", waiting_for="window"),
    _run(6, "queued", "(no subject)", ""),
    _run(7, "cancelled", "Monthly statement, October", "Cancelled by Mei Tanaka"),
    _run(8, "rejected", "A message of 41 MB", "The input is larger than the agent takes"),
]


def _step(
    n: int, kind: str, name: str, start: int, ms: int | None, state: str = "completed", depth: int = 0, cost: str = ""
) -> SimpleNamespace:
    return SimpleNamespace(
        id=str(n), kind=kind, name=name, start_ms=start, duration_ms=ms, state=state, depth=depth, cost_text=cost,
        href=f"/?step={n}", started_at=NOW - timedelta(seconds=107),
    )  # fmt: skip


STEPS = [
    _step(1, "start", "Mail received", 0, 40),
    _step(2, "model", "Plan", 60, 3_200, cost="$0.0094"),
    _step(3, "tool", "mail.read", 3_300, 640),
    _step(4, "tool", "erp.find_order", 4_000, 1_200, state="failed"),
    _step(5, "tool", "erp.find_order", 6_200, 890),
    _step(6, "agent", "Fraud screen", 7_100, 9_300, cost="$0.012"),
    _step(7, "tool", "erp.payments", 7_300, 2_100, depth=1),
    _step(8, "guard", "Refund limit", 16_500, 12, state="denied"),
    _step(9, "model", "Compare lines", 16_600, 7_900, cost="$0.029"),
    _step(10, "tool", "erp.book_bill", 24_600, None, state="needs_reconciliation"),
    _step(11, "model", "Summarise", 25_000, None, state="running"),
]


@dataclass(frozen=True)
class Kitchen:
    runs: list[SimpleNamespace]
    steps: list[SimpleNamespace]
    span_ms: int
    sop: str
    answer: str
    diff: diffs.Diff
    words: object
    revisions: list[SimpleNamespace]
    data: dict[str, object]
    bars: list[dict[str, object]]


VIEW = Kitchen(
    RUNS,
    STEPS,
    33_500,
    SOP,
    ANSWER,
    diffs.unified(OLD_SOP, SOP),
    diffs.words("Refund at most 100 euros without a person.", "Refund at most 250 euros, never without a person."),
    [
        SimpleNamespace(
            number=None,
            state="draft",
            title="Lower the limit",
            who="Mei Tanaka",
            at=NOW - timedelta(minutes=6),
            href="#",
            is_current=False,
        ),
        SimpleNamespace(
            number=14,
            state="frozen",
            title="Ask when no order is found",
            who="Ines Okafor",
            at=NOW - timedelta(days=3),
            href="#",
            is_current=True,
        ),
        SimpleNamespace(
            number=13,
            state="retired",
            title="",
            who="Ines Okafor",
            at=NOW - timedelta(days=9),
            href="#",
            is_current=False,
        ),
    ],
    {
        "order": "PO-88121",
        "total": Decimal("4120.00"),
        "paid": False,
        "note": None,
        "lines": [{"sku": "A-1", "quantity": 40, "price": "103.00"}],
        "body": "x" * 2_400,
    },
    [
        {"start": f"{h:02d}:00", "completed": 4 + h % 7, "waiting": h % 3, "failed": 1 if h in (5, 19, 20) else 0}
        for h in range(24)
    ],
)


def make_chrome() -> Chrome:
    return Chrome(
        workspace="Northwind Trading",
        environment="Production",
        environments=(Place("Production", "/", True), Place("Staging", "/")),
        viewer="Mei Tanaka",
        viewer_email="mei@northwind.example",
        counts={"runs": 4, "reconciliation": 1, "connections": 2},
        zone="Europe/Prague",
        drawn_at=NOW,
    )


def kitchen(request: Request) -> Response:
    name = request.path_params.get("name", "components")
    request.state.chrome = make_chrome
    template = "_rows.html" if is_partial(request) else f"{name}.html"
    return respond(request, ENVIRONMENT.get_template(template), VIEW, 200)


def sign_in(request: Request) -> Response:
    return respond(request, ENVIRONMENT.get_template("sign_in.html"), VIEW, 200)


def palette(request: Request) -> Response:
    request.state.chrome = make_chrome
    words = request.query_params.get("q", "")
    found = [PaletteRow(run.title, "/", "list", run.id) for run in RUNS if words and words in run.title.lower()]
    return draw_palette(request, [*found, *page_rows(chrome_of(request), words)])


async def theme(request: Request) -> Response:
    response = see_other(request, "/")
    remember_theme(response, str((await request.form()).get("theme", "")))
    return response


async def save(request: Request) -> Response:
    await request.form()
    return see_other(request, "/", Flash("Revision 15 is frozen", "The next run uses it."))


def missing(request: Request) -> Response:
    if "signed" in request.query_params:
        request.state.chrome = make_chrome
    return refusal_page(request, NotFound("There is no run with this id. It may belong to another workspace."))


def events(request: Request) -> Response:
    """One finished step, then the end of the stream."""
    step = _step(11, "model", "Summarised", 25_000, 8_000)
    html = draw_text(ENVIRONMENT.get_template("_live.html"), step, make_chrome())
    data = "\n".join(f"data: {line}" for line in html.splitlines())
    body = f"id: 1\n{data}\n\nevent: done\ndata: over\n\n"
    return Response(body, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


def broken(request: Request) -> Response:
    return problem_page(request, 500)


def make_app() -> Starlette:
    return Starlette(
        routes=[
            Route("/", kitchen),
            Route("/kitchen/{name}", kitchen),
            Route("/sign-in", sign_in),
            Route("/palette", palette),
            Route("/theme", theme, methods=["POST"]),
            Route("/save", save, methods=["POST"]),
            Route("/missing", missing),
            Route("/broken", broken),
            Route("/events", events),
            Route("/static/{name:path}", serve_asset),
        ],
        middleware=[
            Middleware(RequestId),
            Middleware(SecurityHeaders),
            Middleware(SameOrigin),
            Middleware(BodyLimit, bytes_max=10_000),
        ],
    )


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(make_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
