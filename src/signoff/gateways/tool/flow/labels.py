"""The label of a value, and of everything a model has been shown so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from signoff.connections.labels import Confidentiality, ResultLabel, less_believed, more_private


@dataclass(frozen=True, slots=True)
class Label:
    """Whether it is believed, and who may see it."""

    integrity: ResultLabel = "trusted"
    confidentiality: Confidentiality = "public"

    @property
    def is_trusted(self) -> bool:
        """Return whether nothing in it came from somebody nobody vouches for."""
        return self.integrity == "trusted"

    @property
    def is_private(self) -> bool:
        """Return whether something in it is not for everybody."""
        return self.confidentiality != "public"

    def as_plain(self) -> dict[str, Any]:
        """Return plain JSON, as a step keeps it."""
        return {"integrity": self.integrity, "confidentiality": self.confidentiality}


# Nothing was read yet; what comes from outside, unless somebody said otherwise.
TRUSTED = Label()
UNTRUSTED = Label("untrusted", "public")
PRIVATE = Label("untrusted", "workspace")


def join(one: Label, other: Label) -> Label:
    """Return the label of both together: as little believed as the worse, as private as the more private."""
    return Label(
        less_believed(one.integrity, other.integrity), more_private(one.confidentiality, other.confidentiality)
    )
