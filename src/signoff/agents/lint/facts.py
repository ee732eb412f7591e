"""What the checks may know about the workspace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from signoff.agents.sub_agents import Callee
from signoff.connections.labels import DEFAULT_LABELS, ToolLabels


def _unknown(_name: str) -> bool | None:
    return None


@dataclass(frozen=True, slots=True)
class ToolFacts:
    """One tool of a connection. `schema` is that of its arguments; `state` is the connection room's word."""

    effect: str
    schema: Mapping[str, Any]
    state: str
    labels: ToolLabels = DEFAULT_LABELS


@dataclass(frozen=True, slots=True)
class LintFacts:
    """What exists. None, or a function that answers None, means: not known, so not checked.

    Attributes:
        slots: connection slug → tool name → facts, over all environments.
        secrets: names, over all environments.
        slots_missing, secrets_missing: name → the environments that lack it, for names that exist in another one.
        secrets_ungranted: name → the environments where the secret was not granted to this agent.
        secrets_personal: name → whose personal login it is, in production.
        known_model: whether a model of this name can be called.
        has_price: whether its price is known.
        callee: who is meant by an agent's slug and a revision (`live`, a number or a hash); None: nobody.
        agents: the slugs of the workspace's agents, to tell a near one.
        own_agent: the slug of the agent whose body it is; empty where that is not known.
    """

    slots: Mapping[str, Mapping[str, ToolFacts]] | None = None
    secrets: frozenset[str] | None = None
    slots_missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    secrets_missing: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    secrets_ungranted: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    secrets_personal: Mapping[str, str] = field(default_factory=dict[str, str])
    known_model: Callable[[str], bool | None] = _unknown
    has_price: Callable[[str], bool | None] = _unknown
    callee: Callable[[str, str], Callee | None] | None = None
    agents: frozenset[str] = frozenset()
    own_agent: str = ""


NO_FACTS = LintFacts()
