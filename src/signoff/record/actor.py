"""Who did it, as the audit tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ActorKind = Literal["member", "key", "service_account", "run", "system"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, a person's API key, a service account, a run (its revision acted), or the product itself.

    `key_id`: the API key that was used, if one was. `run_id` and `revision_id` say in which run and as which revision;
    what an agent does is never only a person's. `origin`: by which way in it was asked for, where that is worth telling
    (`mcp`: a call of a tool).
    """

    kind: ActorKind
    id: str
    name: str
    key_id: str | None = None
    run_id: str | None = None
    revision_id: str | None = None
    origin: str | None = None


SYSTEM = Actor("system", "system", "Signoff")
