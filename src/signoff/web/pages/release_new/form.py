"""The form of a strategy: from what is proposed to its fields, and back to plain JSON."""

from __future__ import annotations

from typing import Any

from signoff.releases.strategy import Strategy
from signoff.web.forms import Form

STEPS = 4


def fields_of(strategy: Strategy) -> Form:
    """Return the fields that say a strategy."""
    said: dict[str, str] = {"way": strategy.kind}
    if strategy.canary is not None:
        for number, step in enumerate(strategy.canary.steps[:STEPS]):
            said |= {
                f"share.{number}": f"{step.share_percent.normalize():f}", f"minutes.{number}": str(step.minutes),
                f"runs.{number}": str(step.min_runs),
            }  # fmt: skip
        said["cohort"] = "\n".join(strategy.canary.cohort)
    if strategy.shadow is not None:
        said |= {
            "days": str(strategy.shadow.days), "sample": f"{strategy.shadow.sample_percent.normalize():f}",
            "daily_usd": f"{strategy.shadow.daily_usd:f}",
        }  # fmt: skip
    return Form({name: (text,) for name, text in said.items()})


def strategy_from(fields: Form) -> dict[str, Any]:
    """Return a strategy as plain JSON, as it was typed: what is wrong with it `read_strategy` says."""
    way = fields.text("way", "plain")
    said: dict[str, Any] = {}
    if at := fields.text("at").strip():
        # What a browser's field of a moment gives has no zone: it is UTC, as the label says.
        said["at"] = at if at.endswith("Z") or "+" in at else f"{at}:00Z"
    if fields.text("has_window") == "yes":
        said["window"] = {name: fields.text(f"window.{name}").strip() for name in ("opens", "closes", "zone")}
    if way in ("shadow", "shadow_canary"):
        said["shadow"] = {
            "days": _whole(fields.text("days")),
            "sample_percent": _amount(fields.text("sample") or "100"),
        }
        if daily := fields.text("daily_usd").strip():
            said["shadow"]["daily_usd"] = daily
    if way in ("canary", "shadow_canary"):
        steps = [_step(fields, number) for number in range(STEPS) if fields.text(f"share.{number}").strip()]
        cohort = [line.strip() for line in fields.text("cohort").splitlines() if line.strip()]
        said["canary"] = {"steps": steps, "cohort": cohort}
    if watch := fields.text("watch_minutes").strip():
        said["watch_minutes"] = _whole(watch)
    return said


def _step(fields: Form, number: int) -> dict[str, Any]:
    return {
        "share_percent": _amount(fields.text(f"share.{number}")),
        "minutes": _whole(fields.text(f"minutes.{number}") or "60"),
        "min_runs": _whole(fields.text(f"runs.{number}") or "0"),
    }


def _amount(text: str) -> str:
    return text.strip().removesuffix("%").strip().replace(",", ".")


def _whole(text: str) -> int | str:
    """Return a whole number, or the text as it is, for the sentence that says what is wrong."""
    digits = text.strip()
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else digits
