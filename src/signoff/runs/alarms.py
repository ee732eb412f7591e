"""What people are told of an act when nobody knows whether it happened."""

from __future__ import annotations

from typing import Any

EFFECT_UNKNOWN = "effect_unknown"
EFFECT_CONTRADICTED = "effect_contradicted"


def effect_unknown(key: str, *, run_id: str, tool: str) -> dict[str, Any]:
    """Return the alert as `raise_alert` and `ask_for_alert` take it. One act has one, whoever finds out first."""
    return {
        "key": f"effect:{key}",
        "kind": EFFECT_UNKNOWN,
        "text": f"{tool} in run {run_id} may or may not have happened. Someone has to look.",
        "detail": {"effect": key, "run": run_id, "tool": tool},
    }


def effect_contradicted(key: str, *, run_id: str, tool: str, who: str, happened: bool) -> dict[str, Any]:
    """Return the alert for an answer that came after a person had settled the act, and says otherwise."""
    found, said = ("happened", "had not") if happened else ("did not happen", "had")
    return {
        "key": f"effect_contradicted:{key}",
        "kind": EFFECT_CONTRADICTED,
        "text": f"{tool} in run {run_id} {found}: its answer came after all. {who} had settled that it {said}. "
        "Look there, and put right what was done since.",
        "detail": {"effect": key, "run": run_id, "tool": tool},
    }
