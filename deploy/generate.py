"""Write `deploy/prometheus/rules.yaml` from the objectives: `python deploy/generate.py`. A contract test compares."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from signoff.watch.objectives.promises import Burn, Objective, promises, window_name

RULES = Path(__file__).parent / "prometheus" / "rules.yaml"
_HEAD = """# Made by `python deploy/generate.py` from src/signoff/watch/objectives/slo.toml: change that file.
# Burn rates: The Site Reliability Workbook, chapter 5, "Alerting on SLOs", section 6.
"""


def rules() -> str:
    """Return the file."""
    burns = [_burns(each, burn) for each in promises().slo for burn in promises().burn]
    groups = [
        {"name": "signoff-objectives", "rules": burns},
        {"name": "signoff-installation", "rules": _installation()},
    ]
    return _HEAD + yaml.safe_dump({"groups": groups}, sort_keys=False, width=118, allow_unicode=True)


def _burns(objective: Objective, burn: Burn) -> dict[str, Any]:
    long, short = (_rate(objective, minutes) for minutes in (burn.long_minutes, burn.short_minutes))
    return {
        "alert": "SignoffBudgetBurns",
        "expr": f"{long} > {burn.factor:g} and {short} > {burn.factor:g}",
        "labels": {"severity": "page", "slo": objective.name, "burn": burn.name},
        "annotations": {
            "summary": f"{objective.title}: the budget of errors is used up {burn.factor:g} times faster than allowed",
            "description": "If it began with a new release, go back to the one before: docs/how-to/upgrade.md.",
        },
    }


def _rate(objective: Objective, minutes: int) -> str:
    window = window_name(minutes)
    if objective.measures != "requests":  # Every process tells the same, because it asks the database.
        return f'max(signoff_slo_burn_rate{{slo="{objective.name}",window="{window}"}})'
    asked = "signoff_http_requests_total"
    bad = f'sum(rate({asked}{{class="5xx"}}[{window}]))'
    return f"({bad} / sum(rate({asked}[{window}])) / {objective.budget:g})"


def _installation() -> list[dict[str, Any]]:
    return [
        _alert("SignoffNoWorker", "max(signoff_workers) == 0", "2m", "page", "No worker is alive; runs wait."),
        _alert(
            "SignoffQueueWaits", "max(signoff_oldest_queued_seconds) > 600 and max(signoff_maintenance) == 0", "5m",
            "ticket", "A run has waited ten minutes: too few workers, a queue that stands still, or a paused agent.",
        ),
        _alert("SignoffAway", "absent(signoff_build_info)", "5m", "page", "No process of Signoff answers Prometheus."),
        _alert(
            "SignoffMaintenance", "max(signoff_maintenance) == 1", "2h", "ticket",
            "Maintenance has stood for two hours: nothing can be changed, and queued runs wait.",
        ),
        _alert(
            "SignoffTwoVersions", "count(count by (version) (signoff_build_info)) > 1", "1h", "ticket",
            "Two versions have served for an hour: an upgrade was not finished.",
        ),
    ]  # fmt: skip


def _alert(name: str, expr: str, wait: str, severity: str, summary: str) -> dict[str, Any]:
    annotations = {"summary": summary}
    return {"alert": name, "expr": expr, "for": wait, "labels": {"severity": severity}, "annotations": annotations}


if __name__ == "__main__":
    RULES.write_text(rules())
