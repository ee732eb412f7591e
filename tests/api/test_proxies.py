"""Who asks is what the network says, unless a proxy that the operator named says otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from signoff.api.room import _AGAIN_SECONDS
from signoff.cli.serving import server_config
from signoff.people.key_queries import keys
from tests.api.test_edges import ask
from tests.api.world import World

pytestmark = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
PROXY, CLIENT = "10.0.0.9", "203.0.113.5"


def served(world: World, trusted: list[str]) -> Any:
    """The application as the command serves it, without a socket."""
    config = server_config(world.settings.model_copy(update={"trusted_proxies": trusted}), world.app)
    config.load()
    return config.loaded_app


def address_seen(world: World, app: Any, headers: list[tuple[bytes, bytes]], peer: str = PROXY) -> str | None:
    proof = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {world.keys['runner']}".encode())]
    told = ask(app, method="GET", path="/v1/me", raw_path=b"/v1/me", headers=proof + headers, client=(peer, 1))
    assert told["status"] == 200, told
    with world.store.read() as session:
        return next(key.last_used_address for key in keys(session, world.alice).rows if key.name == "Runner")


@pytest.mark.parametrize(
    ("trusted", "peer", "expected"),
    [
        ([], PROXY, PROXY),
        ([PROXY], PROXY, CLIENT),
        (["10.0.0.0/24"], PROXY, CLIENT),
        (["10.9.9.9"], PROXY, PROXY),
        ([PROXY], "198.51.100.7", "198.51.100.7"),
    ],
)
def test_only_a_trusted_proxy_says_who_its_client_is(
    world: World, trusted: list[str], peer: str, expected: str
) -> None:
    headers = [(b"x-forwarded-for", CLIENT.encode()), (b"x-real-ip", b"192.0.2.1"), (b"forwarded", b"for=192.0.2.2")]
    assert address_seen(world, served(world, trusted), headers, peer) == expected


def test_what_a_client_put_before_the_proxy_is_not_believed(world: World) -> None:
    forged = [(b"x-forwarded-for", f"192.0.2.66, {CLIENT}".encode())]
    assert address_seen(world, served(world, [PROXY]), forged) == CLIENT


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-forwarded-host", b"evil.example")],
        [(b"x-original-url", b"/v1/other/agents"), (b"x-rewrite-url", b"/v1/other/agents")],
        [(b"x-http-method-override", b"DELETE")],
        [(b"x-request-id", b"forged-request-id")],
    ],
)
def test_headers_that_rename_a_request_change_nothing(world: World, headers: list[tuple[bytes, bytes]]) -> None:
    proof = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {world.keys['admin']}".encode())]
    path = "/v1/acme/agents/helper"
    told = ask(world.app, method="GET", path=path, raw_path=path.encode(), headers=proof + headers)
    assert told["status"] == 200
    assert b"evil.example" not in told["body"]
    assert told["headers"]["x-request-id"].startswith("req_")


@pytest.mark.parametrize(
    "hosts",
    [
        [b"evil.example"], [b"127.0.0.1", b"evil.example"], [], [b"127.0.0.1@evil.example"], [b"127.0.0.1/?"],
        [b"127.0.0.1#"], [b"127.0.0.1?"], [b"127.0.0.1\\\\evil.example"],
    ],
)  # fmt: skip
def test_one_name_of_ours_and_no_other(world: World, hosts: list[bytes]) -> None:
    headers = [(b"host", host) for host in hosts]
    headers.append((b"authorization", f"Bearer {world.keys['admin']}".encode()))
    told = ask(world.app, method="GET", path="/v1/me", raw_path=b"/v1/me", headers=headers)
    assert told["status"] == 400


def test_a_connection_is_kept_for_longer_than_a_proxy_keeps_it_or_anybody_is_sent_away_for(world: World) -> None:
    kept = server_config(world.settings, world.app).timeout_keep_alive
    assert kept > max(60, 2 * _AGAIN_SECONDS)
