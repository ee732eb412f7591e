"""Named crash points: inert in the product, deadly in a test build."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from signoff.kit.faultpoints import POINTS, faultpoint

PROGRAM = """
from signoff.kit.faultpoints import faultpoint
for number in range(5):
    faultpoint("journaled")
    print(number, flush=True)
"""


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "environment",
    [{}, {"SIGNOFF_FAULT": "journaled:1"}, {"SIGNOFF_TEST_BUILD": "1"},
     {"SIGNOFF_TEST_BUILD": "1", "SIGNOFF_FAULT": "claimed:1"}],
)  # fmt: skip
def test_inert_unless_asked_for(environment: dict[str, str]):
    done = run(**environment)
    assert (done.returncode, len(done.stdout.split())) == (0, 5)


def test_the_nth_passage_is_the_last():
    done = run(SIGNOFF_TEST_BUILD="1", SIGNOFF_FAULT="journaled:3")
    assert (done.returncode, done.stdout.split()) == (-signal.SIGKILL, ["0", "1"])


def test_here_it_does_nothing():
    passed = [point for point in POINTS if faultpoint(point) is None]
    assert passed == list(POINTS)
