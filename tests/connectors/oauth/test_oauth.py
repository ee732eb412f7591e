"""Speaking OAuth to a real provider on loopback: what is asked, and every way the answer can be wrong."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any

import pytest

from signoff.connectors import faults
from signoff.connectors.challenge import bearer_parameters, refused_login
from signoff.connectors.oauth import discovery, tokens
from signoff.connectors.oauth.asking import checked_endpoint
from signoff.connectors.oauth.tokens import OAuthClient, OAuthRefused
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings
from tests.connectors.kit_http import http, saying, serve
from tests.kit_oauth import Provider, running_provider, running_system


@pytest.fixture(scope="module")
def server() -> Generator[Provider]:
    with running_provider() as made:
        yield made


@pytest.fixture
def provider(server: Provider) -> Provider:
    fresh = Provider(url=server.url)
    for name, value in vars(fresh).items():
        setattr(server, name, value)
    return server


@pytest.fixture
def client(provider: Provider) -> OAuthClient:
    return OAuthClient(
        f"{provider.url}/token", "cli-1", "client_secret_basic", "client-secret-1", revoke_url=f"{provider.url}/revoke"
    )


async def test_a_client_gets_a_token_in_its_own_name(outside: Settings, provider: Provider, client: OAuthClient):
    found = await tokens.ask_as_client(outside, replace(client, resource="https://erp.example.com"), ("orders:read",))
    assert provider.look_up(found.access_token) is not None
    assert (found.scopes, found.life_seconds, found.refresh_token) == (("orders:read",), 3600.0, None)
    assert provider.asked[0]["resource"] == "https://erp.example.com"


@pytest.mark.parametrize("auth", ["client_secret_basic", "client_secret_post"])
async def test_a_wrong_secret_is_refused(outside: Settings, provider: Provider, client: OAuthClient, auth: str):
    assert await tokens.ask_as_client(outside, replace(client, client_auth=auth), ())
    with pytest.raises(OAuthRefused, match="secret is wrong") as refused:
        await tokens.ask_as_client(outside, replace(client, client_auth=auth, client_secret="not it"), ())
    assert refused.value.error == "invalid_client"


async def test_a_secret_with_odd_characters_arrives(outside: Settings, provider: Provider, client: OAuthClient):
    provider.clients["a:b c"] = "s+/% ü&="
    odd = replace(client, client_id="a:b c", client_secret="s+/% ü&=")
    assert (await tokens.ask_as_client(outside, odd, ())).access_token


@pytest.mark.parametrize(
    ("trouble", "code", "words"),
    [
        ("invalid_grant", tokens.REFUSED, "no longer accepts this login"),
        ("500", faults.UNREACHABLE, "fails for the moment"),
        ("429", faults.RATE_LIMITED, "fails for the moment"),
        ("garbage", faults.BAD_ANSWER, "no token that can be used"),
        ("no_token", faults.BAD_ANSWER, "no token that can be used"),
        ("bad_token", faults.BAD_ANSWER, "no token that can be used"),
        ("mac_token", faults.BAD_ANSWER, "of the kind “mac”"),
        ("redirect", faults.BAD_ANSWER, "HTTP 302"),
        ("huge", faults.OUTCOME_UNKNOWN, "larger|more than"),
    ],
)
async def test_every_bad_answer_has_its_words(
    outside: Settings, provider: Provider, client: OAuthClient, trouble: str, code: str, words: str
):
    provider.trouble = trouble
    with pytest.raises(ConnectorError, match=words) as error:
        await tokens.ask_as_client(outside, client, ())
    assert error.value.code == code
    assert "client-secret-1" not in error.value.detail


async def test_an_answer_that_breaks_off_leaves_doubt(outside: Settings):
    async with serve(saying(b"HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n{")) as server:
        gone = OAuthClient(server.url("/token"), "x", "none")
        with pytest.raises(ConnectorError) as error:
            await tokens.refresh(outside, gone, "rt")
        assert error.value.code == faults.OUTCOME_UNKNOWN
        assert "carried out" not in error.value.detail
    with pytest.raises(ConnectorError) as error:
        await tokens.refresh(outside, gone, "rt")
    assert error.value.code == faults.UNREACHABLE, "nothing listens, so nothing was asked"


async def test_a_token_is_given_back(outside: Settings, provider: Provider, client: OAuthClient):
    found = await tokens.ask_as_client(outside, client, ())
    await tokens.revoke(outside, client, found.access_token, "access_token")
    assert provider.revoked == [found.access_token]
    assert provider.look_up(found.access_token) is None


@pytest.mark.parametrize(
    "url", ["http://login.example.com/token", "ftp://x/", "https://user:pw@login.example.com/", "https://x.example/#a"]
)
def test_a_login_goes_over_https_only(outside: Settings, url: str):
    with pytest.raises(ConnectorError):
        checked_endpoint(url, outside)


def test_a_login_goes_over_http_to_this_machine_only_where_that_is_allowed(outside: Settings):
    assert checked_endpoint("http://127.0.0.1:8080/token", outside)
    for url in ("http://127.0.0.1:8080/token", "http://localhost:8080/token"):
        with pytest.raises(ConnectorError):
            checked_endpoint(url, Settings(data_dir=outside.data_dir))


async def test_an_mcp_server_says_who_signs_people_in(outside: Settings, provider: Provider):
    with running_system(provider) as system:
        found = await discovery.provider_of_system(outside, system.url)
        assert (found.issuer, found.resource) == (provider.url, system.url)
        assert found.token_url == f"{provider.url}/token"
        assert found.revoke_url == f"{provider.url}/revoke"
        assert found.scopes == ("orders:read",)
        made = await discovery.register(
            outside, found.registration_url or "", redirect_uri="https://signoff.example/oauth/callback",
            scopes=found.scopes, methods=found.auth_methods,
        )  # fmt: skip
    assert made.client_secret == provider.clients[made.client_id]
    assert provider.registered[0]["redirect_uris"] == ["https://signoff.example/oauth/callback"]
    assert str(made.client_secret) not in repr(made)


async def test_a_provider_that_registers_nobody_says_so(outside: Settings, provider: Provider):
    provider.registers = False
    with pytest.raises(ConnectorError, match="Register one there by hand"):
        await discovery.register(outside, f"{provider.url}/register", redirect_uri="https://x/", scopes=(), methods=())


async def test_a_provider_that_is_another_or_has_no_pkce_is_refused(outside: Settings, provider: Provider):
    provider.says_issuer = "https://evil.example.com"
    with pytest.raises(ConnectorError, match="says it is another one"):
        await discovery.provider_of_issuer(outside, provider.url)
    provider.says_issuer, provider.has_pkce = None, False
    with pytest.raises(ConnectorError, match="PKCE"):
        await discovery.provider_of_issuer(outside, provider.url)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http(200, b"{}", "content-type: application/json"), "needs none"),
        (
            http(401, b"", 'www-authenticate: Bearer resource_metadata="http://evil.example.com/x"'),
            "not https",
        ),
        (http(401, b"", 'www-authenticate: Bearer resource_metadata="http://169.254.169.254/latest"'), "not https"),
        (http(404), "Enter its addresses by hand"),
    ],
)
async def test_a_system_that_does_not_say_it_well(outside: Settings, answer: bytes, words: str):
    async with serve(saying(answer)) as server:
        with pytest.raises(ConnectorError, match=words):
            await discovery.provider_of_system(outside, server.url("/mcp"))


async def test_a_system_cannot_speak_for_another(outside: Settings):
    def document(resource: str) -> bytes:
        body = f'{{"resource": "{resource}", "authorization_servers": ["https://login.example.com"]}}'
        return http(200, body.encode(), "content-type: application/json")

    for resource in ("https://bank.example.com/mcp", "not an address", "http://127.0.0.1:1/mcp"):
        async with serve(saying(http(401), document(resource))) as server:
            with pytest.raises(ConnectorError, match="says it is another one"):
                await discovery.provider_of_system(outside, server.url("/mcp"))


async def test_a_metadata_address_that_leads_inside_is_not_reached():
    with pytest.raises(ConnectorError, match="not public"):
        await discovery.provider_of_issuer(Settings(), "https://127.0.0.1:8443")


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ('Bearer realm="x", error="invalid_token"', {"realm": "x", "error": "invalid_token"}),
        (
            'Basic realm="a", Bearer error=insufficient_scope, scope="a b"',
            {"error": "insufficient_scope", "scope": "a b"},
        ),
        ('bearer error_description="say \\"no\\""', {"error_description": 'say "no"'}),
        ("Basic realm=x", {}),
        ("", {}),
        ('Bearer error="' + "x" * 9_000, {}),
    ],
)
def test_a_challenge_is_read(header: str, found: dict[str, Any]):
    assert bearer_parameters(header) == found


@pytest.mark.parametrize(
    ("status", "header", "code"),
    [
        (401, "", faults.SIGN_IN),
        (401, 'Bearer error="invalid_token"', faults.SIGN_IN),
        (401, 'Bearer error="insufficient_user_authentication", max_age=10', faults.SECOND_FACTOR),
        (403, 'Bearer error="insufficient_scope", scope="orders:write"', faults.WRONG_SCOPE),
        (403, "", faults.WRONG_SCOPE),
    ],
)
def test_a_refused_login_is_told_apart(status: int, header: str, code: str):
    assert refused_login(status, header).code == code
