"""What is taken from an OpenID Connect provider: addresses, keys, and how often it is asked."""

from __future__ import annotations

import time
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from signoff.connectors.addresses import AddressRules
from signoff.connectors.net import Guard
from signoff.connectors.oidc.exchange import Client, authorization_address, end_session_address
from signoff.connectors.oidc.id_token import Expected, verified_claims
from signoff.connectors.oidc.metadata import Metadata, MetadataCache, checked_address, discover
from signoff.connectors.oidc.refused import OidcRefused
from signoff.connectors.oidc.signing_keys import KeyCache, keys_from
from signoff.kit import clock
from signoff.kit.errors import ConnectorError
from tests.kit_issuer import KEY, OTHER_KEY, issuing, signed

OPEN = Guard(AddressRules(allow_loopback=True))
CLOSED = Guard(AddressRules())


@pytest.mark.parametrize(
    "address",
    [
        "http://login.example",
        "http://10.0.0.1",
        "http://localhost.evil.example",
        "http://127.0.0.1.evil.example",
        "https://login.example:22",
        "https://a:b@login.example",
        "ftp://login.example",
        "login.example",
        "",
    ],
)
def test_codes_and_tokens_travel_by_https_only(address: str):
    for guard in (OPEN, CLOSED):
        with pytest.raises(ConnectorError):
            checked_address(address, guard)


@pytest.mark.parametrize("address", ["http://127.0.0.1:8080", "http://localhost:8080/realms/x", "http://[::1]:8080"])
def test_this_machine_is_reached_without_where_the_operator_allows_it(address: str):
    assert checked_address(address, OPEN) == address
    with pytest.raises(ConnectorError):
        checked_address(address, CLOSED)


async def test_a_provider_on_a_private_address_is_not_asked():
    async def resolver(host: str, port: int) -> list[str]:
        return ["10.0.0.7"]

    with pytest.raises(OidcRefused) as refused:
        await discover(Guard(AddressRules(), resolver), "https://login.example")
    assert refused.value.reason == "provider_unreachable"
    assert "not public" in refused.value.about


def test_keys_that_cannot_be_trusted_are_left_out():
    with pytest.warns():
        short = RSAKey.generate_key(1024)
    rows: list[Any] = [
        KEY.as_dict(private=False),
        short.as_dict(private=False),
        {**OTHER_KEY.as_dict(private=False), "use": "enc"},
        {**OTHER_KEY.as_dict(private=False), "alg": "HS256"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "secret"},
        {**ECKey.generate_key("secp256k1").as_dict(private=False)},
        {"kty": "RSA", "n": 5, "e": None},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        "text",
        None,
    ]
    found = keys_from({"keys": rows})
    assert [key.id for key in found] == ["one"]
    assert keys_from({"keys": "x"}) == keys_from({}) == ()
    assert len(keys_from({"keys": [KEY.as_dict(private=False)] * 500})) == 100


def claims(issuer: str) -> dict[str, Any]:
    moment = int(time.time())
    return {"iss": issuer, "sub": "a", "aud": "us", "nonce": "n", "iat": moment, "exp": moment + 60}


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (KEY, "RS256"),
        (KEY, "PS512"),
        (ECKey.generate_key("P-256"), "ES256"),
        (ECKey.generate_key("P-384"), "ES384"),
        (ECKey.generate_key("P-521"), "ES512"),
        (OKPKey.generate_key("Ed25519"), "Ed25519"),
    ],
)
async def test_every_algorithm_we_take_is_verified(key: Any, algorithm: str):
    with issuing() as issuer:
        issuer.keys = [key]
        keys, expected = KeyCache(OPEN), Expected(issuer.url, "us", "n", "at")
        token = signed(claims(issuer.url), key, algorithm, kid=None)
        assert (await verified_claims(keys, f"{issuer.url}/jwks", token, expected))["sub"] == "a"
        head, body, signature = token.split(".")
        forged = f"{head}.{body}.{signature[:-6]}{'AAAAAA' if not signature.endswith('AAAAAA') else 'BBBBBB'}"
        with pytest.raises(OidcRefused, match="bad_signature"):
            await verified_claims(keys, f"{issuer.url}/jwks", forged, expected)


async def test_a_key_signs_with_its_own_kind_of_algorithm_only():
    with issuing() as issuer:
        issuer.keys = [ECKey.generate_key("P-256", parameters={"kid": "one"})]
        token = signed(claims(issuer.url))
        with pytest.raises(OidcRefused, match="unknown_key"):
            await verified_claims(KeyCache(OPEN), f"{issuer.url}/jwks", token, Expected(issuer.url, "us", "n", "at"))


async def test_without_a_name_two_fitting_keys_are_one_too_many():
    with issuing() as issuer:
        issuer.keys = [KEY, OTHER_KEY]
        token = signed(claims(issuer.url), kid=None)
        with pytest.raises(OidcRefused, match="unknown_key"):
            await verified_claims(KeyCache(OPEN), f"{issuer.url}/jwks", token, Expected(issuer.url, "us", "n", "at"))


async def test_a_provider_is_asked_once_in_ten_minutes(monkeypatch: pytest.MonkeyPatch):
    with issuing() as issuer:
        cache = MetadataCache(OPEN)
        for _ in range(3):
            await cache.of(issuer.url)
        assert len(issuer.asked) == 1
        later = clock.monotonic_seconds() + 601
        monkeypatch.setattr(clock, "monotonic_seconds", lambda: later)
        await cache.of(issuer.url)
        assert len(issuer.asked) == 2


async def test_a_failure_is_not_remembered():
    with issuing() as issuer:
        cache = MetadataCache(OPEN)
        issuer.metadata = {"issuer": "https://other.example"}
        with pytest.raises(OidcRefused, match="wrong_issuer"):
            await cache.of(issuer.url)
        issuer.metadata = {}
        assert (await cache.of(issuer.url)).issuer == issuer.url


def test_an_address_of_the_provider_keeps_its_own_query():
    said = Metadata("https://i", "https://i/a?x=1", "https://i/t", "https://i/k", "", "", (), (), (), (), False)
    client = Client("a b&c", "secret", "https://us/cb")
    address = authorization_address(said, client, scopes=("openid",), state="s", nonce="n", verifier="v")
    assert address.startswith("https://i/a?x=1&response_type=code&client_id=a%20b%26c&")
    assert "secret" not in address
    assert end_session_address(said, "a", "https://us") == ""
