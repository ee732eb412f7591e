"""Outside stores of secrets: AWS by moto; HashiCorp Vault by a server of our own that speaks its KV and AppRole API."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr

from signoff.connectors.vaults.reference import parsed
from signoff.connectors.vaults.stores import SecretStores
from signoff.kit.errors import ConnectorError
from signoff.settings import AwsSecrets, HashicorpVault, Settings

pytestmark = pytest.mark.anyio
VALUE = "tok-planted-7319"


@dataclass
class FakeVault:
    """What the server holds and what it was asked."""

    values: dict[str, dict[str, str]] = field(default_factory=lambda: {"acme/erp": {"token": VALUE, "n": "abc"}})
    tokens: set[str] = field(default_factory=lambda: {"root-token"})
    asked: list[str] = field(default_factory=list)
    logins: int = 0
    status: int = 200
    url: str = ""


def _handler(vault: FakeVault) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *args: Any, **more: Any) -> None: ...

        def _say(self, status: int, body: Any) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path != "/v1/auth/approle/login" or body != {"role_id": "role", "secret_id": "role-secret"}:
                return self._say(400, {"errors": ["invalid role or secret ID"]})
            vault.logins += 1
            vault.tokens = {f"login-{vault.logins}"}
            return self._say(200, {"auth": {"client_token": f"login-{vault.logins}", "renewable": True}})

        def do_GET(self) -> None:
            vault.asked.append(self.path)
            if self.headers.get("X-Vault-Token") not in vault.tokens:
                return self._say(403, {"errors": ["permission denied"]})
            if vault.status != 200:
                return self._say(vault.status, {"errors": ["sealed"]})
            found = vault.values.get(self.path.removeprefix("/v1/kv/data/"))
            if found is None:
                return self._say(404, {"errors": []})
            return self._say(200, {"data": {"data": found, "metadata": {"version": 1}}})

    return Handler


@pytest.fixture
def vault() -> Generator[FakeVault]:
    fake = FakeVault()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(fake))
    fake.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


def stores_for(settings: Settings, **changes: Any) -> SecretStores:
    return SecretStores(settings.model_copy(update={"secret_fetch_seconds": 3.0, **changes}))


async def read(stores: SecretStores, text: str) -> str:
    reference = parsed(text)
    assert reference is not None
    return await stores.fetch(reference)


async def refused(stores: SecretStores, text: str) -> ConnectorError:
    with pytest.raises(ConnectorError) as error:
        await read(stores, text)
    assert VALUE not in error.value.detail
    return error.value


def with_token(vault: FakeVault, token: str = "root-token") -> dict[str, Any]:
    return {"hashicorp_vault": HashicorpVault(url=vault.url, token=SecretStr(token))}


async def test_vault_gives_a_field_and_is_not_asked_again_for_a_while(settings: Settings, vault: FakeVault) -> None:
    stores = stores_for(settings, **with_token(vault))
    assert await asyncio.gather(*(read(stores, "vault:kv/acme/erp#token") for _ in range(5))) == [VALUE] * 5
    assert vault.asked == ["/v1/kv/data/acme/erp"]
    await stores.close()


async def test_a_new_value_in_vault_is_used_when_the_memory_is_over(settings: Settings, vault: FakeVault) -> None:
    stores = stores_for(settings, secret_cache_seconds=0.0, **with_token(vault))
    assert await read(stores, "vault:kv/acme/erp#token") == VALUE
    vault.values["acme/erp"]["token"] = "the next value"
    assert await read(stores, "vault:kv/acme/erp#token") == "the next value"
    await stores.close()


async def test_what_failed_is_asked_again(settings: Settings, vault: FakeVault) -> None:
    stores = stores_for(settings, **with_token(vault))
    vault.status = 503
    error = await refused(stores, "vault:kv/acme/erp#token")
    assert (error.code, error.is_transient) == ("secret_store_unreachable", True)
    vault.status = 200
    assert await read(stores, "vault:kv/acme/erp#token") == VALUE
    await stores.close()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("vault:kv/acme/none#token", "secret_store_not_there"),
        ("vault:kv/acme/erp#none", "secret_store_not_there"),
        ("vault:kv/acme/erp#n", "secret_store_bad_value"),  # Too short to be masked.
        ("aws:acme/erp", "secret_store_not_set_up"),
        ("env:SIGNOFF_VALUE_NONE", "secret_store_not_there"),
    ],
)
async def test_what_is_not_there_is_said(settings: Settings, vault: FakeVault, text: str, code: str) -> None:
    stores = stores_for(settings, **with_token(vault))
    assert (await refused(stores, text)).code == code
    await stores.close()


async def test_a_token_without_the_right_is_told_apart(settings: Settings, vault: FakeVault) -> None:
    stores = stores_for(settings, **with_token(vault, "another-token"))
    error = await refused(stores, "vault:kv/acme/erp#token")
    assert error.code == "secret_store_refused"
    assert "another-token" not in error.detail
    await stores.close()


async def test_an_approle_signs_in_and_again_when_its_token_has_run_out(settings: Settings, vault: FakeVault) -> None:
    role = HashicorpVault(url=vault.url, role_id="role", role_secret_id=SecretStr("role-secret"))
    stores = stores_for(settings, secret_cache_seconds=0.0, hashicorp_vault=role)
    assert await read(stores, "vault:kv/acme/erp#token") == VALUE
    vault.tokens = set()
    assert await read(stores, "vault:kv/acme/erp#token") == VALUE
    assert vault.logins == 2
    await stores.close()
    wrong = HashicorpVault(url=vault.url, role_id="role", role_secret_id=SecretStr("guessed"))
    stores = stores_for(settings, hashicorp_vault=wrong)
    assert (await refused(stores, "vault:kv/acme/erp#token")).code == "secret_store_refused"
    await stores.close()


async def test_a_vault_that_is_away_is_told(settings: Settings) -> None:
    stores = stores_for(settings, hashicorp_vault=HashicorpVault(url="http://127.0.0.1:9", token=SecretStr("t")))
    error = await refused(stores, "vault:kv/acme/erp#token")
    assert (error.code, error.is_transient) == ("secret_store_unreachable", True)
    await stores.close()


async def test_the_environment_gives_only_what_is_meant_for_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = stores_for(settings)
    monkeypatch.setenv("SIGNOFF_VALUE_ERP", VALUE + "\n")
    assert await read(stores, "env:SIGNOFF_VALUE_ERP") == VALUE
    await stores.close()


@pytest.mark.parametrize(
    "text",
    [
        "env:SIGNOFF_SECRET_KEY", "env:HOME", "env:SIGNOFF_VALUE_", "env:SIGNOFF_VALUE_A#b", "env:signoff_value_a",
        "vault:kv/acme", "vault:kv#f", "vault:kv/../sys/x#f", "vault:kv/acme//x#f", "vault:/kv/x#f",
        "vault:kv/a%2f..#f",
        "vault:kv/a b#f", "aws:a:b", "aws:", "aws:a#b#c", "http://x", "", "vault:kv/x#f\n#g", "env:SIGNOFF_VALUE_A B",
    ],
)  # fmt: skip
def test_nothing_else_is_a_reference(text: str) -> None:
    assert parsed(text) is None


def test_no_setting_could_be_read_by_a_reference() -> None:
    assert not any(name.startswith("value_") for name in Settings.model_fields)


async def test_aws_gives_a_text_or_a_member_of_it(settings: Settings) -> None:
    import boto3
    from moto import mock_aws

    own = AwsSecrets(region="eu-central-1", access_key_id="testing", secret_access_key=SecretStr("testing"))
    with mock_aws():
        client = boto3.client(
            "secretsmanager", region_name="eu-central-1", aws_access_key_id="testing", aws_secret_access_key="testing"
        )
        client.create_secret(Name="acme/erp", SecretString=json.dumps({"token": VALUE, "port": 1}))
        client.create_secret(Name="acme/plain", SecretString=VALUE)
        client.create_secret(Name="acme/bytes", SecretBinary=b"\0\1\2")
        stores = stores_for(settings, secret_cache_seconds=0.0, aws_secrets=own)
        assert await read(stores, "aws:acme/erp#token") == VALUE
        assert await read(stores, "aws:acme/plain") == VALUE
        client.put_secret_value(SecretId="acme/plain", SecretString="the next value")
        assert await read(stores, "aws:acme/plain") == "the next value"
        for text, code in (
            ("aws:acme/none", "secret_store_not_there"),
            ("aws:acme/erp#none", "secret_store_not_there"),
            ("aws:acme/erp#port", "secret_store_not_there"),
            ("aws:acme/plain#token", "secret_store_bad_value"),
            ("aws:acme/bytes", "secret_store_bad_value"),
        ):
            assert (await refused(stores, text)).code == code
        await stores.close()
