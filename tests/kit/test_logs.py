"""What the log tells: ids, codes and where; never what was in a body, an address or an error's words."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator
from typing import Any

import pytest

from signoff.kit.logs import JsonFormatter, TextFormatter, logging_as, set_up_logs

CANARY = "canary-4711-never-in-a-log"


def record(text: str = "hello", error: BaseException | None = None, **extra: Any) -> logging.LogRecord:
    found = logging.LogRecord("signoff.test", logging.ERROR, __file__, 1, text, (), None)
    if error is not None:
        found.exc_info = (type(error), error, error.__traceback__)
    vars(found).update(extra)
    return found


def raised() -> BaseException:
    try:
        try:
            raise ValueError(CANARY)
        except ValueError as inner:
            raise RuntimeError(f"it was {CANARY}") from inner
    except RuntimeError as error:
        return error


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_an_error_is_told_by_kind_and_place_without_its_words(formatter: logging.Formatter) -> None:
    line = formatter.format(record("it crashed", raised()))
    assert CANARY not in line
    assert "builtins.RuntimeError" in line
    assert "builtins.ValueError" in line
    assert "test_logs.py" in line


@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_no_text_makes_a_second_line(formatter: logging.Formatter) -> None:
    line = formatter.format(record("one\ntwo\r\n12:00:00 info   forged", address="1.2.3.4\r\n12:00:00 info forged"))
    assert len(line.splitlines()) == 1


def test_json_lines_carry_the_ids_they_are_logged_under() -> None:
    with logging_as(request_id="req_1"), logging_as(run_id="run_1"):
        line = json.loads(JsonFormatter().format(record(code="x", number=1)))
    assert (line["request_id"], line["run_id"], line["code"], line["number"]) == ("req_1", "run_1", "x", 1)
    assert "request_id" not in json.loads(JsonFormatter().format(record()))


def test_long_texts_are_cut() -> None:
    assert len(JsonFormatter().format(record("x" * 100_000))) < 3_000


@pytest.fixture
def _root() -> Generator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    logging.getLogger("signoff").setLevel(logging.NOTSET)
    root.handlers[:], root.level = before


@pytest.mark.usefixtures("_root")
def test_libraries_that_quote_addresses_are_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("json", "info")
    for name in ("httpx", "httpx2", "uvicorn.access", "openai", "mcp"):
        logging.getLogger(name).info("GET /setup/%s", CANARY)
    logging.getLogger("signoff.test").info("told")
    err = capsys.readouterr().err
    assert CANARY not in err
    assert json.loads(err)["text"] == "told"


@pytest.mark.usefixtures("_root")
def test_at_debug_only_our_own_loggers_tell_more(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("json", "debug")
    for name in ("httpcore2.http11", "httpcore2.connection", "urllib3", "botocore.endpoint", "any.other"):
        logging.getLogger(name).debug("receive_response_headers.complete %s", CANARY)
    logging.getLogger("httpcore2.http11").info("receive_response_headers.complete %s", CANARY)
    logging.getLogger("signoff.test").debug("told")
    err = capsys.readouterr().err
    assert CANARY not in err
    assert json.loads(err)["text"] == "told"
