"""What people are told of a run: that nobody knows whether an act happened, that it took far too long."""

from __future__ import annotations

from typing import Any

EFFECT_UNKNOWN = "effect_unknown"
EFFECT_CONTRADICTED = "effect_contradicted"


RAN_TOO_LONG = "ran_too_long"


def ran_too_long(run_id: str, *, reason: str, agent_id: str | None = None) -> dict[str, Any]:
    """Return the alert about a run that was called off for taking far longer than its agent's runs do."""
    return {
        "key": f"too-long:{run_id}",
        "kind": RAN_TOO_LONG,
        "text": f"{reason} It was called off: look at its last step.",
        "agent_id": agent_id,
        "detail": {"run": run_id},
    }


def effect_unknown(key: str, *, run_id: str, agent_id: str | None, tool: str) -> dict[str, Any]:
    """Return the alert as `raise_alert` and `ask_for_alert` take it. One act has one, whoever finds out first."""
    return {
        "key": f"effect:{key}",
        "kind": EFFECT_UNKNOWN,
        "text": f"{tool} in run {run_id} may or may not have happened. Someone has to look.",
        "agent_id": agent_id,
        "detail": {"effect": key, "run": run_id, "tool": tool},
    }


def effect_contradicted(key: str, *, run_id: str, agent_id: str, tool: str, who: str, happened: bool) -> dict[str, Any]:
    """Return the alert for an answer that came after a person had settled the act, and says otherwise."""
    found, said = ("happened", "had not") if happened else ("did not happen", "had")
    return {
        "key": f"effect_contradicted:{key}",
        "kind": EFFECT_CONTRADICTED,
        "text": f"{tool} in run {run_id} {found}: its answer came after all. {who} had settled that it {said}. "
        "Look there, and put right what was done since.",
        "agent_id": agent_id,
        "detail": {"effect": key, "run": run_id, "tool": tool},
    }
