"""`make acceptance`: runs every check and prints, by system, how many rows are built and how many of them pass."""

from __future__ import annotations

import sys
from collections import defaultdict

import pytest

from tests.acceptance.rows import ROWS, SYSTEMS, Row, rows_of

FOLDER = "tests/acceptance"


class Board:
    """Collects what came of each check."""

    def __init__(self) -> None:
        self.outcomes: dict[str, dict[str, str]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        name = report.nodeid.rsplit("::", 1)[-1]
        for row in rows_of(name):
            before = self.outcomes[row].get(name, "passed")
            if report.when == "call" or report.outcome != "passed":
                worst = "failed" if "failed" in (before, report.outcome) else report.outcome
                self.outcomes[row][name] = worst

    def state(self, row: Row) -> tuple[str, str]:
        """`passing`, `failing` or `missing`, and why it is not the first."""
        if row.missing:
            return "missing", row.missing
        found = self.outcomes.get(row.id, {})
        bad = [f"{name} {outcome}" for name, outcome in found.items() if outcome != "passed"]
        if not found:
            return "failing", "its check did not run"
        return ("failing", ", ".join(bad)) if bad else ("passing", "")

    def print(self) -> bool:
        """Print the scoreboard; return whether every row that is built passes."""
        states = {row.id: self.state(row) for row in ROWS}
        print("\nAcceptance rows, by system\n")
        for letter, system in SYSTEMS.items():
            mine = [state for row, (state, _) in states.items() if row.startswith(letter)]
            built = len(mine) - mine.count("missing")
            print(f"  {letter}  {system:<10} {built:>3} of {len(mine):>2} built, {mine.count('passing'):>3} passing")
        passing = sum(state == "passing" for state, _ in states.values())
        print(f"     {'all':<10} {passing:>3} of {len(ROWS)} rows are green\n")
        for row in ROWS:
            state, why = states[row.id]
            if state != "passing":
                print(f"  {row.id} is {state}: {why}\n       it demands: {row.demands}")
        for row in ROWS:
            if row.without and states[row.id][0] == "passing":
                print(f"  {row.id} passes without {row.without}")
        return all(state != "failing" for state, _ in states.values())


def main(words: list[str]) -> int:
    """Run the checks in two processes, then print."""
    board = Board()
    chosen = words or ["-q", "-n", "2", "--dist", "loadfile", "--no-header"]
    code = pytest.main([FOLDER, *chosen], plugins=[board])
    return 0 if board.print() and code == 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
