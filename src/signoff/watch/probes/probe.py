"""What a probe is: one item of a checklist, and one small pure function that judges it from facts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from signoff.watch.probes.checklists import source_of

if TYPE_CHECKING:
    from signoff.watch.probes.facts import ProbeFacts
    from signoff.watch.probes.rule import Rule

# measured: a machine says it. unmeasured: a machine will, once there is something to measure; until then a person may.
# attested: only a person can say it.
ProbeKind = Literal["measured", "unmeasured", "attested"]
# What is known of what only a person can say, before one has.
UNSAID = "Nobody has said so."
Phase = Literal["before", "after"]
# In which direction a threshold becomes tighter.
Tighter = Literal["more", "less"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one look found. `at`: how old what was looked at is; None means it holds now.

    Attributes:
        is_unasked: it is not asked for here, whatever the policy says: it warns, and keeps nothing back.
    """

    status: Literal["true", "false", "missing"]
    measured: str
    at: datetime | None = None
    is_unasked: bool = False


Judge = Callable[["ProbeFacts", "Rule"], Answer]


@dataclass(frozen=True, slots=True)
class Probe:
    """One item. Severity, threshold and freshness are the policy's (`policy.yaml`), with the reason of each.

    Attributes:
        wanted: the bar, as a sentence; `{threshold}` is replaced by the policy's.
        asked: which items of the checklists it answers.
        is_safety: it can be neither waived nor, in production, made less than blocking.
        is_gathered: a release gathers it on its way (signatures, days in the shadow), so it cannot keep one from being
            asked for: it warns until the release is past that, and is asked for at the switch.
        phase: judged before a revision goes live, or once it is.
    """

    id: str
    title: str
    asked: tuple[str, ...]
    wanted: str
    fix: str
    judge: Judge
    links: tuple[str, ...] = ()
    kind: ProbeKind = "measured"
    phase: Phase = "before"
    tighter: Tighter | None = None
    is_safety: bool = False
    is_gathered: bool = False
    own_group: str = ""

    @property
    def group(self) -> str:
        """Return the group: the first word of its id, or what a workspace calls it."""
        return self.own_group or self.id.partition(".")[0]

    @property
    def source(self) -> str:
        """Return the documents and lines that ask for it."""
        return source_of(self.asked)

    @property
    def may_be_attested(self) -> bool:
        """Return whether a person's word can stand for it; a measured one can only be waived."""
        return self.kind != "measured"


def yes(measured: str, at: datetime | None = None) -> Answer:
    """Return that it holds."""
    return Answer("true", measured, at)


def no(measured: str, at: datetime | None = None) -> Answer:
    """Return that it does not hold."""
    return Answer("false", measured, at)


def nothing(measured: str) -> Answer:
    """Return that there is nothing to measure it by."""
    return Answer("missing", measured)


def unasked(measured: str) -> Answer:
    """Return that there is nothing to measure it by, and that this is nobody's fault: it warns."""
    return Answer("missing", measured, is_unasked=True)


def verdict(holds: bool, measured: str, at: datetime | None = None) -> Answer:
    """Return whether it holds."""
    return Answer("true" if holds else "false", measured, at)


def unmeasured(name: str, title: str, asked: tuple[str, ...], wanted: str, fix: str) -> Probe:
    """Return an item that cannot be measured yet, which it says."""
    return Probe(name, title, asked, wanted, fix, lambda facts, rule: nothing("Not yet measured."), kind="unmeasured")


def attested(name: str, title: str, asked: tuple[str, ...], wanted: str, *, phase: Phase = "before") -> Probe:
    """Return an item that only a person can say."""
    fix = "Look, and say so with your name: it lapses, so that somebody looks again."
    return Probe(name, title, asked, wanted, fix, lambda facts, rule: nothing(UNSAID), kind="attested",
                 phase=phase)  # fmt: skip


def built_in(name: str, title: str, asked: tuple[str, ...], wanted: str, measured: str) -> Probe:
    """Return an item that the product itself holds, for every agent: it says by what."""
    return Probe(name, title, asked, wanted, "Nothing is to be done.", lambda facts, rule: yes(measured))
