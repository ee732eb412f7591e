"""Every probe, once."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from signoff.watch.probes.groups import (
    after,
    connections,
    cost,
    diff,
    evaluation,
    expansion,
    guard,
    human,
    monitoring,
    owner,
    product,
    reliability,
    rollback,
    secrets,
    shadow,
    testing,
)
from signoff.watch.probes.probe import Probe

# In the order in which one works through them.
PROBES: tuple[Probe, ...] = (
    *testing.PROBES,
    *connections.PROBES,
    *secrets.PROBES,
    *human.PROBES,
    *guard.PROBES,
    *cost.PROBES,
    *owner.PROBES,
    *rollback.PROBES,
    *diff.PROBES,
    *expansion.PROBES,
    *evaluation.PROBES,
    *shadow.PROBES,
    *reliability.PROBES,
    *monitoring.PROBES,
    *product.PROBES,
    *after.PROBES,
)
BY_ID: Mapping[str, Probe] = MappingProxyType({probe.id: probe for probe in PROBES})
# What a person reads above the items of a group.
GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "testing": "Testing",
        "connections": "Connections",
        "secrets": "Secrets",
        "human": "Human in the loop",
        "guard": "Bounds",
        "cost": "Cost and latency",
        "budgets": "Budgets",
        "owner": "Owner and escalation",
        "rollback": "Way back",
        "diff": "What changes",
        "expansion": "Reaching further",
        "evaluation": "Evaluation",
        "shadow": "Shadow",
        "reliability": "Reliability",
        "monitoring": "Monitoring",
        "observability": "Observability",
        "product": "Release and ground",
        "after": "Once it serves",
        "own": "The workspace's own",
    }
)
