"""How step results are kept: as JSON a person can read, which runs no code when it is loaded."""

from __future__ import annotations

import json
from typing import Any, cast

from dbos import Serializer

_ERROR = "__error__"


class JsonSerializer(Serializer):
    """Plain JSON. An exception is kept as its name and its words, and comes back as a `RuntimeError`."""

    def name(self) -> str:
        """Return the name recorded beside each value."""
        return "signoff_json"

    def serialize(self, data: Any) -> str:
        """Return JSON. What is not plain JSON is refused: it would come back as something else."""
        if isinstance(data, BaseException):
            data = {_ERROR: [type(data).__name__, str(data)[:2000]]}
        return json.dumps(data, separators=(",", ":"))

    def deserialize(self, serialized_data: str) -> Any:
        """Return the value."""
        data: Any = json.loads(serialized_data)
        if isinstance(data, dict) and _ERROR in data:
            name, words = cast("dict[str, list[str]]", data)[_ERROR]
            return RuntimeError(f"{name}: {words}")
        return cast("Any", data)
