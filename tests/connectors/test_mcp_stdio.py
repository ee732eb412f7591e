"""MCP servers that are programs: what they may be started as, and what happens when they misbehave."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from pathlib import Path
from typing import Any, cast

import pytest

from signoff.connectors import faults
from signoff.connectors.mcp import session as sessions
from signoff.connectors.mcp.link import McpLink, open_mcp_stdio
from signoff.connectors.mcp.process import ServerProcess
from signoff.connectors.mcp.stdio import LineReader, TooLong
from signoff.connectors.pool import Pool
from signoff.connectors.protocol import Offering
from signoff.kit.errors import ConnectorError
from signoff.settings import Settings

pytestmark = pytest.mark.anyio


async def opened(pool: Pool, name: str) -> Any:
    return await pool.link(f"con_{name}", 1, "mcp_stdio", {"command": name})


async def failed(pool: Pool, name: str, seconds: float = 30.0) -> ConnectorError:
    link = await opened(pool, name)
    with pytest.raises(ConnectorError) as caught:
        await link.call("a", {}, key=None, timeout_seconds=seconds)
    return caught.value


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def is_known(pid: int) -> bool:
    """Whether the process table holds it, a zombie included."""
    return Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    "config",
    [
        {"command": "python"}, {"command": sys.executable}, {"command": "npx", "args": ["--yes", "evil"]},
        {"command": "bench", "args": ["x"]}, {"command": "bench", "env": {"PATH": "/tmp"}}, {"command": ["bench"]},
        {"command": "bench; rm -rf /"}, {"command": "../bench"}, {"command": "BENCH"}, {"command": ""}, {},
        {"command": None}, {"url": "http://127.0.0.1/"}, {"command": "bench", "cwd": "/"},
    ],
)  # fmt: skip
async def test_only_a_name_from_the_settings_is_started(outside: Settings, config: dict[str, Any]) -> None:
    with pytest.raises(ConnectorError) as caught:
        await open_mcp_stdio(outside, config)
    assert caught.value.code == faults.BAD_CONFIG


async def test_a_program_that_is_not_there_is_told(pool: Pool) -> None:
    with pytest.raises(ConnectorError, match="No such file") as caught:
        await opened(pool, "missing")
    assert caught.value.code == faults.UNREACHABLE


async def test_our_own_environment_does_not_reach_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNOFF_SECRET_KEY", "planted")
    process = await ServerProcess.start("/usr/bin/env", [], {"GIVEN": "1"}, None)
    seen = b""
    while chunk := await process.read():
        seen += chunk
    await process.stop()
    assert b"GIVEN=1" in seen
    assert b"planted" not in seen


async def test_a_program_that_dies_at_once_says_why(pool: Pool) -> None:
    with pytest.raises(ConnectorError, match="no module named erp") as caught:
        await opened(pool, "dead")
    assert (caught.value.code, caught.value.is_transient) == (faults.UNREACHABLE, True)


async def test_a_program_that_says_nothing_is_given_up(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "START_SECONDS_MAX", 0.3)
    with pytest.raises(ConnectorError) as caught:
        await asyncio.wait_for(opened(pool, "silent"), 30)
    assert caught.value.code == faults.TIMEOUT


async def test_a_call_that_hangs_ends_in_time_and_the_next_one_gets_a_new_program(pool: Pool) -> None:
    error = await asyncio.wait_for(failed(pool, "hang", 0.3), 30)
    assert (error.code, error.is_transient) == (faults.OUTCOME_UNKNOWN, True)
    first = pool._entries[next(iter(pool._entries))].link
    assert await opened(pool, "hang") is not first


async def test_a_program_that_dies_in_a_call_leaves_its_outcome_open(pool: Pool) -> None:
    error = await failed(pool, "exit")
    assert error.code == faults.OUTCOME_UNKNOWN
    assert "exit code 7" in error.detail
    assert "cannot open the database" in error.detail
    assert (await opened(pool, "exit")).is_alive, "the pool has opened a new one"


async def test_a_message_without_end_is_not_waited_for(pool: Pool) -> None:
    error = await asyncio.wait_for(failed(pool, "long-line"), 60)
    assert error.code == faults.OUTCOME_UNKNOWN
    assert "8 MB" in error.detail


async def test_a_flood_of_garbage_ends_the_connection_and_is_quoted(pool: Pool) -> None:
    error = await asyncio.wait_for(failed(pool, "garbage"), 60)
    assert error.code == faults.OUTCOME_UNKNOWN
    assert "Listening on port 3000" in error.detail


async def test_a_banner_is_passed_over(pool: Pool) -> None:
    link = await opened(pool, "banner")
    assert (await link.call("a", {}, key=None, timeout_seconds=30)).value == "fine"


@pytest.mark.parametrize(
    ("name", "code"),
    [("wrong-shape", faults.OUTCOME_UNKNOWN), ("rpc-error", faults.OUTCOME_UNKNOWN), ("refuse", faults.REJECTED)],
)
async def test_what_an_answer_says_about_the_outcome(pool: Pool, name: str, code: str) -> None:
    assert (await failed(pool, name)).code == code
    assert (await opened(pool, name)).is_alive


@pytest.mark.parametrize("name", ["wrong-envelope", "wrong-error", "abyss"])
async def test_an_answer_that_is_no_message_ends_its_call_at_once(pool: Pool, name: str) -> None:
    error = await asyncio.wait_for(failed(pool, name, 3600), 60)
    assert error.code == faults.OUTCOME_UNKNOWN
    assert "its answer is not a message of MCP" in error.detail
    assert (await opened(pool, name)).is_alive


async def test_an_answer_with_half_a_character_or_nested_deep_is_not_lost(pool: Pool) -> None:
    cut = await (await opened(pool, "half-a-character")).call("a", {}, key=None, timeout_seconds=30)
    assert cut.value == "cut?"
    deep = await (await opened(pool, "deep")).call("a", {}, key=None, timeout_seconds=30)
    assert "nested too deep" in str(deep.value)


async def test_answers_to_nobody_are_passed_over(pool: Pool) -> None:
    link = await opened(pool, "other-ids")
    assert (await link.call("a", {}, key=None, timeout_seconds=30)).value == "fine"


async def test_a_server_may_not_use_our_model(pool: Pool) -> None:
    link = await opened(pool, "sampling")
    answer = await link.call("a", {}, key=None, timeout_seconds=30)
    assert "error" in answer.value
    assert "result" not in answer.value


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("twice", "twice"),
        ("huge-tool", "too large"),
        ("long-name", "name of tool .* too long"),
        ("endless-tools", "end"),
    ],
)
async def test_a_list_of_tools_that_cannot_be_used_is_refused(pool: Pool, name: str, words: str) -> None:
    link = await opened(pool, name)
    with pytest.raises(ConnectorError, match=words) as caught:
        await link.list_tools()
    assert caught.value.code == faults.BAD_ANSWER


async def test_a_tool_that_changes_has_another_hash(pool: Pool) -> None:
    link = await opened(pool, "changing")
    first, second = [(await link.list_tools())[0] for _ in range(2)]
    assert (first.name, first.input_schema) == (second.name, second.input_schema)
    assert first.hash != second.hash


async def test_what_is_offered_is_asked_for_again_and_again(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    link = await opened(pool, "changing")
    first = await link.offer("a")
    assert await link.offer("a") == first
    assert await link.offer("b") is None
    monkeypatch.setattr("signoff.connectors.mcp.link._OFFERS_SECONDS", 0.0)
    link = cast("Offering", await pool.link("con_again", 1, "mcp_stdio", {"command": "changing"}))
    first, second = await link.offer("a"), await link.offer("a")
    assert first is not None
    assert second is not None
    assert first.hash != second.hash


async def test_a_flood_of_complaints_stays_small() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    source = "import sys\nwhile True: sys.stderr.write('noise ' * 10000)"
    process = await ServerProcess.start(sys.executable, ["-c", source], {}, None)
    await asyncio.sleep(1.0)
    await process.stop()
    assert "noise noise" in process.tail
    assert len(process.tail) <= 400
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 <= 20


async def test_closing_stops_the_program_and_what_it_started(outside: Settings, tmp_path: Path) -> None:
    link = await open_mcp_stdio(outside, {"command": "children"})
    await link.check()
    pids = [int(text) for text in (tmp_path / "pids").read_text().split()]
    assert all(is_running(pid) for pid in pids)
    await asyncio.wait_for(link.close(), 30)
    for _ in range(600):
        if not any(is_running(pid) for pid in pids):
            break
        await asyncio.sleep(0.05)
    assert not any(is_running(pid) for pid in pids)
    for _ in range(600):
        if not is_known(pids[0]):
            break
        await asyncio.sleep(0.05)
    assert not is_known(pids[0]), "our own child is reaped"
    assert not link.is_alive
    await link.close()


async def test_a_program_killed_from_outside_is_reaped_and_replaced(pool: Pool) -> None:
    link = await opened(pool, "bench")
    pid = int((await link.call("pid", {}, key=None, timeout_seconds=30)).value)
    os.kill(pid, 9)
    for _ in range(600):
        if not link.is_alive:
            break
        await asyncio.sleep(0.05)
    again = await opened(pool, "bench")
    assert again is not link
    assert int((await again.call("pid", {}, key=None, timeout_seconds=30)).value) != pid
    for _ in range(600):
        if not is_known(pid):
            break
        await asyncio.sleep(0.05)
    assert not is_known(pid)


async def test_a_caller_that_goes_away_leaves_the_session_to_others(outside: Settings) -> None:
    link: McpLink = await open_mcp_stdio(outside, {"command": "bench"})
    impatient = asyncio.create_task(link.call("look_up", {"number": "1", "delay": 30}, key=None, timeout_seconds=60))
    await asyncio.sleep(0.1)
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await impatient
    assert (await link.call("look_up", {"number": "2"}, key=None, timeout_seconds=30)).value["number"] == "2"
    assert link.open_calls == 0
    await link.close()


async def test_lines_are_cut_wherever_the_pieces_end() -> None:
    data = b"one\n\ntwo\r\nthree\nrest"
    for size in range(1, len(data) + 1):
        reader = LineReader()
        lines = [line for at in range(0, len(data), size) for line in reader.feed(data[at : at + size])]
        assert lines == [b"one", b"", b"two\r", b"three"]
    with pytest.raises(TooLong):
        LineReader(10).feed(b"x" * 11)
