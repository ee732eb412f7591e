"""Datasets and evaluations for commands: over the API of a running Signoff, or on this machine's database."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from signoff.cli.exits import NOT_FOUND, Stop
from signoff.cli.local import operator, settings_for, store_for, workspace_for

if TYPE_CHECKING:
    # Loaded when a command needs them: `--help` answers at once.
    from signoff.cli.remote import Remote
    from signoff.evaluations.actions import NewExample
    from signoff.people.access import Principal
    from signoff.tables.session import Store

_PAGE = 200


class Desk(Protocol):
    """What commands on datasets ask for. Every answer is plain JSON."""

    def datasets(self, agent: str) -> list[dict[str, Any]]:
        """Return the datasets of an agent."""
        ...

    def create(self, agent: str, name: str, *, is_golden: bool) -> str:
        """Make a dataset; return its id."""
        ...

    def examples(self, dataset_id: str) -> Iterator[dict[str, Any]]:
        """Yield the examples of a dataset, a page at a time."""
        ...

    def add(self, dataset_id: str, new: Sequence[NewExample]) -> list[str]:
        """Add examples, all or none; return their ids."""
        ...

    def add_run(self, dataset_id: str, run_id: str, *, is_critical: bool, note: str) -> str:
        """Add a run as an example; return the example's id."""
        ...


@contextmanager
def desk(url: str | None, key: str | None, workspace: str | None, data: Path | None) -> Generator[Desk]:
    """Give a desk: of the server at `url`; without one, of this machine's database."""
    if url:
        from signoff.cli.remote import Remote

        with Remote(url, key) as remote:
            yield RemoteDesk(remote)
    else:
        with store_for(settings_for(data)) as store:
            yield LocalDesk(store, operator(workspace_for(store, workspace)))


def dataset_of(rows: Sequence[dict[str, Any]], wanted: str) -> dict[str, Any]:
    """Return the dataset of that slug or id.

    Raises:
        Stop: there is none; with the ones there are.
    """
    found = next((row for row in rows if wanted in (row["slug"], row["id"])), None)
    if found is None:
        names = ", ".join(str(row["slug"]) for row in rows[:20])
        there = f"It has {names}." if names else "It has none yet."
        raise Stop(NOT_FOUND, f"The agent has no dataset {wanted!r}. {there}")
    return found


class RemoteDesk:
    """The desk of a running server."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def datasets(self, agent: str) -> list[dict[str, Any]]:
        """Return the datasets of an agent."""
        return self._remote.ask("GET", f"{self._remote.here}/agents/{agent}/datasets")["items"]

    def create(self, agent: str, name: str, *, is_golden: bool) -> str:
        """Make a dataset; return its id."""
        asked = {"name": name, "is_golden": is_golden}
        return self._remote.ask("POST", f"{self._remote.here}/agents/{agent}/datasets", body=asked)["id"]

    def examples(self, dataset_id: str) -> Iterator[dict[str, Any]]:
        """Yield the examples of a dataset, a page at a time."""
        query: dict[str, Any] = {"size": _PAGE}
        while True:
            found = self._remote.ask("GET", f"{self._remote.here}/datasets/{dataset_id}/examples", query=query)
            yield from found["items"]
            if not found.get("next_cursor"):
                return
            query["cursor"] = found["next_cursor"]

    def add(self, dataset_id: str, new: Sequence[NewExample]) -> list[str]:
        """Add examples, all or none; return their ids."""
        asked = {"examples": [{**asdict(one), "tags": list(one.tags)} for one in new]}
        return self._remote.ask("POST", f"{self._remote.here}/datasets/{dataset_id}/examples", body=asked)["ids"]

    def add_run(self, dataset_id: str, run_id: str, *, is_critical: bool, note: str) -> str:
        """Add a run as an example; return the example's id."""
        asked = {"run": run_id, "is_critical": is_critical, "note": note}
        return self._remote.ask("POST", f"{self._remote.here}/datasets/{dataset_id}/examples", body=asked)["ids"][0]


class LocalDesk:
    """The desk of this machine's database, as its operator."""

    def __init__(self, store: Store, who: Principal) -> None:
        self._store = store
        self._who = who

    def datasets(self, agent: str) -> list[dict[str, Any]]:
        """Return the datasets of an agent."""
        from signoff.api.answers import plain
        from signoff.evaluations.queries import datasets_of

        with self._store.read() as session:
            return [plain(one) for one in datasets_of(session, self._who, agent)]

    def create(self, agent: str, name: str, *, is_golden: bool) -> str:
        """Make a dataset; return its id."""
        from signoff.evaluations.actions import create_dataset

        with self._store.write() as session:
            return create_dataset(session, self._who, agent, name=name, is_golden=is_golden)

    def examples(self, dataset_id: str) -> Iterator[dict[str, Any]]:
        """Yield the examples of a dataset, a page at a time."""
        from signoff.api.answers import plain
        from signoff.evaluations.queries import examples_page

        cursor: str | None = None
        while True:
            with self._store.read() as session:
                page = examples_page(session, self._who, dataset_id, cursor=cursor, size=_PAGE)
            yield from (plain(one) for one in page.rows)
            cursor = page.next_cursor
            if cursor is None:
                return

    def add(self, dataset_id: str, new: Sequence[NewExample]) -> list[str]:
        """Add examples, all or none; return their ids."""
        from signoff.evaluations.actions import add_examples

        with self._store.write() as session:
            return add_examples(session, self._who, dataset_id, new)

    def add_run(self, dataset_id: str, run_id: str, *, is_critical: bool, note: str) -> str:
        """Add a run as an example; return the example's id."""
        from signoff.evaluations.actions import add_run_as_example

        with self._store.write() as session:
            return add_run_as_example(session, self._who, dataset_id, run_id, is_critical=is_critical, note=note)
