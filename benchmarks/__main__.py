"""`python -m benchmarks [name …] [--repeats=N]`: measure and print the table.

With all of them, also write docs/reference/benchmarks.md.
"""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measurements import ALL, Row
from benchmarks.rounds import ROOT

PAGE = ROOT / "docs" / "reference" / "benchmarks.md"
_WORDS = """\
# Benchmarks

Made by `make bench`: medians of {repeats} rounds, in which the things compared take turns. Every probe is a process of
its own; the models are scripted and the tools answer at once, so what remains is overhead. Compare ratios; the absolute
numbers are those of one machine.

Measured on {machine}, {day}.

{table}

- A *5-step run* has 3 model calls and 2 tool calls (a read, and a write with its intent in the ledger). Ours leaves the
  full trace: steps, messages, events, verdicts, money reserved and settled, audit. The peers' steps do nothing.
- Ours is measured from the first request to the last completion, requests included. All have 32 runs under way at most.
- CPU is that of the measured process; the database server's own is not in it.
- Postgres and SQLite do not wait for the disk with each commit here (SQLite: WAL and `synchronous=normal`, as in the
  product; Postgres: `synchronous_commit=off`).
- *Busy* means that four other runs are always under way.
- *Pydantic AI* is the same conversation on the agent library alone, *a DBOS step* a recorded step that does nothing.
"""


def main(words: list[str]) -> None:
    """Measure what is named, or everything; `--repeats=N` for other than three rounds."""
    names = [word for word in words if not word.startswith("--repeats=")]
    repeats = next((int(word.partition("=")[2]) for word in words if word not in names), 3)
    unknown = set(names) - set(ALL)
    if unknown:
        raise SystemExit(f"There is no benchmark {', '.join(sorted(unknown))}. There are: {', '.join(ALL)}.")
    rows: list[Row] = []
    for name in names or ALL:
        print(f"{name} …", file=sys.stderr, flush=True)
        rows += ALL[name](repeats)
    print(table(rows))
    if not names:
        PAGE.write_text(
            _WORDS.format(repeats=repeats, machine=machine(), day=datetime.now(UTC).date(), table=table(rows))
        )


def table(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    lines = ["| | Signoff | beside it | | aim |", "|---|---|---|---|---|"]
    lines += [f"| {row.what} | {row.ours} | {row.beside} | {row.ratio} | {row.aim} |" for row in rows]
    return "\n".join(lines)


def machine() -> str:
    """Return the kind of machine, without its name."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    kind = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({kind}), {platform.system()}, Python {platform.python_version()}, "
        f"shared with other work (load {load:.0f} at the end)"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
