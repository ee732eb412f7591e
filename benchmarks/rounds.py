"""Starts probes, in turns, and takes the medians of what they report."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
_SECONDS_MAX = 600
Figures = dict[str, float]


@dataclass(frozen=True)
class Probe:
    """One program and what it is told. `python` is another interpreter for a peer with libraries of its own."""

    name: str
    module: str
    told: Mapping[str, Any] = field(default_factory=dict[str, Any])
    python: str = sys.executable


def run(probe: Probe) -> Figures:
    """Run a probe once, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="signoff-bench-") as folder:
        told = json.dumps({**probe.told, "folder": folder})
        done = subprocess.run(
            [probe.python, "-m", f"benchmarks.probes.{probe.module}", told],
            cwd=ROOT, env={**os.environ, "PYTHONWARNINGS": "ignore"}, capture_output=True, text=True,
            timeout=_SECONDS_MAX, check=False,
        )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"The probe {probe.name} failed:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def in_turns(probes: Sequence[Probe], repeats: int) -> dict[str, Figures]:
    """Run every probe `repeats` times, one after the other and round again; return the median of each figure."""
    seen: dict[str, list[Figures]] = {probe.name: [] for probe in probes}
    for _ in range(repeats):
        for probe in probes:
            seen[probe.name].append(run(probe))
    return {name: _medians(figures) for name, figures in seen.items()}


def _medians(figures: Sequence[Figures]) -> Figures:
    return {key: statistics.median(one[key] for one in figures) for key in figures[0]}
