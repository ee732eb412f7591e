"""What every part of a body is built on: strict fields, and the classes of effect."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer

Effect = Literal["read", "write", "send", "irreversible"]
# From harmless to not: a class may be tightened (moved right), never loosened.
EFFECTS: tuple[Effect, ...] = ("read", "write", "send", "irreversible")


class Part(BaseModel):
    """A part of a body: unknown fields are errors, so that a typing mistake is not a silent default.

    Strict, because `turns: yes` must not become one turn, nor `max_calls: "5"` a number by guesswork.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    # Fields that came after revisions had been frozen: left out while nothing is said in them, so that what was
    # frozen before still has the content, and the name, that it had.
    quiet: ClassVar[frozenset[str]] = frozenset()

    @model_serializer(mode="wrap")
    def _without_the_quiet(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        plain: dict[str, Any] = handler(self)
        fields = type(self).model_fields
        for name in self.quiet:
            if getattr(self, name) == fields[name].get_default(call_default_factory=True):
                plain.pop(name, None)
        return plain
