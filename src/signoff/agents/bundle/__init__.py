"""Agents as code: a folder per agent, `agent.yaml` and `sop.md`, read, written and compared with what is stored.

`deployments.bundle.apply_plan` applies a plan: freezing the first revision also decides what serves.
"""

from __future__ import annotations

from signoff.agents.bundle.export import export
from signoff.agents.bundle.files import AgentFile, read_folder, read_texts, write_folder, written
from signoff.agents.bundle.plan import Plan, PlanItem, plan, plan_text

__all__ = [
    "AgentFile",
    "Plan",
    "PlanItem",
    "export",
    "plan",
    "plan_text",
    "read_folder",
    "read_texts",
    "write_folder",
    "written",
]
