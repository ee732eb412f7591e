"""`calls`: the tools it called, or wanted to call, are the right ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, cast

from pydantic import Field, model_validator

from signoff.evaluations.scoring.observed import Call, Mark, Observed
from signoff.evaluations.scoring.settings import Part, Path, Settings
from signoff.evaluations.scoring.values import are_equal, members_of, part_of, shown
from signoff.kit.dotted import MISSING
from signoff.kit.text import shortened

CALLS_MAX = 50
_Tool = Annotated[str, Field(min_length=1, max_length=200)]


class WantedCall(Part):
    """A call that must be made. Of `args`, what is named must be so; other arguments do not matter."""

    tool: _Tool
    args: dict[str, Any] = Field(default_factory=dict[str, Any], max_length=50)


class CallsAre(Settings):
    """The share of the wanted calls that were made; 0 when one was made that must never be.

    Calls that were simulated count: in an evaluation nothing acts.

    Args:
        calls: what must be called in every example, in any order.
        path: where in the example's expected output the list of wanted calls stands, instead: names of tools, or
            `{"tool": …, "args": {…}}` each.
        never: tools that must not be called.
        is_all: no other calls than the wanted ones; each further one lowers the score.
    """

    calls: tuple[WantedCall, ...] = Field(default=(), max_length=CALLS_MAX, strict=False)
    path: Path | None = None
    never: tuple[_Tool, ...] = Field(default=(), max_length=CALLS_MAX, strict=False)
    is_all: bool = False

    @model_validator(mode="after")
    def _asks_something(self) -> CallsAre:
        if not self.calls and self.path is None and not self.never and not self.is_all:
            raise ValueError("say which calls are wanted (calls, or path), or which must never be made (never)")
        if self.calls and self.path is not None:
            raise ValueError("give calls, or path; not both")
        return self

    def mark(self, observed: Observed, expected: Any) -> Mark:
        """Find each wanted call among those made; one made call answers one wanted."""
        forbidden = next((one.tool for one in observed.calls if one.tool in self.never), None)
        if forbidden is not None:
            return Mark(0.0, f"It called {shown(forbidden)}, which must never be called.")
        wanted = self._wanted(expected)
        if wanted is None:
            return Mark(None, f"The example names no calls at `{self.path}`.")
        missing, left = _matched(wanted, observed.calls)
        others = len(left) if self.is_all else 0
        whole = len(wanted) + others
        score = 1.0 if whole == 0 else (len(wanted) - len(missing)) / whole
        return Mark(score, _words(missing, left if self.is_all else (), len(wanted)))

    def _wanted(self, expected: Any) -> Sequence[WantedCall] | None:
        if self.path is None:
            return self.calls
        found = MISSING if expected is None else part_of(expected, self.path)
        if not isinstance(found, list):
            return None
        read = [_read(one) for one in cast("list[Any]", found)[:CALLS_MAX]]
        return None if any(one is None for one in read) else [one for one in read if one is not None]


def _read(value: Any) -> WantedCall | None:
    if isinstance(value, str) and value:
        return WantedCall(tool=shortened(value, 200))
    tool = members_of(value).get("tool")
    if not isinstance(tool, str) or not tool:
        return None
    return WantedCall(tool=shortened(tool, 200), args=members_of(members_of(value).get("args")))


def _matched(wanted: Sequence[WantedCall], made: Sequence[Call]) -> tuple[list[WantedCall], list[Call]]:
    """Return the wanted calls nobody made, and the made ones nobody wanted. The most particular are matched first."""
    left, missing = list(made), list[WantedCall]()
    for one in sorted(wanted, key=lambda call: -len(call.args)):
        place = next((at for at, call in enumerate(left) if _fits(one, call)), None)
        if place is None:
            missing.append(one)
        else:
            del left[place]
    return missing, left


def _fits(wanted: WantedCall, made: Call) -> bool:
    if wanted.tool != made.tool:
        return False
    args = members_of(made.args)
    return all(name in args and are_equal(args[name], value) for name, value in wanted.args.items())


def _words(missing: Sequence[WantedCall], others: Sequence[Call], wanted: int) -> str:
    said: list[str] = []
    if missing:
        with_args = f" with {shown(missing[0].args)}" if missing[0].args else ""
        said.append(f"{len(missing)} of {wanted} wanted calls are missing, such as {shown(missing[0].tool)}{with_args}")
    if others:
        said.append(f"{len(others)} more than wanted, such as {shown(others[0].tool)}")
    return f"{'; '.join(said)}." if said else "The calls are as wanted."
