"""Who did it, as the audit tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ActorKind = Literal["member", "key", "run", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, an API key, a run (its revision acted), or the product itself."""

    kind: ActorKind
    id: str
    name: str


SYSTEM = Actor("system", "system", "Signoff")
