"""What bodies share: fields with the limits the database has, unknown names refused."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, get_args

from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from signoff.api.strict_json import StrictRoute


class Body(BaseModel):
    """A body: a name we do not know is an error, so that a slip is not silently ignored."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_truth_value(cls, value: Any, info: ValidationInfo) -> Any:
        # Python counts true as 1: `"days": true` would be a day.
        kinds = _kinds(cls.model_fields[info.field_name or ""].annotation)
        if isinstance(value, bool) and bool not in kinds and not kinds.isdisjoint((int, float, Decimal)):
            raise ValueError("write a number, not true or false")  # Read by pydantic.
        return value


def _kinds(annotation: Any) -> set[Any]:
    return {annotation}.union(*(_kinds(one) for one in get_args(annotation) if isinstance(one, type) or get_args(one)))


def _in_our_time(moment: datetime) -> datetime:
    # A moment near the edges of the calendar cannot be moved into UTC.
    if not 1970 <= moment.year <= 9000:
        raise ValueError("between the years 1970 and 9000")
    return moment


Name = Annotated[str, Field(min_length=1, max_length=200)]
SlugText = Annotated[
    str, Field(pattern=r"^[a-z][a-z0-9-]{0,62}$", description="A letter, then letters, digits, hyphens.")
]
RoleWord = Annotated[
    str,
    Field(pattern=r"^[a-z][a-z0-9-]{0,31}$", description="A built-in role, or the slug of a role of the workspace."),
]
IdText = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")]
Text = Annotated[str, Field(max_length=20_000)]
Reason = Annotated[str, Field(max_length=2_000, description="Why; kept in the audit.")]
Usd = Annotated[Decimal, Field(ge=0, le=1_000_000, max_digits=16, decimal_places=9, description="US dollars.")]
Moment = Annotated[AwareDatetime, AfterValidator(_in_our_time)]
Json = dict[str, Any]


def router(tag: str) -> APIRouter:
    """Return a router for one resource: strict JSON, and the function's name as the operation's id."""

    def name_of(route: APIRoute) -> str:
        return route.name

    return APIRouter(tags=[tag], route_class=StrictRoute, generate_unique_id_function=name_of)
