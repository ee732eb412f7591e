"""An evaluator: a kind, its settings, and how much it weighs beside the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, get_args

from pydantic import ValidationError

from signoff.evaluations.scoring.kinds.calls import CallsAre
from signoff.evaluations.scoring.kinds.contains import Contains
from signoff.evaluations.scoring.kinds.cost import CostsAtMost
from signoff.evaluations.scoring.kinds.duration import TakesAtMost
from signoff.evaluations.scoring.kinds.equals import Equals
from signoff.evaluations.scoring.kinds.field import FieldIs
from signoff.evaluations.scoring.kinds.judge import Judge
from signoff.evaluations.scoring.kinds.matches import Matches
from signoff.evaluations.scoring.kinds.schema import FitsSchema
from signoff.evaluations.scoring.settings import Settings
from signoff.kit.canonical import canonical_json
from signoff.kit.errors import Malformed
from signoff.kit.text import shortened, storable

EvaluatorKind = Literal["equals", "field", "contains", "matches", "schema", "calls", "cost", "duration", "judge"]
EVALUATOR_KINDS: tuple[EvaluatorKind, ...] = get_args(EvaluatorKind)
SETTINGS: Mapping[str, type[Settings]] = {
    "equals": Equals, "field": FieldIs, "contains": Contains, "matches": Matches, "schema": FitsSchema,
    "calls": CallsAre, "cost": CostsAtMost, "duration": TakesAtMost, "judge": Judge,
}  # fmt: skip
SETTINGS_CHARS_MAX = 60_000
WEIGHT_MAX = Decimal(1_000_000)
_WEIGHT_PLACES = 6


@dataclass(frozen=True, slots=True)
class Evaluator:
    """One evaluator of an agent.

    Args:
        settings: what its kind takes; see the files in `kinds/`.
        weight: more than nothing; only the ratio to the others counts.
    """

    id: str
    name: str
    kind: EvaluatorKind
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    weight: Decimal = Decimal(1)


def read_settings(kind: str, settings: Mapping[str, Any]) -> Settings:
    """Return the settings of an evaluator, checked.

    Raises:
        Malformed: there is no such kind, or its settings are wrong: `errors` says where, each by `settings.…`.
    """
    if kind not in EVALUATOR_KINDS:
        words = f"must be one of {', '.join(EVALUATOR_KINDS)}"
        raise Malformed(f"The kind {words}.", errors={"kind": [words]})
    if len(canonical_json(dict(settings))) > SETTINGS_CHARS_MAX:
        words = f"have more than {SETTINGS_CHARS_MAX:,} characters"
        raise Malformed(f"The settings {words}.", errors={"settings": [words]})
    try:
        return SETTINGS[kind].model_validate(dict(settings))
    except ValidationError as error:
        raise _malformed(kind, error) from None


def check_weight(weight: Decimal) -> Decimal:
    """Return `weight`.

    Raises:
        Malformed: it is nothing or less, too large, or has too many digits.
    """
    exponent = weight.as_tuple().exponent
    is_fine = isinstance(exponent, int) and exponent >= -_WEIGHT_PLACES
    if not is_fine or not 0 < weight <= WEIGHT_MAX:
        words = f"must be more than 0, at most {WEIGHT_MAX:,}, with at most {_WEIGHT_PLACES} digits after the point"
        raise Malformed(f"The weight {words}.", errors={"weight": [words]})
    return weight


def _malformed(kind: str, error: ValidationError) -> Malformed:
    fields = ", ".join(part.alias or name for name, part in SETTINGS[kind].model_fields.items())
    errors: dict[str, list[str]] = {}
    for one in error.errors(include_url=False)[:20]:
        place = ".".join(["settings", *(shortened(storable(str(step)), 80) for step in one["loc"])])
        words = f"is no setting of {kind}; it has {fields}" if one["type"] == "extra_forbidden" else _words(one["msg"])
        errors.setdefault(place, []).append(words)
    place, found = next(iter(errors.items()))
    return Malformed(f"{place}: {found[0]}.", errors=errors)


def _words(message: str) -> str:
    said = shortened(storable(message.removeprefix("Value error, ")), 300).rstrip(".")
    return said[:1].lower() + said[1:]
