"""What a secret may refer to in an outside store: the form of a reference, and whether the operator allows it here."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlalchemy.orm import Session

from signoff.connectors.vaults.reference import Reference, parsed
from signoff.kit.errors import Malformed, NotAllowed
from signoff.settings import SecretSource
from signoff.tables.people import Environment, Workspace

_SEPARATOR = re.compile(r"[^A-Za-z0-9]")
_HOW = (
    "A reference is env:SIGNOFF_VALUE_NAME, vault:mount/path#field, or aws:name#field (without #field for the whole "
    "text of the secret)."
)


class SourceNotAllowed(NotAllowed):
    """The operator's settings do not let this workspace and environment read there."""


def checked_reference(text: str) -> Reference:
    """Return the reference that `text` says.

    Raises:
        Malformed: it has none of the three forms.
    """
    found = parsed(text)
    if found is None:
        raise Malformed(_HOW, errors={"reference": [_HOW]}, code="bad_secret_reference")
    return found


def check_allowed(
    session: Session, sources: Iterable[SecretSource], reference: Reference, *, workspace_id: str, environment_id: str
) -> None:
    """Return quietly when one of the operator's `secret_sources` allows it.

    Raises:
        SourceNotAllowed: none does.
    """
    workspace = session.get_one(Workspace, workspace_id)
    environment = session.get_one(Environment, environment_id)
    for source in sources:
        is_here = source.workspace in (workspace.id, workspace.slug) and source.environment in (None, environment.slug)
        if is_here and source.kind == reference.kind and _is_below(source.prefix, reference.path):
            return
    raise SourceNotAllowed(
        f"The operator's settings do not let {environment.slug} of {workspace.slug} read {reference.text}. "
        "Ask the operator to add it to secret_sources.",
        code="secret_source_not_allowed",
    )


def _is_below(prefix: str, path: str) -> bool:
    # What ends in a letter or digit is a whole name: kv/acme must not also open kv/acme-finance.
    return path.startswith(prefix) if _SEPARATOR.match(prefix[-1]) else path == prefix
