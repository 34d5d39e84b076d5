"""Lines of accounts agree with a dict of lists."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.state.account_lines import AccountLines


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 40)), max_size=60))
def test_adding_and_moving_lines_agrees_with_a_dict_of_lists(moves: list[tuple[int, int]]) -> None:
    lines, account_of = AccountLines(), dict[int, int]()
    for account, row in moves:
        if row in account_of:
            lines.remove(account_of[row], row)
        lines.add(account, row)
        account_of[row] = account
        expected = {known: sorted(r for r, a in account_of.items() if a == known) for known in account_of.values()}
        assert lines == expected
        assert len(lines) == len(expected)


@given(st.lists(st.lists(st.integers(0, 8), max_size=12), max_size=6))
def test_adding_many_at_once_agrees_with_adding_one_by_one(batches: list[list[int]]) -> None:
    together, singly, row = AccountLines(), AccountLines(), 0
    for accounts in batches:
        rows = np.arange(row, row + len(accounts))
        together.add_all(np.array(accounts, np.int64), rows)
        for account in accounts:
            singly.add(account, row)
            row += 1
        assert together == singly


def test_it_is_rebuilt_from_the_account_of_each_line() -> None:
    assert AccountLines.of(np.array([2, 0, 2, 2], np.int32)) == {0: [1], 2: [0, 2, 3]}


def test_an_account_without_lines_is_not_in_it() -> None:
    lines = AccountLines.of(np.array([3], np.int32))
    assert lines.get(0, []) == []
    with pytest.raises(KeyError):
        lines[99]
