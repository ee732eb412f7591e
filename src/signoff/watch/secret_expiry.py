"""Warns of secrets that run out: 30, 14, 3 and 0 days before, once each; and takes it back when they no longer do."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import CursorResult, or_, select, update
from sqlalchemy.orm import Session

from signoff.kit import clock
from signoff.tables.connections import Secret
from signoff.tables.people import Environment
from signoff.tables.watch import Alert
from signoff.watch.actions import raise_alert, resolve_by_key

KIND = "secret_expiring"
# Days before the end at which it is said (again), the nearest last.
WARN_DAYS = (30, 14, 3, 0)
_PREFIX = "secret_expiry:"
_AT_ONCE = 500


def warn_of_expiry(session: Session, *, now: datetime | None = None) -> int:
    """Raise an alert for each secret that came nearer to its end than the last one said. Returns how many.

    Harmless when several processes do it: each threshold of a secret is said by the one whose update found it unsaid.
    """
    moment = now or clock.now()
    rows = session.execute(
        select(Secret, Environment.slug)
        .join(Environment, Environment.id == Secret.environment_id)
        .where(
            Secret.expires_at <= moment + timedelta(days=WARN_DAYS[0]),
            or_(Secret.expiry_warned_days.is_(None), Secret.expiry_warned_days > 0),
        )
        .order_by(Secret.expires_at)
        .limit(_AT_ONCE)
    ).all()
    return sum(_warn(session, row[0], row[1], moment) for row in rows)


def _warn(session: Session, secret: Secret, environment: str, moment: datetime) -> bool:
    expires_at = secret.expires_at
    days = threshold(expires_at, moment) if expires_at is not None else None
    if expires_at is None or days is None:
        return False
    if secret.expiry_warned_days is not None and secret.expiry_warned_days <= days:
        return False
    said = session.execute(
        update(Secret)
        .where(
            Secret.id == secret.id,
            Secret.expires_at == expires_at,
            or_(Secret.expiry_warned_days.is_(None), Secret.expiry_warned_days > days),
        )
        .values(expiry_warned_days=days)
        .execution_options(synchronize_session=False)
    )
    if not cast("CursorResult[object]", said).rowcount:
        return False
    raise_alert(
        session,
        secret.workspace_id,
        key=_PREFIX + secret.id,
        kind=KIND,
        text=_sentence(secret.name, environment, expires_at, moment),
        detail={"secret": secret.id, "name": secret.name, "expires_at": expires_at.isoformat(), "days": days},
    )
    return True


def forget_warnings(session: Session, *, now: datetime | None = None) -> int:
    """Resolve the alerts of secrets that were replaced, deleted, or given a later end. Returns how many."""
    moment = now or clock.now()
    alerts = session.scalars(
        select(Alert)
        .where(Alert.kind == KIND, Alert.open_key.is_not(None), Alert.open_key.startswith(_PREFIX))
        .limit(_AT_ONCE)
    ).all()
    secrets = {
        row.id: row.expires_at
        for row in session.execute(
            select(Secret.id, Secret.expires_at).where(
                Secret.id.in_([str(alert.open_key).removeprefix(_PREFIX) for alert in alerts])
            )
        )
    }
    done = 0
    for alert in alerts:
        expires_at = secrets.get(str(alert.open_key).removeprefix(_PREFIX))
        if expires_at is None or threshold(expires_at, moment) is None:
            done += resolve_by_key(session, alert.workspace_id, str(alert.open_key))
    return done


def threshold(expires_at: datetime, moment: datetime) -> int | None:
    """Return the nearest of the thresholds that has been passed, in days; None when none has."""
    left = expires_at - moment
    return min((days for days in WARN_DAYS if left <= timedelta(days=days)), default=None)


def _sentence(name: str, environment: str, expires_at: datetime, moment: datetime) -> str:
    day = expires_at.date().isoformat()
    left = (expires_at - moment).days
    next_thing = "Get a new value and enter it on the secret's page; calls use it at once."
    if expires_at <= moment:
        return f"The secret {name} of {environment} ran out on {day}. {next_thing}"
    when = "today or tomorrow" if left < 1 else f"in {left} days"
    return f"The secret {name} of {environment} runs out {when}, on {day}. {next_thing}"
