"""What is measured: each function returns rows of the table."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import databases, peer
from benchmarks.rounds import Figures, Probe, in_turns

STEPS = 5
QUEUE = 100_000
# Model calls and tool calls after each: the differences between these conversations are the cost of one call.
SHAPES = {"one": (1, 0), "few": (11, 1), "many": (11, 4)}


@dataclass(frozen=True)
class Row:
    """One line: what, ours, beside what, the ratio, the aim."""

    what: str
    ours: str
    beside: str = ""
    ratio: str = ""
    aim: str = ""


def calls(repeats: int) -> list[Row]:
    """CPU that one model call and one tool call cost, beside the bare agent library and the bare engine."""
    probes = [
        Probe(f"{kind} {shape}", f"{kind}_calls", {"runs": 3, "model_calls": models, "tool_calls": tools})
        for shape, (models, tools) in SHAPES.items()
        for kind in ("ours", "bare")
    ]
    probes += [Probe(f"dbos {steps}", "dbos_runs", {"runs": 15, "steps": steps, "at_once": 1}) for steps in (5, 45)]
    found = in_turns(probes, repeats)
    step = (found["dbos 45"]["cpu_ms"] - found["dbos 5"]["cpu_ms"]) / 40
    ours, bare = _per_call(found, "ours"), _per_call(found, "bare")
    return [
        Row(
            f"CPU per {name}",
            f"{ours[number]:.1f} ms",
            f"Pydantic AI {bare[number]:.1f} ms; a DBOS step {step:.1f} ms",
            f"{ours[number] - bare[number] - step:+.1f} ms over both",
            "≤ 10 ms on top of the engine",
        )
        for number, name in enumerate(("model call", "tool call (read)"))
    ]


def _per_call(found: dict[str, Figures], kind: str) -> tuple[float, float]:
    one, few, many = (found[f"{kind} {shape}"]["cpu_ms"] for shape in SHAPES)
    models, tools = SHAPES["few"][0] - 1, (SHAPES["many"][0] - 1) * (SHAPES["many"][1] - SHAPES["few"][1])
    tool = (many - few) / tools
    return (few - one - tool * models) / models, tool


def starts(repeats: int) -> list[Row]:
    """How long a run waits for its start, while nothing is at work and while four others always are."""
    probes = [Probe(name, "start", {"runs": 20, "is_busy": name == "busy"}) for name in ("idle", "busy")]
    return [
        Row(
            f"Request to start, {name}",
            f"p50 {found['p50_ms']:.0f} ms, p95 {found['p95_ms']:.0f} ms",
            aim="p50 ≤ 100 ms",
        )
        for name, found in in_turns(probes, repeats).items()
    ]


def runs_sqlite(repeats: int) -> list[Row]:
    """Runs per second on SQLite beside bare DBOS, and what a step leaves on the disk."""
    found = in_turns(
        [
            Probe("ours", "ours_runs", {"runs": 80}),
            Probe("dbos", "dbos_runs", {"runs": 120, "steps": STEPS}),
        ],
        repeats,
    )
    ours = found["ours"]
    return [
        _throughput("SQLite", ours, "bare DBOS", found["dbos"]),
        Row(
            "Bytes per step on disk (SQLite)",
            f"{ours['signoff_bytes_per_step']:,.0f} kept",
            f"the engine's own record {ours['engine_bytes_per_step']:,.0f}, deleted after 15 minutes",
        ),
    ]


def runs_postgres(repeats: int) -> list[Row]:
    """Runs per second on Postgres beside bare DBOS and LangGraph with its checkpointer."""
    with databases.postgres() as server, tempfile.TemporaryDirectory(prefix="signoff-peer-") as folder:
        if server is None:
            return [Row("5-step runs, Postgres", "not measured: no Postgres on this machine")]
        python = peer.interpreter(Path(folder) / "env")
        kinds: list[Callable[[str], Probe]] = [
            lambda url: Probe("ours", "ours_runs", {"runs": 80, "url": url}),
            lambda url: Probe("bare DBOS", "dbos_runs", {"runs": 120, "steps": STEPS, "url": url}),
        ]
        if python is not None:
            told = {"runs": 120, "steps": STEPS}
            kinds.append(lambda url: Probe("LangGraph", "langgraph_runs", {**told, "url": url}, python))
        # A database of its own for every probe of every round.
        rounds = [in_turns([kind(databases.fresh(server)) for kind in kinds], 1) for _ in range(repeats)]
    found = {name: _median_of([one[name] for one in rounds]) for name in rounds[0]}
    ours = found.pop("ours")
    rows = [_throughput("Postgres", ours, name, peer_figures) for name, peer_figures in found.items()]
    if python is None:
        rows.append(Row("LangGraph, Postgres", "not measured: the packages could not be installed here"))
    return rows


def _median_of(figures: list[Figures]) -> Figures:
    return {key: sorted(one[key] for one in figures)[len(figures) // 2] for key in figures[0]}


def _throughput(database: str, ours: Figures, name: str, other: Figures) -> Row:
    return Row(
        f"5-step runs, {database}",
        f"{ours['runs_per_second']:.1f} runs/s, {ours['cpu_ms']:.1f} ms CPU each",
        f"{name} {other['runs_per_second']:.1f} runs/s, {other['cpu_ms']:.1f} ms",
        f"{ours['runs_per_second'] / other['runs_per_second']:.2f} × runs/s",
        "≥ 0.6 × bare DBOS" if "DBOS" in name else "",
    )


def stops(repeats: int) -> list[Row]:
    """One click that stops an agent with 100,000 queued runs, while others go on asking for theirs."""
    rows = [_stop("SQLite", in_turns([Probe("stop", "stop", {"runs": QUEUE})], repeats)["stop"])]
    with databases.postgres() as server:
        if server is None:
            return [*rows, Row("A stop, Postgres", "not measured: no Postgres on this machine")]
        rounds = [
            in_turns([Probe("stop", "stop", {"runs": QUEUE, "url": databases.fresh(server)})], 1)["stop"]
            for _ in range(repeats)
        ]
    return [*rows, _stop("Postgres", _median_of(rounds))]


def _stop(database: str, found: Figures) -> Row:
    return Row(
        f"Stop of {QUEUE:,} queued runs, {database}",
        f"{found['seconds']:.1f} s, the click {found['click_ms']:.0f} ms",
        f"others ask for a run meanwhile: p50 {found['others_p50_ms']:.0f} ms, at most {found['others_max_ms']:.0f} ms",
        aim="seconds",
    )


def memory(repeats: int) -> list[Row]:
    """The memory of one idle process that serves and works."""
    found = in_turns([Probe("idle", "memory")], repeats)["idle"]
    return [
        Row("Memory, one idle process", f"{found['fresh_mb']:.0f} MB", aim="≤ 250 MB"),
        Row("… after the sign-in page and the description of the API were opened", f"{found['opened_mb']:.0f} MB"),
        Row("… its CPU at rest", f"{found['idle_cpu_percent']:.1f} % of a core"),
    ]


def flow(repeats: int) -> list[Row]:
    """What the information-flow policy adds to a tool call, after 60 calls with results of 4,000 characters."""
    found = in_turns([Probe("flow", "flow_calls", {})], repeats)["flow"]
    words = {"read": "a read", "named": "a send to whom the SOP names", "asked": "one about which a person is asked"}
    return [
        Row(
            f"What the flow policy adds to {text}",
            f"p50 {found[f'{name}_p50']:.2f} ms, p95 {found[f'{name}_p95']:.2f} ms",
            aim="" if name == "asked" else "p95 ≤ 2 ms",
        )
        for name, text in words.items()
    ]


ALL: dict[str, Callable[[int], list[Row]]] = {
    "runs": runs_sqlite,
    "postgres": runs_postgres,
    "calls": calls,
    "starts": starts,
    "memory": memory,
    "stops": stops,
    "flow": flow,
}
