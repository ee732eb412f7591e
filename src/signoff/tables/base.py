"""Column types and the base class every table shares."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, MetaData, String, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase

from signoff.kit import money

# Named constraints, so that a migration can drop what another one made, on both databases.
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

Json = JSON().with_variant(JSONB(), "postgresql")
Id = String(64)
Slug = String(63)
Hash = String(64)
Name = String(200)
State = String(32)
Long = Text()
# Autoincrement in SQLite needs the exact type INTEGER.
BigId = BigInteger().with_variant(BigInteger(), "postgresql")


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. SQLite has no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a moment without a zone; store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs its zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Return the moment with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Usd(TypeDecorator[Decimal]):
    """Dollars, stored as whole nano-dollars: sums and comparisons in SQL are exact on both databases."""

    impl = BigInteger
    cache_ok = True

    class Comparator(TypeDecorator.Comparator[Decimal]):
        """Dollars plus dollars are dollars; without this the sum would be a bare integer of nano-dollars."""

        def _adapt_expression(self, op: Any, other_comparator: Any) -> Any:
            return op, self.type

    comparator_factory = Comparator  # pyright: ignore[reportAssignmentType]

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Return nano-dollars."""
        return None if value is None else money.to_nano(Decimal(value))

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Return dollars. A sum in Postgres arrives as Decimal, in SQLite as int."""
        return None if value is None else money.from_nano(int(value))


class Base(DeclarativeBase):
    """The base of every table."""

    metadata = MetaData(naming_convention=NAMING)
