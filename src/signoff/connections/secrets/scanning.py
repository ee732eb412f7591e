"""Every value a workspace keeps, current or not: what must not be in anything that leaves."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from signoff.connections.envelope import open_value
from signoff.connections.logins.sealing import masked_values, masks_of
from signoff.connections.secrets.versions import place_of, sealed_of
from signoff.connections.vault import Place, Sealed, Vault
from signoff.connectors.vaults import environment
from signoff.connectors.vaults.reference import parsed
from signoff.kit.errors import Fault
from signoff.kit.redact import Redactor
from signoff.tables.connections import Connection, Login, Secret, SecretVersion

log = logging.getLogger(__name__)


def redactor_of_everything(session: Session, vault: Vault, workspace_id: str) -> Redactor:
    """Return a redactor for every value of every environment: each version that is kept, what logins hold, what the
    environment of this process gives. Values in outside stores are not fetched for it.
    """
    return Redactor([*_versions(session, vault, workspace_id), *_older(session, vault, workspace_id),
                     *_logins(session, vault, workspace_id)])  # fmt: skip


def _versions(session: Session, vault: Vault, workspace_id: str) -> Iterator[tuple[str, str]]:
    rows = session.execute(
        select(SecretVersion, Secret.name)
        .join(Secret, Secret.id == SecretVersion.secret_id)
        .where(SecretVersion.workspace_id == workspace_id, SecretVersion.state != "erased")
    )
    for row in rows:
        version: SecretVersion = row.SecretVersion
        try:
            if version.source == "built_in":
                yield row.name, open_value(session, vault, sealed_of(version), place_of(version))
            elif version.source == "env" and (reference := parsed(version.reference or "")) is not None:
                yield row.name, environment.read(reference)
        except Fault as fault:
            # Nobody can read it here, so nobody can have copied it from here.
            log.warning("A version of the secret %s is not looked for: %s", version.secret_id, fault.code)


def _older(session: Session, vault: Vault, workspace_id: str) -> Iterator[tuple[str, str]]:
    """Yield what a release before versions wrote into the secrets themselves."""
    for row in session.scalars(select(Secret).where(Secret.workspace_id == workspace_id, Secret.key_id != "")):
        try:
            sealed = Sealed(row.ciphertext, row.nonce, row.key_id)
            yield row.name, open_value(session, vault, sealed, Place(workspace_id, row.id, row.version))
        except Fault as fault:
            log.warning("The secret %s is not looked for: %s", row.id, fault.code)


def _logins(session: Session, vault: Vault, workspace_id: str) -> Iterator[tuple[str, str]]:
    rows = session.execute(
        select(Login, Connection.slug)
        .join(Connection, Connection.id == Login.connection_id)
        .where(Login.workspace_id == workspace_id)
    )
    for row in rows:
        try:
            yield from masks_of(row.slug, masked_values(vault, row.Login)).items()
        except Fault as fault:
            log.warning("The login %s is not looked for: %s", row.Login.id, fault.code)
