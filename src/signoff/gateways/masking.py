"""The masks of an environment: all its secrets, so that no answer and no prompt carries one, wherever it came from."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from signoff.connections.vault import Place, Sealed, Vault
from signoff.kit.errors import Fault
from signoff.kit.redact import Redactor
from signoff.tables.connections import Secret
from signoff.tables.prepared import Prepared

log = logging.getLogger(__name__)

Stamp = tuple[tuple[str, int], ...]
_ENVIRONMENTS_MAX = 256
_STAMPS = Prepared(select(Secret.id, Secret.version).where(Secret.environment_id == bindparam("of_environment")))


@dataclass(slots=True)
class Masking:
    """Redactors by environment, made again when a secret was added, replaced or deleted. Lives in memory only."""

    vault: Vault = field(repr=False)
    # The operator's own, such as keys of model providers: masked in every environment.
    always: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    _made: dict[str, tuple[Stamp, Redactor]] = field(default_factory=dict[str, tuple[Stamp, Redactor]], repr=False)

    def redactor(self, session: Session, environment_id: str) -> Redactor:
        """Return the redactor for everything that passes a gateway in this environment."""
        rows = _STAMPS.all(session, {"of_environment": environment_id})
        stamp = tuple(sorted((row.id, row.version) for row in rows))
        made = self._made.get(environment_id)
        if made is not None and made[0] == stamp:
            return made[1]
        redactor = Redactor({**self.always, **(self._values(session, environment_id) if stamp else {})})
        if len(self._made) >= _ENVIRONMENTS_MAX:
            self._made.clear()
        self._made[environment_id] = (stamp, redactor)
        return redactor

    def _values(self, session: Session, environment_id: str) -> dict[str, str]:
        values: dict[str, str] = {}
        for row in session.scalars(select(Secret).where(Secret.environment_id == environment_id)):
            try:
                sealed = Sealed(row.ciphertext, row.nonce, row.key_id)
                values[row.name] = self.vault.open(sealed, Place(row.workspace_id, row.id, row.version))
            except Fault as fault:
                # A value nobody can open was never sent anywhere; it must not stop those that can be opened.
                log.warning("The secret %s cannot be opened and is not masked: %s", row.id, fault.code)
        return values
