"""Compact ids behave as a list and a dict of strings do."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.state.ids import START_SLOTS, IdList, RowIndex, hashes_of

IDS = st.text(max_size=12).filter(lambda text: text.isprintable())


@settings(deadline=None)
@given(st.lists(st.one_of(st.sampled_from(["a", "", "号码", "line-1"]), IDS), max_size=60))
def test_ids_get_the_rows_that_a_dict_would_give_them(row_ids: list[str]) -> None:
    ids, expected = IdList(), dict[str, int]()
    index = RowIndex(ids)
    for row_id in row_ids:
        row, is_new = index.find_or_add(row_id)
        assert is_new == (row_id not in expected)
        if is_new:
            ids.append(row_id)
        assert row == expected.setdefault(row_id, len(expected))
    assert index == expected
    assert ids == list(expected)
    assert index.rows([*row_ids, "unknown id"]).tolist() == [*(expected[row_id] for row_id in row_ids), -1]


PSEUDONYMS = st.builds("{}{:032x}".format, st.sampled_from(["k1-", "键-", ""]), st.integers(0, (1 << 128) - 1))


@given(
    st.one_of(
        st.lists(PSEUDONYMS),
        st.lists(IDS),
        st.lists(st.one_of(PSEUDONYMS, IDS, st.just("F" * 32))),
        st.just(["x" * 40] * 3),
    )
)
def test_ids_taken_in_together_are_kept_and_given_back_as_one_by_one(row_ids: list[str]) -> None:
    together, singly, copied = IdList(), IdList(), IdList()
    together.extend(row_ids)
    for row_id in row_ids:
        singly.append(row_id)
    assert together.packed(0, len(row_ids))[0] == singly.packed(0, len(row_ids))[0]
    half = len(row_ids) // 2
    for part in (together.packed(0, half), together.packed(half, len(row_ids))):
        copied.extend_packed(*part)
    assert list(copied) == [singly[row] for row in range(len(row_ids))] == row_ids
    assert copied.of_rows(np.arange(len(row_ids))[::-1]) == row_ids[::-1]


def test_ten_thousand_ids_are_found_after_growing_one_by_one_and_after_loading_pages() -> None:
    names = [f"k1-{number:032x}" for number in range(10_000)]
    grown, loaded = RowIndex(IdList()), RowIndex(IdList())
    for name in names:
        grown.find_or_add(name)
    for start in range(0, len(names), 512):
        loaded.extend(hashes_of(names[start : start + 512]))
    for index in (grown, loaded):
        assert index.rows(names).tolist() == list(range(10_000))
        assert index.get("k1-unknown") is None
        assert len(index) == 10_000 > START_SLOTS


def test_unknown_ids_and_rows_are_errors() -> None:
    ids = IdList()
    ids.append("a")
    with pytest.raises(KeyError, match="b"):
        RowIndex(ids)["b"]
    for row in (-1, 1):
        with pytest.raises(IndexError):
            ids[row]
    assert ids[0:5] == ["a"]


def test_a_line_takes_less_than_a_hundred_bytes() -> None:
    ids = IdList()
    index = RowIndex(ids)
    for number in range(100_000):
        index.find_or_add(f"k1-{number:032x}")
        ids.append(f"k1-{number:032x}")
    assert (ids.nbytes + index.nbytes) / 100_000 < 100
