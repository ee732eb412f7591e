"""What a person may do with one agent beyond their role: levels, as data. A person may hold several on one agent.

Editing and deploying are separate: an editor cannot make a revision live, a deployer cannot change the draft. Whoever
should do both holds both levels, or `admin`, which may also share.
"""

from __future__ import annotations

from typing import Literal, get_args

from signoff.people.roles import Action

Level = Literal["viewer", "operator", "editor", "deployer", "admin"]
LEVELS: tuple[Level, ...] = get_args(Level)

_SEES = frozenset[Action](("agent.read", "run.read", "effect.read", "approval.read", "alert.read"))
_OPERATES = _SEES.union(
    frozenset[Action](("run.start", "run.cancel", "effect.settle", "incident.declare", "incident.manage"))
)
_EDITS = _SEES.union(frozenset[Action](("run.start", "agent.edit", "dataset.edit", "evaluation.run")))
_DEPLOYS = _SEES.union(frozenset[Action](("agent.deploy", "agent.disable", "evaluation.run")))

LEVEL_ACTIONS: dict[Level, frozenset[Action]] = {
    "viewer": _SEES,
    "operator": _OPERATES,
    "editor": _EDITS,
    "deployer": _DEPLOYS,
    "admin": _OPERATES.union(_EDITS, _DEPLOYS, frozenset[Action](("agent.share", "agent.assign"))),
}
# Everything any level gives: all of it is done to one agent.
GRANTABLE: frozenset[Action] = frozenset[Action]().union(*LEVEL_ACTIONS.values())
# The levels that may make a revision live where an environment asks for one.
DEPLOYING: frozenset[Level] = frozenset(level for level in LEVELS if "agent.deploy" in LEVEL_ACTIONS[level])


def levels_with(action: Action) -> tuple[Level, ...]:
    """Return the levels that include an action."""
    return tuple(level for level in LEVELS if action in LEVEL_ACTIONS[level])
