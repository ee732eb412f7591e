"""Values in this process's environment, under names that begin with SIGNOFF_VALUE_."""

from __future__ import annotations

import os

from signoff.connectors.vaults.faults import NOT_THERE, store_fault
from signoff.connectors.vaults.reference import ENV_PREFIX, Reference


def read(reference: Reference) -> str:
    """Return the variable's value.

    Raises:
        ConnectorError: it is not set here.
    """
    value = os.environ.get(reference.path) if reference.path.startswith(ENV_PREFIX) else None
    if value is None:
        raise store_fault(NOT_THERE, reference, "the variable is not set in the environment of this process.")
    return value
