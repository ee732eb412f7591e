"""The masks of an environment: its secrets and the tokens of its logins. No answer and no prompt carries one, wherever
it came from.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from sqlalchemy import bindparam, or_, select, union_all
from sqlalchemy.orm import Session

from signoff.connections.envelope import open_value
from signoff.connections.logins.sealing import masked_values, masks_of
from signoff.connections.vault import Place, Sealed, Vault
from signoff.kit import clock
from signoff.kit.errors import Fault
from signoff.kit.redact import Redactor
from signoff.tables.connections import Connection, Login, Secret, SecretVersion
from signoff.tables.prepared import Prepared

log = logging.getLogger(__name__)

# The secrets and their versions, and how many values of outside stores came by.
Stamp = tuple[tuple[tuple[str, int], ...], int]
_ENVIRONMENTS_MAX = 256
_PASSING_MAX = 200
# One question for both: it is asked with every call.
_STAMPS = Prepared(
    union_all(
        select(Secret.id, Secret.version).where(Secret.environment_id == bindparam("of_environment")),
        select(Login.id, Login.version + 1_000_000 * Login.client_secret_version).where(
            Login.environment_id == bindparam("of_environment")
        ),
    )
)


@dataclass(slots=True)
class _Passing:
    """Values of one environment that the database does not hold, by value: the name and when it was last seen."""

    seen: dict[str, tuple[str, float]] = field(default_factory=dict[str, tuple[str, float]])
    count: int = 0


@dataclass(slots=True)
class Masking:
    """Redactors by environment, made again when a secret was added, replaced or deleted. Lives in memory only.

    Args:
        always: the operator's own, such as keys of model providers: masked in every environment.
        old_for_seconds: how long a value is still masked after it was replaced or deleted: a run that was given it
            may still be under way.
    """

    vault: Vault = field(repr=False)
    always: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    old_for_seconds: float = 6 * 3600.0
    _made: dict[str, tuple[Stamp, Redactor]] = field(default_factory=dict[str, tuple[Stamp, Redactor]], repr=False)
    _kept: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]], repr=False)
    _passing: dict[str, _Passing] = field(default_factory=dict[str, _Passing], repr=False)
    # Gateways ask from the store's threads.
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def redactor(self, session: Session, environment_id: str) -> Redactor:
        """Return the redactor for everything that passes a gateway in this environment."""
        rows = _STAMPS.all(session, {"of_environment": environment_id})
        seen = self._passing.get(environment_id)
        stamp = tuple(sorted((row.id, row.version) for row in rows)), seen.count if seen else 0
        made = self._made.get(environment_id)
        if made is not None and made[0] == stamp:
            return made[1]
        values = self._values(session, environment_id) if rows else {}
        # What was deleted since the last time is gone from the database, and perhaps still on its way in a run.
        gone = {name: value for value, name in self._kept.get(environment_id, {}).items() if value not in values}
        self.remember(environment_id, gone)
        passing, count = self._still_passing(environment_id)
        redactor = Redactor(self._named({**values, **passing}))
        if len(self._made) >= _ENVIRONMENTS_MAX:
            self._made.clear()
            self._kept.clear()
        # Not the count of now: a value that came by since is not in these masks, and makes them old.
        self._made[environment_id] = ((stamp[0], count), redactor)
        self._kept[environment_id] = values
        return redactor

    def remember(self, environment_id: str, values: Mapping[str, str]) -> None:
        """Mask these values (by name) too, from now on and for as long as a run may carry them."""
        if not values:
            return
        with self._lock:
            passing = self._passing.setdefault(environment_id, _Passing())
            for name, value in values.items():
                if value not in passing.seen:
                    passing.count += 1
                passing.seen.pop(value, None)
                passing.seen[value] = (name, clock.monotonic_seconds())
            while len(passing.seen) > _PASSING_MAX:
                del passing.seen[next(iter(passing.seen))]

    def _still_passing(self, environment_id: str) -> tuple[dict[str, str], int]:
        """Return value → name, and the count that belongs to exactly these."""
        since = clock.monotonic_seconds() - self.old_for_seconds
        with self._lock:
            passing = self._passing.get(environment_id)
            if passing is None:
                return {}, 0
            return {value: name for value, (name, at) in passing.seen.items() if at >= since}, passing.count

    def _named(self, values: Mapping[str, str]) -> list[tuple[str, str]]:
        # A name has several values while an older one is still about.
        return [*self.always.items(), *((name, value) for value, name in values.items())]

    def _values(self, session: Session, environment_id: str) -> dict[str, str]:
        """Return value → name, of what is in use and what was until a while ago."""
        values: dict[str, str] = {}
        since = clock.now() - timedelta(seconds=self.old_for_seconds)
        wanted = (
            select(Secret, SecretVersion)
            .outerjoin(SecretVersion, SecretVersion.secret_id == Secret.id)
            .where(
                Secret.environment_id == environment_id,
                or_(
                    SecretVersion.version.is_(None),
                    Secret.key_id != "",
                    SecretVersion.version == Secret.version,
                    SecretVersion.ended_at > since,
                ),
            )
            .order_by(Secret.id, SecretVersion.version.desc())
            .execution_options(populate_existing=True)
        )
        for row in session.execute(wanted):
            secret: Secret = row[0]
            version = cast("SecretVersion | None", row[1])
            if version is not None and version.state != "erased" and version.source == "built_in":
                sealed = Sealed(version.ciphertext, version.nonce, version.key_id)
                self._open(session, secret, sealed, version.version, values)
            if secret.key_id:
                # Entered by a release before versions.
                sealed = Sealed(secret.ciphertext, secret.nonce, secret.key_id)
                self._open(session, secret, sealed, secret.version, values)
        return {**{value: name for name, value in self._tokens(session, environment_id).items()}, **values}

    def _tokens(self, session: Session, environment_id: str) -> dict[str, str]:
        """Return name → value, of what the logins hold."""
        values: dict[str, str] = {}
        rows = session.execute(
            select(Login, Connection.slug)
            .join(Connection, Connection.id == Login.connection_id)
            .where(Login.environment_id == environment_id)
        )
        for row, slug in rows:
            try:
                found = masked_values(self.vault, row)
            except Fault as fault:
                log.warning("The login %s cannot be opened and is not masked: %s", row.id, fault.code)
                continue
            values |= masks_of(slug, found)
        return values

    def _open(self, session: Session, row: Secret, sealed: Sealed, version: int, into: dict[str, str]) -> None:
        try:
            value = open_value(session, self.vault, sealed, Place(row.workspace_id, row.id, version))
        except Fault as fault:
            # A value nobody can open was never sent anywhere; it must not stop those that can be opened.
            log.warning("The secret %s cannot be opened and is not masked: %s", row.id, fault.code)
        else:
            into.setdefault(value, row.name)
