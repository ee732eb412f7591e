"""The counters of the pots, several in one statement: a model call is counted in four or five, twice.

Everybody locks them in the order of their names, so that two who count cannot wait for each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from signoff.budgets import statements
from signoff.budgets.alerts import tell_if_due
from signoff.budgets.states import Pot
from signoff.kit import money


def change_counters(session: Session, pots: Sequence[str], *, held: Decimal, spent: Decimal = money.ZERO) -> None:
    """Add to what is held and spent in every pot, and tell people of a limit that is near by now."""
    changed: dict[str, Any] = {}
    for size, part in _parts(sorted(pots)):
        names = {f"of_pot_{number}": pot for number, pot in enumerate(part)}
        rows = statements.CHANGE_ALL[size].all(session, {"held": held, "spent": spent, **names})
        changed.update((row.pot, row) for row in rows)
    if spent:
        for pot in sorted(changed):
            tell_if_due(session, pot, changed[pot])


def hold_in_all(session: Session, workspace_id: str, pots: Sequence[Pot], amount: Decimal) -> Pot | None:
    """Hold `amount` in every pot. Returns the first that has no room; then nothing is held in any."""
    by_name = {pot.name: pot for pot in pots}
    taken: set[str] = set()
    for size, part in _parts(sorted(by_name)):
        of: dict[str, Any] = {"asked": amount}
        for number, name in enumerate(part):
            of |= {f"of_pot_{number}": name, f"cap_{number}": by_name[name].cap_usd}
        taken.update(row.pot for row in statements.HOLD_ALL[size].all(session, of))
    for name in sorted(by_name.keys() - taken):
        # No room, or the first call of this pot (maybe beside another first one): it has its row now; ask again.
        if not _opened(session, workspace_id, by_name[name], amount):
            change_counters(session, sorted(taken), held=-amount)
            return by_name[name]
        taken.add(name)
    return None


def _opened(session: Session, workspace_id: str, pot: Pot, amount: Decimal) -> bool:
    first = {
        "pot": pot.name, "workspace_id": workspace_id, "spent_usd": money.ZERO, "held_usd": money.ZERO,
        "cap_usd": pot.told_usd, "warn_usd": pot.warn_usd,
    }  # fmt: skip
    statements.OPEN_POT.run(session, first)
    size = min(statements.HOLD_ALL)
    of = {f"{name}_{number}": value for number in range(size) for name, value in _of(pot)}
    return bool(statements.HOLD_ALL[size].all(session, {"asked": amount, **of}))


def _of(pot: Pot) -> tuple[tuple[str, Any], ...]:
    return ("of_pot", pot.name), ("cap", pot.cap_usd)


def _parts(names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield so many names at a time, in their order, as a statement takes; the last name fills what is left over."""
    most = max(statements.SIZES)
    for start in range(0, len(names), most):
        part = list(names[start : start + most])
        size = next(size for size in statements.SIZES if len(part) <= size)
        yield size, part + part[-1:] * (size - len(part))
