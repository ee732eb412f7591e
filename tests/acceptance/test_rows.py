"""Every row has its check or says why not, and every check its row."""

from __future__ import annotations

from tests.acceptance.rows import ROWS, checks


def test_every_row_has_a_check_or_a_reason():
    by_row = checks()
    assert [row.id for row in ROWS if bool(by_row[row.id]) == bool(row.missing)] == []


def test_every_check_belongs_to_a_row():
    assert set(checks()) == {row.id for row in ROWS}
    assert len({row.id for row in ROWS}) == len(ROWS)
