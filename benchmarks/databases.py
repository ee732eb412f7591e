"""A Postgres for one round of measurements, when this machine has the programs."""

from __future__ import annotations

import itertools
from collections.abc import Generator
from contextlib import contextmanager

from tests.kit_postgres import Cluster, cluster, find_programs

_numbers = itertools.count(1)


@contextmanager
def postgres() -> Generator[Cluster | None]:
    """Yield a server of our own that does not wait for the disk, or None."""
    programs = find_programs()
    if programs is None:
        yield None
        return
    with cluster(programs) as made:
        yield made


def fresh(made: Cluster) -> str:
    """Return the address of a new, empty database."""
    return made.create(f"bench_{next(_numbers)}")
