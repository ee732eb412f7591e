"""Requests to the outside: who is connected to, what is followed, how much is read."""

from __future__ import annotations

import asyncio
import gzip
import resource
import socket
import zlib
from typing import Any

import pytest

from signoff.connectors import faults, net
from signoff.connectors.addresses import AddressRules
from signoff.connectors.fetch import Outgoing, fetch
from signoff.kit.errors import ConnectorError
from tests.connectors.kit_http import Seen, http, saying, serve

LOCAL = AddressRules(allow_loopback=True)


class Names:
    """A resolver of the test's own: each name answers with its lists in turn."""

    def __init__(self, **names: list[list[str]]) -> None:
        self.names = {name.replace("_", "."): answers for name, answers in names.items()}
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        answers = self.names.get(host)
        if answers is None:
            return await net.resolve(host, port)
        return answers.pop(0) if len(answers) > 1 else answers[0]


def guard(rules: AddressRules = LOCAL, resolver: Any = net.resolve) -> net.Guard:
    return net.Guard(rules, resolver)


async def get(url: str, with_guard: net.Guard | None = None, seconds: float = 5.0, **more: Any) -> Any:
    headers = more.pop("headers", {})
    method, content = more.pop("method", "GET"), more.pop("content", None)
    async with net.client_of(with_guard or guard(), seconds=seconds, **more) as client:
        return await fetch(client, Outgoing(method, url, headers, content))


async def refused(url: str, with_guard: net.Guard | None = None, **more: Any) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        await get(url, with_guard, **more)
    return caught.value


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/", "http://127.1:8000/", "http://2130706433:8000/", "http://0x7f000001:8000/",
        "http://0177.0.0.1:8000/", "http://[::1]:8000/", "http://[::ffff:127.0.0.1]:8000/", "http://0:8000/",
        "http://[64:ff9b::7f00:1]:8000/", "http://[2002:7f00:1::]:8000/", "http://localhost:8000/",
        "http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://10.0.0.1/", "http://100.64.0.1/",
        "http://①②⑦.⓪.⓪.①:8000/", "http://127.0.0.1.:8000/", "http://localhost.:8000/",
    ],
)  # fmt: skip
@pytest.mark.anyio
async def test_no_form_of_a_private_address_is_connected_to(url: str) -> None:
    async def resolver(host: str, port: int) -> list[str]:
        # What the system's resolver makes of the odd forms, without asking a network.
        if host.rstrip(".") == "localhost":
            return ["127.0.0.1"]
        try:
            return [socket.inet_ntoa(socket.inet_aton(host.rstrip(".")))]
        except OSError:
            return await net.resolve(host, port)

    error = await refused(url, guard(AddressRules(), resolver))
    assert error.code in (faults.REFUSED_ADDRESS, faults.UNREACHABLE, faults.BAD_CONFIG, faults.BAD_ARGUMENTS)
    assert error.code != faults.OUTCOME_UNKNOWN


@pytest.mark.anyio
async def test_a_name_is_resolved_once_and_the_looked_at_address_is_used() -> None:
    async with serve(saying(http(200, b"fine"))) as server:
        names = Names(rebind_example=[["127.0.0.1"], ["10.0.0.1"]])
        answer = await get(f"http://rebind.example:{server.port}/", guard(LOCAL, names))
        assert answer.body == b"fine"
        assert names.asked == ["rebind.example"]
        assert server.seen[0].headers["host"] == f"rebind.example:{server.port}"
        # Asked again, the name leads elsewhere, and is refused there and then.
        error = await refused(f"http://rebind.example:{server.port}/", guard(LOCAL, names))
        assert error.code == faults.REFUSED_ADDRESS


@pytest.mark.anyio
async def test_one_private_address_among_public_ones_refuses_all() -> None:
    names = Names(mixed_example=[["93.184.216.34", "10.0.0.1"]])
    assert (await refused("http://mixed.example/", guard(AddressRules(), names))).code == faults.REFUSED_ADDRESS


@pytest.mark.anyio
async def test_a_name_nobody_knows_is_unreachable() -> None:
    async def unknown(host: str, port: int) -> list[str]:
        raise OSError("no such name")

    error = await refused("http://nowhere.example/", guard(LOCAL, unknown))
    assert (error.code, error.is_transient) == (faults.UNREACHABLE, True)


@pytest.mark.anyio
async def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    async with serve(saying(http(200, b"direct"))) as server:
        assert (await get(server.url())).body == b"direct"


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/", "file:///etc/passwd", "gopher://a.example/", "unix:///var/run/docker.sock", "http://", "", "x",
     "http://user:pass@a.example/", "http://a.example:22/", "http://a.example:6379/", "http://a.example:25/",
     "http://a.example/\r\nX: y", "http://a.example/" + "x" * 3000],
)  # fmt: skip
def test_what_is_not_a_web_address_is_refused_when_written(url: str) -> None:
    with pytest.raises(ConnectorError):
        net.checked_url(url)


@pytest.mark.parametrize(
    "headers",
    [{"Host": "x"}, {"content-length": "1"}, {"Transfer-Encoding": "x"}, {"X-A": "b\r\nX-B: c"}, {"X A": "b"},
     {"X-A": "\u2603"}, {"Proxy-Authorization": "x"}, {"X-A": 1}],
)  # fmt: skip
def test_headers_that_split_or_redirect_are_refused(headers: dict[str, Any]) -> None:
    with pytest.raises(ConnectorError):
        net.checked_headers(headers)


@pytest.mark.anyio
async def test_a_redirect_to_a_private_address_is_refused() -> None:
    async with serve(saying(http(302, b"", "location: http://10.0.0.1/"))) as server:
        assert (await refused(server.url())).code == faults.REFUSED_ADDRESS


@pytest.mark.parametrize(
    "location", ["ftp://x/", "file:///etc/passwd", "http://a.example:22/", "http://u:p@a.example/"]
)
@pytest.mark.anyio
async def test_a_redirect_to_something_else_than_the_web_is_refused(location: str) -> None:
    async with serve(saying(http(302, b"", f"location: {location}"))) as server:
        assert (await refused(server.url())).code in (faults.BAD_CONFIG, faults.REFUSED_ADDRESS)


@pytest.mark.anyio
async def test_three_redirects_are_followed_and_a_fourth_is_not() -> None:
    hop = http(302, b"", "location: /next")
    async with serve(saying(hop, hop, hop, http(200, b"there"))) as server:
        assert (await get(server.url())).body == b"there"
    async with serve(saying(hop)) as server:
        error = await refused(server.url())
        assert (error.code, len(server.seen)) == (faults.REJECTED, 4)


@pytest.mark.anyio
async def test_a_login_does_not_follow_to_another_host() -> None:
    async with (
        serve(saying(http(200, b"other"))) as other,
        serve(saying(http(302, b"", f"location: http://127.0.0.1:{other.port}/x"))) as first,
    ):
        await get(first.url(), headers={"authorization": "Bearer s", "x-api-key": "s"})
        assert first.seen[0].headers["x-api-key"] == "s"
        assert {"authorization", "x-api-key", "cookie"} & set(other.seen[0].headers) == set()


@pytest.mark.parametrize("status", [307, 308])
@pytest.mark.anyio
async def test_a_body_does_not_follow_to_another_host(status: int) -> None:
    async with (
        serve(saying(http(200))) as other,
        serve(saying(http(status, b"", f"location: {other.url('/x')}"))) as first,
    ):
        error = await refused(first.url(), method="POST", content=b"{}")
        assert error.code == faults.OUTCOME_UNKNOWN, "the first host may have acted on it"
        assert other.seen == []


@pytest.mark.anyio
async def test_an_answer_after_a_post_may_be_fetched_where_it_says() -> None:
    async with serve(saying(http(303, b"", "location: /made/1"), http(200, b"made"))) as server:
        assert (await get(server.url(), method="POST", content=b"{}")).body == b"made"
        assert [seen.method for seen in server.seen] == ["POST", "GET"]


@pytest.mark.anyio
async def test_a_large_answer_is_cut_off() -> None:
    async def endless(_seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()

    async with serve(endless) as server:
        error = await refused(server.url(), body_bytes_max=1_000_000)
        assert (error.code, error.is_transient) == (faults.BAD_ANSWER, False)


@pytest.mark.anyio
async def test_a_packed_answer_is_unpacked() -> None:
    body = gzip.compress(b"hello " * 50_000)
    async with serve(saying(http(200, body, "content-encoding: gzip"))) as server:
        assert (await get(server.url())).body == b"hello " * 50_000
    body = zlib.compress(b"hi")
    async with serve(saying(http(200, body, "content-encoding: deflate"))) as server:
        assert (await get(server.url())).body == b"hi"


@pytest.mark.anyio
async def test_a_bomb_is_never_whole_in_memory() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b"\0" * 1_000_000) for _ in range(300)) + packer.flush()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with serve(saying(http(200, bomb, "content-encoding: gzip"))) as server:
        assert (await refused(server.url())).code == faults.BAD_ANSWER
    grown_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown_mb <= 64


@pytest.mark.parametrize(("encoding", "body"), [("br", b"x"), ("zstd", b"x"), ("gzip", b"not gzip"), ("x", b"x")])
@pytest.mark.anyio
async def test_other_packings_and_broken_ones_are_refused(encoding: str, body: bytes) -> None:
    async with serve(saying(http(200, body, f"content-encoding: {encoding}"))) as server:
        assert (await refused(server.url())).code == faults.BAD_ANSWER


@pytest.mark.anyio
async def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    async def drip(_seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n")
        for _ in range(1000):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with serve(drip) as server:
        error = await asyncio.wait_for(refused(server.url(), seconds=0.4), 5)
        assert error.code == faults.TIMEOUT
        error = await asyncio.wait_for(refused(server.url(), seconds=0.4, method="POST"), 5)
        assert error.code == faults.OUTCOME_UNKNOWN


@pytest.mark.parametrize(
    "raw",
    [b"", b"\x00\xff garbage", b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000,
     b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nx", b"HTTP/1.1 999999 X\r\n\r\n", b"SSH-2.0-OpenSSH\r\n"],
)  # fmt: skip
@pytest.mark.anyio
async def test_an_answer_that_is_no_http_is_a_fault_and_nothing_else(raw: bytes) -> None:
    async with serve(saying(raw)) as server:
        assert (await refused(server.url())).code == faults.UNREACHABLE
        assert (await refused(server.url(), method="POST")).code == faults.OUTCOME_UNKNOWN


def test_a_secret_is_bound_to_host_and_port() -> None:
    assert net.host_of("https://ERP.example.com./x") == "erp.example.com"
    assert net.host_of("https://erp.example.com:443/y") == "erp.example.com"
    assert net.host_of("http://erp.example.com/") == "erp.example.com:80"
    assert net.host_of("https://erp.example.com:8443/") == "erp.example.com:8443"
