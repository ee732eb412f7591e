"""`signoff secrets`: the master key behind them."""

from __future__ import annotations

import typer

from signoff.cli.exits import OK
from signoff.cli.local import settings_for, store_for
from signoff.cli.options import AsJson, DataDir
from signoff.cli.output import show

app = typer.Typer(no_args_is_help=True, help="The key that encrypts secrets.")


@app.callback()
def secrets() -> None:
    """Work on the key that encrypts secrets."""


@app.command("rotate-key")
def rotate_key(as_json: AsJson = False, data: DataDir = None) -> int:
    """Encrypt every secret with the current key that an older one still holds.

    First put the new key into SIGNOFF_SECRET_KEY (or its file) and the old one into SIGNOFF_OLD_SECRET_KEYS, on every
    process; then run this; then take the old one out.
    """
    from signoff.connections.keys import load_keys
    from signoff.connections.secrets import Vault, rotate_master_key
    from signoff.kit.sealing import Sealer
    from signoff.people.actions import seal_second_factors_anew

    settings = settings_for(data)
    vault = Vault(load_keys(settings))
    with store_for(settings) as store, store.write() as session:
        count = rotate_master_key(session, vault) + seal_second_factors_anew(session, Sealer(vault.keys))
    show({"encrypted_anew": count, "key": vault.keys.current.id}, as_json=as_json)
    return OK
