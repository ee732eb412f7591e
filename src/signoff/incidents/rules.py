"""The rules of `rules.toml`: what an alert is a sign of, how bad that is, and what has to be done then."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from signoff.incidents.states import Severity, Symptom


class SymptomRule(BaseModel):
    """How bad it is when this is seen."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Symptom
    severity: Severity
    words: str


class AlertRule(BaseModel):
    """What alerts of one kind are a sign of. `where`: only those whose details say so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    symptom: Symptom
    opens: bool
    where: dict[str, str] = Field(default_factory=dict[str, str])

    def fits(self, kind: str, detail: Mapping[str, Any]) -> bool:
        """Return whether an alert is one of these."""
        return kind == self.kind and all(detail.get(name) == value for name, value in self.where.items())


class Step(BaseModel):
    """One line of the checklist. `done_by`: what ticks it by itself; empty: a person."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    severities: list[Severity]
    title: str
    done_by: str = ""


class Rules(BaseModel):
    """All of the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    symptom: list[SymptomRule]
    alert: list[AlertRule]
    step: list[Step]

    def of_symptom(self, name: Symptom) -> SymptomRule:
        """Return the rule for what is seen."""
        return next(one for one in self.symptom if one.name == name)

    def of_alert(self, kind: str, detail: Mapping[str, Any]) -> AlertRule:
        """Return the rule for an alert; what no rule names is something else, and opens nothing."""
        found = next((one for one in self.alert if one.fits(kind, detail)), None)
        return found or AlertRule(kind=kind, symptom="other", opens=False)

    def checklist(self, severity: Severity) -> list[Step]:
        """Return what has to be done at this severity, in its order."""
        return [one for one in self.step if severity in one.severities]

    def ticked_by(self, what: str) -> list[str]:
        """Return the keys of the lines that something ticks by itself."""
        return [one.key for one in self.step if one.done_by == what]


@cache
def rules() -> Rules:
    """Return the rules."""
    return Rules.model_validate(tomllib.loads(files("signoff.incidents").joinpath("rules.toml").read_text()))
