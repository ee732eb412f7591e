"""What a workspace may refer to: what the operator's settings allow it, whole names and not their beginnings."""

from __future__ import annotations

import pytest

from signoff.connections.secrets.sources import SourceNotAllowed, check_allowed, checked_reference
from signoff.settings import SecretSource
from signoff.tables.session import Store
from tests.rooms.connections import kit_connections as kit

SOURCES = (
    SecretSource(kind="vault", workspace="acme", environment="production", prefix="kv/acme/"),
    SecretSource(kind="vault", workspace="acme", prefix="kv/shared/erp"),
    SecretSource(kind="aws", workspace="other", prefix="acme/"),
)


def is_allowed(store: Store, place: kit.Place, text: str, environment: str) -> bool:
    try:
        with store.read() as session:
            check_allowed(
                session, SOURCES, checked_reference(text), workspace_id=place.owner.workspace_id,
                environment_id=environment,
            )  # fmt: skip
    except SourceNotAllowed:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "in_production", "in_staging"),
    [
        ("vault:kv/acme/erp#token", True, False),
        ("vault:kv/acme/deep/er#token", True, False),
        ("vault:kv/acme-finance/erp#token", False, False),
        ("vault:kv/other/erp#token", False, False),
        ("vault:kv/shared/erp#token", True, True),
        ("vault:kv/shared/erp2#token", False, False),
        ("vault:kv/shared/erp/more#token", False, False),
        ("aws:acme/erp", False, False),
        ("env:SIGNOFF_VALUE_ACME", False, False),
    ],
)
def test_only_what_is_allowed_here(
    store: Store, acme: kit.Place, text: str, in_production: bool, in_staging: bool
) -> None:
    assert is_allowed(store, acme, text, acme.production) is in_production
    assert is_allowed(store, acme, text, acme.staging) is in_staging
    other = kit.place(store, "other")
    assert is_allowed(store, other, text, other.production) is text.startswith("aws:acme/")
