"""What people decide about money: the daily cap of a workspace, and prices nobody else lists."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from signoff.budgets.defaults import Defaults
from signoff.budgets.limits import CAP_WORDS, Change, is_cap, put_limits
from signoff.kit import clock, money
from signoff.kit.errors import Malformed, NotFound
from signoff.people.access import Principal, authorize
from signoff.record import audit
from signoff.tables.limits import PriceOverride
from signoff.tables.people import Environment

PRICE_USD_MAX = Decimal(100_000)


def set_daily_cap(session: Session, principal: Principal, *, cap_usd: Decimal | None) -> None:
    """Set the most the caller's workspace may spend in a day, in dollars; None removes the cap.

    Raises:
        NotAllowed: the caller may not manage budgets.
        Malformed: the cap is negative, not a number, or above a million.
        LimitsOutOfOrder: its week or month has less.
    """
    authorize(principal, "budget.manage")
    if cap_usd is not None:
        _check_cap(cap_usd)
    change = Change("workspace", caps={"day": cap_usd})
    before, _ = put_limits(session, principal, Defaults(), change, principal.workspace_id)
    audit.write(
        session,
        workspace_id=principal.workspace_id,
        actor=principal.actor,
        action="budget.daily_cap_set",
        object_kind="workspace",
        object_id=principal.workspace_id,
        detail={"before_usd": money.as_text(before["day"].cap_usd), "after_usd": money.as_text(cap_usd)},
    )


def set_environment_cap(session: Session, principal: Principal, slug: str, *, cap_usd: Decimal | None) -> None:
    """Set the most one environment may spend in a day, in dollars; None removes the cap. The workspace's holds too.

    Raises:
        NotAllowed: the caller may not manage budgets.
        NotFound: there is no such environment here.
        Malformed: the cap is negative, not a number, or above a million.
        LimitsOutOfOrder: its week or month has less.
    """
    authorize(principal, "budget.manage")
    if cap_usd is not None:
        _check_cap(cap_usd)
    row = session.scalar(
        select(Environment).where(Environment.workspace_id == principal.workspace_id, Environment.slug == slug)
    )
    if row is None:
        raise NotFound(f"There is no environment {slug[:63]!r} in this workspace.")
    before, _ = put_limits(session, principal, Defaults(), Change("environment", caps={"day": cap_usd}), row.id)
    audit.write(
        session,
        workspace_id=principal.workspace_id,
        actor=principal.actor,
        action="budget.environment_cap_set",
        object_kind="environment",
        object_id=row.id,
        detail={
            "environment": slug,
            "before_usd": money.as_text(before["day"].cap_usd),
            "after_usd": money.as_text(cap_usd),
        },
    )


def set_price(session: Session, principal: Principal, *, model: str, input_usd: Decimal, output_usd: Decimal) -> None:
    """Enter the price of `model` (`provider:name`), in dollars per million tokens.

    Raises:
        NotAllowed: the caller may not manage budgets.
        Malformed: the name has no provider, or a price is negative, not a number, or above 100,000.
    """
    authorize(principal, "budget.manage")
    if ":" not in model or len(model) > 200:
        raise Malformed("A model is named provider:model.", errors={"model": ["name it provider:model"]})
    _check("input_usd", input_usd, PRICE_USD_MAX)
    _check("output_usd", output_usd, PRICE_USD_MAX)
    session.merge(
        PriceOverride(
            workspace_id=principal.workspace_id,
            model=model,
            input_usd=input_usd,
            output_usd=output_usd,
            changed_by=principal.id,
            changed_at=clock.now(),
        )
    )
    _audit_price(session, principal, model, {"input_usd": str(input_usd), "output_usd": str(output_usd)})


def remove_price(session: Session, principal: Principal, *, model: str) -> None:
    """Go back to the listed price of `model`.

    Raises:
        NotAllowed: the caller may not manage budgets.
        NotFound: no price was entered for it.
    """
    authorize(principal, "budget.manage")
    row = (PriceOverride.workspace_id == principal.workspace_id, PriceOverride.model == model)
    if session.scalar(select(PriceOverride.model).where(*row)) is None:
        raise NotFound(f"No price was entered for {model}.")
    session.execute(delete(PriceOverride).where(*row))
    _audit_price(session, principal, model, {"removed": True})


def _check_cap(cap_usd: Decimal) -> None:
    if not is_cap(cap_usd):
        raise Malformed(f"cap_usd is an amount of dollars {CAP_WORDS}.", errors={"cap_usd": [CAP_WORDS]})


def _check(field: str, value: Decimal, most: Decimal) -> None:
    if not value.is_finite() or value < 0 or value > most:
        raise Malformed(f"{field} is an amount of dollars from 0 to {most:,}.", errors={field: [f"from 0 to {most:,}"]})


def _audit_price(session: Session, principal: Principal, model: str, detail: dict[str, object]) -> None:
    audit.write(
        session,
        workspace_id=principal.workspace_id,
        actor=principal.actor,
        action="budget.price_set",
        object_kind="model",
        object_id=model[:64],
        detail=detail,
    )
