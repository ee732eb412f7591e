"""What the information-flow policy adds to one tool call, in milliseconds: median and 95th percentile, on SQLite.

It measures what the policy does beside everything else that is read for a call: the question it asks the database, the
decision, the origins where a person is asked, and the note of a result on the run.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import update

from benchmarks.product import report
from signoff.gateways.tool import flow_facts as policy
from signoff.gateways.tool.facts import tool_facts
from signoff.kit import clock, ids
from signoff.settings import Settings
from signoff.tables.connections import Tool
from signoff.tables.migrate import migrate
from signoff.tables.runs import Step
from signoff.tables.session import Store
from tests.gateways.kit_world import World, make_world, settings_for

STEPS, TURN, ROUNDS = 60, 61, 400
WORDS = "The order was checked against the invoice and the amounts agree in every line of it. "
SOP = "\n".join(f"{n}. Answer supplier{n}@acme.example and post to channel-{'abcdefghij'[n % 10]}." for n in range(400))
TO = {"result": "untrusted", "confidentiality": "workspace", "sinks": ["note"], "payload": []}


def main() -> None:
    """Measure and report."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'bench.sqlite'}"
        migrate(url)
        store = Store.open(url)
        try:
            made = make_world(store, settings_for(Settings(data_dir=Path(folder), database_url=url)))
            report(_measured(made))
        finally:
            store.close()


def _measured(made: World) -> dict[str, float]:
    made.change(lambda session: session.execute(update(Tool).where(Tool.name == "post_bill").values(labels=TO)))
    made.change(lambda session: session.add_all(_steps(made)))
    at = made.with_body(sop=SOP)
    read = {"untrusted": 1, "workspace": 1}
    named, other = {"note": "supplier7@acme.example"}, {"note": "eve@evil.example"}
    cases: dict[str, tuple[str, dict[str, Any], dict[str, int]]] = {
        "read": ("look_up", {"note": "INV-7"}, read),
        "write": ("set_status", {"note": "Paid"}, read),
        "clean": ("post_bill", named, {}),
        "named": ("post_bill", named, read),
        "trusted": ("post_bill", named, {**read, "trusted": 1}),
        "asked": ("post_bill", other, read),
    }
    figures: dict[str, float] = {}
    for name, case in cases.items():
        figures[f"{name}_p50"], figures[f"{name}_p95"] = _times(at, *case)
    return figures


def _times(at: World, tool: str, args: dict[str, Any], marks: dict[str, int]) -> tuple[float, float]:
    call = replace(at.call(tool, 999, **args), turn=TURN)
    with at.store.write() as session:
        found = tool_facts(session, at.services, at.run, call)
        facts = replace(found, standing=replace(found.standing, flow=marks))

        def once() -> None:
            said = policy.flow_facts(session, at.run, call, facts)
            assert said is not None
            policy.note_result(session, at.run, call, {**marks, "untrusted": 1, "workspace": 1}, said.labels)

        return _quantiles(once)


def _quantiles(once: Callable[[], None]) -> tuple[float, float]:
    once()
    taken: list[float] = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        once()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken), statistics.quantiles(taken, n=20)[-1]


def _steps(at: World) -> list[Step]:
    labels = {"integrity": "untrusted", "confidentiality": "workspace"}
    trusted = {"integrity": "trusted", "confidentiality": "workspace"}
    return [
        Step(
            id=ids.new_id("stp"), workspace_id=at.run.workspace_id, run_id=at.run.run_id, leg=1, seq=number,
            key=f"{at.run.run_id}:s{number}", kind="tool", name="erp.look_up", state="completed", verdicts=[],
            request={}, response={"text": WORDS * 46},
            detail={"turn": number, "flow": trusted if number % 10 == 0 else labels}, started_at=clock.now(),
            ended_at=clock.now(),
        )
        for number in range(1, STEPS + 1)
    ]  # fmt: skip


if __name__ == "__main__":
    main()
