"""Arguments of a call, checked against the tool's schema before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator, SchemaError, exceptions
from jsonschema.exceptions import ValidationError
from referencing.exceptions import Unresolvable

from signoff.connectors import faults
from signoff.kit.errors import ConnectorError


def checked(args: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments.

    Raises:
        ConnectorError: they do not fit the schema; the message says where, for a model to mend.
    """
    try:
        # The library's own types say less than it does.
        validator: Any = Draft202012Validator(dict(schema))
        best_match: Any = getattr(exceptions, "best_match")  # noqa: B009
        error: ValidationError | None = best_match(validator.iter_errors(dict(args)))
    except (SchemaError, Unresolvable, RecursionError) as broken:
        raise faults.fault(faults.BAD_ANSWER, "The schema of this tool's arguments cannot be used.") from broken
    if error is not None:
        raise _wrong(error)
    return dict(args)


def _wrong(error: ValidationError) -> ConnectorError:
    where = "/".join(str(part) for part in error.absolute_path)
    return faults.fault(
        faults.BAD_ARGUMENTS,
        f"The argument {faults.quoted(where, 80) or 'list'} is wrong: {faults.quoted(error.message)}",
    )
