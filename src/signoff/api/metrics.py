"""Numbers for a monitoring system, in Prometheus' text form. They count over all workspaces: for the operator only."""

from __future__ import annotations

import hmac
import ipaddress

from fastapi import Request
from fastapi.responses import PlainTextResponse
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from signoff import __version__
from signoff.api.house import House, house_of
from signoff.api.identity import address_of
from signoff.api.middleware import requests_by_status
from signoff.api.shapes import router as make_router
from signoff.freezes.maintenance import standing
from signoff.kit.errors import NotSignedIn
from signoff.runs.queries import oldest_queued_seconds
from signoff.runs.totals import totals_by_state
from signoff.watch.objectives.promises import promises
from signoff.watch.objectives.queries import burn_rates

router = make_router("health")


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> PlainTextResponse:
    """Runs per state, the oldest queued age, workers, requests. From this machine, or with SIGNOFF_METRICS_TOKEN."""
    house = house_of(request)
    _allow(request, house)
    text = await house.services.store.run(_text, house)
    return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")


def _allow(request: Request, house: House) -> None:
    token = house.settings.metrics_token
    given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    if token is not None:
        if hmac.compare_digest(token.get_secret_value().encode(), given.encode("utf-8", "replace")):
            return
        raise NotSignedIn("Send the operator's token: Authorization: Bearer …", code="metrics_token_needed")
    is_forwarded = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "via"))
    if is_forwarded or not _is_this_machine(address_of(request)):
        raise NotSignedIn(
            "Metrics are open to this machine only. For others, set SIGNOFF_METRICS_TOKEN.", code="metrics_token_needed"
        )


def _is_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _text(house: House) -> str:
    with house.services.store.read() as session:
        lines = [*_runs(session), *_objectives(session)]
        order = standing(session)
    lines += ["# TYPE signoff_maintenance gauge", f"signoff_maintenance {int(order is not None)}"]
    try:
        lines += ["# TYPE signoff_workers gauge", f"signoff_workers {len(house.readiness.census.alive())}"]
    except SQLAlchemyError:
        # Said by its absence; the rest is still worth knowing.
        lines.append("# signoff_workers is not known: the engine's database is away")
    lines += [
        "# HELP signoff_run_starts_held_back Whether this process begins fewer runs, because requests come fast.",
        "# TYPE signoff_run_starts_held_back gauge",
        f"signoff_run_starts_held_back {int(house.precedence.is_held_back)}",
        "# TYPE signoff_http_requests_total counter",
    ]
    lines += [
        f'signoff_http_requests_total{{class="{kind}xx"}} {count}' for kind, count in sorted(requests_by_status.items())
    ]
    lines += ["# TYPE signoff_build_info gauge", f'signoff_build_info{{version="{__version__}"}} 1', ""]
    return "\n".join(lines)


def _objectives(session: Session) -> list[str]:
    return [
        "# HELP signoff_slo_objective The share that is promised to be good.",
        "# TYPE signoff_slo_objective gauge",
        *(f'signoff_slo_objective{{slo="{each.name}"}} {each.objective}' for each in promises().slo),
        "# HELP signoff_slo_burn_rate How many times faster than allowed the budget of errors was used up.",
        "# TYPE signoff_slo_burn_rate gauge",
        *(
            f'signoff_slo_burn_rate{{slo="{name}",window="{window}"}} {rate}'
            for name, rates in burn_rates(session).items()
            for window, rate in rates.items()
        ),
    ]


def _runs(session: Session) -> list[str]:
    counts = totals_by_state(session)
    return [
        "# HELP signoff_runs Runs by state.",
        "# TYPE signoff_runs gauge",
        *(f'signoff_runs{{state="{state}"}} {count}' for state, count in counts.items()),
        "# HELP signoff_oldest_queued_seconds How long the longest-waiting queued run has waited.",
        "# TYPE signoff_oldest_queued_seconds gauge",
        f"signoff_oldest_queued_seconds {oldest_queued_seconds(session):.3f}",
    ]
