"""Tokens of JSON that can be read in one way only, for loops over a file's bytes.

Plain is ASCII without escapes: strings, numbers of at most fifteen digits without an exponent, literals. Each function is told
where a token begins and says where it ends, -1 where it is not plain. Texts end in a line feed, at which all of them stop, and
in `pipeline.words.PADDING` bytes more, which are line feeds too.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.compiled import compiled, inlined
from pipeline.words import trailing_zeros, word_at

QUOTE, BACKSLASH, COLON, COMMA, OPEN, CLOSE, POINT, MINUS, SPACE, TAB = b'"\\:,{}.- \t'
ZERO, NINE = b"09"
#: Longer numbers may not be what a decoder makes of them. So many digits are exact in a float, and their quotient by a power of
#: ten is rounded once, as a decoder rounds (W. Clinger, "How to Read Floating Point Numbers Accurately", 1990).
DIGITS_MAX = 15
#: A one in each byte, and the highest bit of each.
ONES, HIGHEST = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
LITERALS = tuple(np.frombuffer(word, np.uint8) for word in (b"true", b"false", b"null"))
#: What is noted of a value: where it begins and ends, its digits as one number, how many of them are decimals.
BEGIN, END, DIGITS, DECIMALS = range(4)
#: Decimals of what is no number, or a negative one.
NONE = -1
Text = NDArray[np.uint8]
Numbers = NDArray[np.int64]


@inlined
def skip_space(text: Text, at: int) -> int:
    """Where white space that begins here ends."""
    while text[at] == SPACE or text[at] == TAB:
        at += 1
    return at


@inlined
def string_stop(text: Text, at: int) -> int:
    """Behind the string that begins here."""
    if text[at] != QUOTE:
        return -1
    at += 1
    while True:
        word = word_at(text, at)
        special = _not_plain(word)
        if special:
            break
        at += 8
    at += int(np.int64(trailing_zeros(special) >> np.uint64(3)))
    return at + 1 if text[at] == QUOTE else -1


@inlined
def _not_plain(word: np.uint64) -> np.uint64:
    """The highest bit of each byte that ends a string or is not plain: a quote, a backslash, below a space, beyond ASCII. Above
    the lowest such byte others may be marked that are plain (A. Mycroft's test for a zero byte, 1987).
    """
    quotes, slashes = word ^ ONES * np.uint64(QUOTE), word ^ ONES * np.uint64(BACKSLASH)
    low = (word - ONES * np.uint64(SPACE)) & ~word
    return np.uint64((((quotes - ONES) & ~quotes) | ((slashes - ONES) & ~slashes) | low | word) & HIGHEST)


@compiled
def is_word(text: Text, at: int, word: Text, size: int) -> bool:
    """Whether the first `size` bytes of `word` stand here."""
    place = 0
    while place < size and text[at + place] == word[place]:
        place += 1
    return place == size


@compiled
def literal_stop(text: Text, at: int) -> int:
    """Behind `true`, `false` or `null`."""
    for word in LITERALS:
        if text[at] == word[0] and is_word(text, at, word, len(word)):
            return at + len(word)
    return -1


@inlined
def number_stop(text: Text, at: int, note: Numbers, row: int) -> int:
    """Behind the number that begins here. Notes in its row all its digits as one number (`DIGITS`), and how many of them are
    decimals (`DECIMALS`), `NONE` for a negative one.
    """
    is_negative = text[at] == MINUS
    at += is_negative
    first, limit, number, decimals = at, at + DIGITS_MAX, 0, 0
    if _is_all_digits(word_at(text, at)):
        number, at = _eight_digits(word_at(text, at)), at + 8
    while ZERO <= text[at] <= NINE and at <= limit:
        number = 10 * number + (text[at] - ZERO)
        at += 1
    if at == first or (text[first] == ZERO and at > first + 1):
        return -1
    if text[at] == POINT:
        at += 1
        point = at
        while ZERO <= text[at] <= NINE and at <= limit:
            number = 10 * number + (text[at] - ZERO)
            at += 1
        decimals = at - point
        if not decimals:
            return -1
    note[row, DIGITS] = number
    note[row, DECIMALS] = NONE if is_negative else decimals
    return at if at <= limit else -1


@inlined
def _is_all_digits(word: np.uint64) -> bool:
    high = np.uint64(0xF0F0F0F0F0F0F0F0)
    digits = ONES * np.uint64(ZERO)
    return bool((word & high) == digits and ((word + ONES * np.uint64(6)) & high) == digits)


@inlined
def _eight_digits(word: np.uint64) -> int:
    """The number that eight digits stand for: pairs, then fours, then all at once."""
    word = (word & np.uint64(0x0F0F0F0F0F0F0F0F)) * np.uint64(10 << 8 | 1) >> np.uint64(8)
    word = (word & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(100 << 16 | 1) >> np.uint64(16)
    return int(np.int64((word & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(10000 << 32 | 1) >> np.uint64(32)))
