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
    taken = _held(session, list(by_name.values()), amount)
    # No room, or the first call of this pot (maybe beside another first one): it has its row then; ask again.
    left = [by_name[name] for name in sorted(by_name.keys() - taken)]
    if left:
        open_all(session, workspace_id, left)
        taken |= _held(session, left, amount)
    full = next((pot for pot in left if pot.name not in taken), None)
    if full is not None:
        change_counters(session, sorted(taken), held=-amount)
    return full


def _held(session: Session, pots: Sequence[Pot], amount: Decimal) -> set[str]:
    """Hold in each of the pots that has a row and room. Returns their names."""
    by_name = {pot.name: pot for pot in pots}
    taken: set[str] = set()
    for size, part in _parts(sorted(by_name)):
        of: dict[str, Any] = {"asked": amount, "pots": len(set(part))}
        for number, name in enumerate(part):
            of |= {f"of_pot_{number}": name, f"cap_{number}": by_name[name].cap_usd}
        taken.update(row.pot for row in statements.HOLD_ALL[size].all(session, of))
    return taken


def open_all(session: Session, workspace_id: str, pots: Sequence[Pot]) -> None:
    """Give every pot its row, if it has none. Lock nothing before: it can mean waiting for who makes one too."""
    for pot in sorted(pots, key=lambda pot: pot.name):
        first = {
            "pot": pot.name, "workspace_id": workspace_id, "spent_usd": money.ZERO, "held_usd": money.ZERO,
            "cap_usd": pot.told_usd, "warn_usd": pot.warn_usd,
        }  # fmt: skip
        statements.OPEN_POT.run(session, first)


def _parts(names: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield so many names at a time, in their order, as a statement takes; the last name fills what is left over."""
    most = max(statements.SIZES)
    for start in range(0, len(names), most):
        part = list(names[start : start + most])
        size = next(size for size in statements.SIZES if len(part) <= size)
        yield size, part + part[-1:] * (size - len(part))
