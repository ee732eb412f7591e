"""`signoff secrets rotate-key`: every secret moves to the new key, and the old one is needed no longer."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from signoff.cli.commands import app
from signoff.cli.exits import guarded
from signoff.connections.keys import load_keys, new_key_text
from signoff.connections.secrets import Vault, reveal_for_call
from signoff.settings import Settings
from signoff.tables.connections import Secret
from tests.api.world import World, make_world

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)


@pytest.fixture
def rotate(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Run the command with a current key and older ones."""

    def run(current: str, *old: str) -> tuple[int, str, str]:
        monkeypatch.setenv("SIGNOFF_DATABASE_URL", settings.store_url)
        monkeypatch.setenv("SIGNOFF_SECRET_KEY", current)
        monkeypatch.setenv("SIGNOFF_OLD_SECRET_KEYS", json.dumps(old))
        monkeypatch.setattr(sys, "argv", ["signoff", "secrets", "rotate-key", "--json"])
        code = guarded(lambda: app(standalone_mode=False))
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def revealed(world: World, key: str) -> dict[str, str]:
    vault = Vault(load_keys(world.settings.model_copy(update={"secret_key": SecretStr(key)})))
    with world.store.write() as session:
        row = session.scalars(select(Secret)).one()
        return reveal_for_call(
            session, vault, environment_id=row.environment_id, connection_id=row.connection_id, names=["ERP_TOKEN"]
        ).values


def test_afterwards_the_new_key_alone_opens_every_secret(
    settings: Settings, rotate: Callable[..., tuple[int, str, str]]
) -> None:
    world = make_world(settings)
    assert settings.secret_key is not None
    old, new = settings.secret_key.get_secret_value(), new_key_text()
    code, out, _ = rotate(new, old)
    # The secret, and the client secret of the identity provider.
    assert (code, json.loads(out)["encrypted_anew"]) == (0, 2)
    assert revealed(world, new) == {"ERP_TOKEN": "canary-value-4711"}
    code, out, _ = rotate(new)
    assert (code, json.loads(out)["encrypted_anew"]) == (0, 0)
    assert old not in out
    assert new not in out
    world.close()


def test_without_the_old_key_nothing_is_changed_and_it_says_so(
    settings: Settings, rotate: Callable[..., tuple[int, str, str]]
) -> None:
    world = make_world(settings)
    assert settings.secret_key is not None
    code, _, err = rotate(new_key_text())
    assert code != 0
    assert "old_secret_keys" in err
    assert revealed(world, settings.secret_key.get_secret_value()) == {"ERP_TOKEN": "canary-value-4711"}
    world.close()
