"""Kinds of call records by the very bytes of their fields, for those that the decoder has accepted before.

What a call is about is told by a few words (`service`, `direction`, ...), of which there are dozens of combinations. Whether the
contract knows the words is the decoder's to judge: a combination has a code only once a record with the same bytes was accepted.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.compiled import compiled
from pipeline.sources.plain_tokens import Text
from pipeline.xxh3 import SIZE_MAX, xxh3_64

#: Combinations remembered, and bytes of one; others are decoded each time.
COMBINATIONS_MAX, BYTES_MAX = 4096, 120
#: Codes of those that no accepted record has had, and the place of one that has none.
UNKNOWN, NOWHERE = -1, -1
SLOTS = 4 * COMBINATIONS_MAX


#: What is known, as a compiled function takes it: bytes of each combination (n, BYTES_MAX), how many they are, its code; slots to
#: find it, and how many there are, one number.
Known = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]


def none_known() -> Known:
    """No combination yet."""
    return (
        np.zeros((COMBINATIONS_MAX, BYTES_MAX), np.uint8),
        np.zeros(COMBINATIONS_MAX, np.int64),
        np.full(COMBINATIONS_MAX, UNKNOWN, np.int32),
        np.full(SLOTS, NOWHERE, np.int64),
        np.zeros(1, np.int64),
    )


@compiled
def place_of(known: Known, words: Text, size: int) -> int:
    """Place of the combination that the first `size` bytes of `words` are; a new one gets a place as long as there is room."""
    texts, sizes, _, slots, count = known
    at = np.int64(xxh3_64(words, 0, min(size, SIZE_MAX)) & np.uint64(SLOTS - 1))
    while slots[at] != NOWHERE:
        place = slots[at]
        if sizes[place] == size and _is_same(texts, place, words, size):
            return int(place)
        at = (at + 1) & (SLOTS - 1)
    place = count[0]
    if place == COMBINATIONS_MAX:
        return NOWHERE
    count[0] += 1
    slots[at], sizes[place] = place, size
    texts[place, :size] = words[:size]
    return int(place)


@compiled
def _is_same(texts: NDArray[np.uint8], number: int, other: Text, size: int) -> bool:
    place = 0
    while place < size and texts[number, place] == other[place]:
        place += 1
    return place == size
