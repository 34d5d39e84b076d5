"""Ids of rows that are unpacked when asked for: the same texts, and the hashes of those texts."""

from zlib import crc32

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.state.id_rows import IdRows, picked
from pipeline.state.ids import IdList

PSEUDONYMS = st.tuples(st.sampled_from(["", "k1-", "ü"]), st.text("0123456789abcdef", min_size=32, max_size=32)).map(
    "".join
)


@settings(deadline=None)  # the first call loads what is compiled
@given(st.lists(st.one_of(PSEUDONYMS, st.text(max_size=40)), min_size=1, max_size=20), st.data())
def test_hashes_and_ids_are_those_of_the_texts(texts: list[str], data: st.DataObject) -> None:
    ids = IdList()
    for text in texts:
        ids.append(text)
    rows = data.draw(st.lists(st.integers(0, len(texts) - 1), max_size=8))

    found = IdRows(ids, np.array(rows, np.int32))

    assert found.crc32().tolist() == [crc32(texts[row].encode()) for row in rows]
    assert list(found) == [texts[row] for row in rows]
    assert picked(found, range(len(rows))) == found[:] == picked([texts[row] for row in rows], range(len(rows)))
