"""The ways an outside store fails to give a value. No sentence here holds one."""

from __future__ import annotations

from typing import Final

from signoff.connectors.vaults.reference import Reference
from signoff.kit.errors import ConnectorError
from signoff.kit.text import shortened, storable

NOT_SET_UP: Final = "secret_store_not_set_up"
NOT_THERE: Final = "secret_store_not_there"
REFUSED: Final = "secret_store_refused"
UNREACHABLE: Final = "secret_store_unreachable"
BAD_VALUE: Final = "secret_store_bad_value"
KEY_SERVICE: Final = "key_service_failed"


def store_fault(code: str, reference: Reference, what: str) -> ConnectorError:
    """Return the error for a reference that could not be read."""
    detail = shortened(storable(f"{reference.text} could not be read: {what}"), 600)
    return ConnectorError(detail, is_transient=code == UNREACHABLE, code=code)
