"""Forms as they arrive: names and texts, bounded, files left out. A page says `fields: Fields`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends
from starlette.datastructures import FormData
from starlette.requests import Request

from signoff.kit.errors import Malformed, Refusal
from signoff.kit.stored_json import stored_json
from signoff.kit.text import storable

# An editor with every tool of sixty connections opened has 6,000.
FIELDS_MAX = 20_000


class NotAForm(Refusal):
    """The body says it is something else than the fields of a form. No page takes files."""

    status = 415


@dataclass(frozen=True, slots=True)
class Form:
    """The texts of a form by field name, in the order sent. Line ends are newlines."""

    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def text(self, name: str, default: str = "") -> str:
        """Return the last text of that name: a check box sends after the hidden field that stands for "off"."""
        found = self.values.get(name)
        return found[-1] if found else default

    def texts(self, name: str) -> tuple[str, ...]:
        """Return every text of that name."""
        return self.values.get(name, ())

    def is_on(self, name: str) -> bool:
        """Return whether the check box of that name was ticked."""
        return bool(self.text(name))

    def names(self, prefix: str) -> list[str]:
        """Return what follows `prefix` in the names that begin with it."""
        return [name.removeprefix(prefix) for name in self.values if name.startswith(prefix)]


def form_from(data: FormData) -> Form:
    """Return a form's texts."""
    values: dict[str, list[str]] = {}
    for name, value in data.multi_items():
        if isinstance(value, str):
            values.setdefault(storable(name), []).append(storable(value).replace("\r\n", "\n"))
    return Form({name: tuple(texts) for name, texts in values.items()})


async def read_form(request: Request) -> Form:
    """Return the form of this request.

    Raises:
        NotAForm: the body is of another kind. A form without a field has no kind.
    """
    kinds = request.headers.getlist("content-type")
    kind = kinds[0].split(";", 1)[0].strip().lower() if len(kinds) == 1 else ""
    if kind != "application/x-www-form-urlencoded" and (kinds or await request.body()):
        raise NotAForm("This takes the fields of a form: application/x-www-form-urlencoded.", code="not_a_form")
    async with request.form(max_fields=FIELDS_MAX, max_files=0) as data:
        return form_from(data)


Fields = Annotated[Form, Depends(read_form)]


@dataclass(frozen=True, slots=True)
class NotJson:
    """Why a text is not JSON, and where: line and column count from 1."""

    text: str
    line: int
    column: int

    @property
    def sentence(self) -> str:
        """Return it for a person."""
        return f"Line {self.line}, column {self.column}: {self.text}."


def parse_json(text: str) -> Any | NotJson:
    """Return the value of a JSON text, or where it stops being JSON. Read as strictly as the API reads."""
    try:
        return stored_json(json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_members))
    except Malformed as refusal:
        return NotJson(refusal.detail.rstrip("."), 1, 1)
    except json.JSONDecodeError as error:
        return NotJson(error.msg[:1].lower() + error.msg[1:], error.lineno, error.colno)
    except ValueError as error:
        return NotJson(str(error), 1, 1)
    except RecursionError:
        return NotJson("it is nested too deep", 1, 1)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number in JSON")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice in one object; which one counts is not clear")
    return found


def json_text(value: Any) -> str:
    """Return a value as people edit it."""
    return json.dumps(value, ensure_ascii=False, indent=2)
