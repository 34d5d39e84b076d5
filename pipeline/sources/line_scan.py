"""Where plain lines of JSON belong and when they happened, read from a whole stretch of a file in one compiled pass.

A replay's process must know of every record when it was received and whose it is, and decode only its own. Splitting the text and
reading three fields of each line took 1.9 us a line, a third of the process; this takes 0.3 us. Trusted is only what could not be
read in any other way: one flat object a line in plain ASCII without escapes, of strings, short numbers and literals, with each of
the three fields once and within its limits. Any other line is `odd` and is the JSON decoder's to judge.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.compiled import compiled
from pipeline.partitioning import MULTIPLIER, SEED, SHIFT
from pipeline.sources.files import LINE_FEED, count_lines

QUOTE, BACKSLASH, COLON, COMMA, OPEN, CLOSE, POINT, MINUS, SPACE, TAB = b'"\\:,{}.- \t'
ZERO, NINE = b"09"
#: Limits of ids and times in the contract (`pipeline.events`); longer numbers may not be what a decoder makes of them.
ID_MAX, TIME_MAX, DIGITS_MAX = 128, 32_503_680_000_000, 15
NO_TIME = -1

#: Bytes that may stand in a string as they are.
PLAIN = np.array([32 <= code < 127 and code not in (QUOTE, BACKSLASH) for code in range(256)])
FIELDS = tuple(np.frombuffer(name, np.uint8) for name in (b"account_id", b"ts_ms", b"received_ms"))
ACCOUNT_ID, TS_MS, RECEIVED_MS = 1, 2, 3
LITERALS = tuple(np.frombuffer(word, np.uint8) for word in (b"true", b"false", b"null"))
Text = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class LineScan:
    """Lines of a stretch, each array (n_lines,): from `start` up to `stop` in the text, `ts_ms`, `received_ms` (`ts_ms` where
    there is none), murmur2 of the account's id. Nothing is said of `odd` lines but where they are.
    """

    start: NDArray[np.int64]
    stop: NDArray[np.int64]
    ts_ms: NDArray[np.int64]
    received_ms: NDArray[np.int64]
    account_hash: NDArray[np.uint32]
    odd: NDArray[np.bool_]


def scan_lines(text: bytes) -> LineScan:
    r"""Scan whole lines, the last of which ends in a line feed, too.

    >>> found = scan_lines(b'{"ts_ms":5,"account_id":"21","charge": 0.5}\n{"ts_ms":5}\n')
    >>> found.account_hash.tolist()[0], found.received_ms.tolist()[0], found.odd.tolist()
    (3321034988, 5, [False, True])
    """
    return LineScan(*_scan(np.frombuffer(text, np.uint8), count_lines(text)))


@compiled
def _scan(
    text: Text, n_lines: int
) -> tuple[
    NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.uint32], NDArray[np.bool_]
]:
    start, stop = np.empty(n_lines, np.int64), np.empty(n_lines, np.int64)
    happened, received = np.zeros(n_lines, np.int64), np.zeros(n_lines, np.int64)
    hashes, odd = np.zeros(n_lines, np.uint32), np.ones(n_lines, np.bool_)
    at, where = 0, np.zeros((4, 2), np.int64)
    for line in range(n_lines):
        start[line], end = at, _line(text, at, where)
        if end >= 0:
            happened[line] = received[line] = _time(text, where[TS_MS, 0], where[TS_MS, 1])
            if where[RECEIVED_MS, 0]:
                received[line] = _time(text, where[RECEIVED_MS, 0], where[RECEIVED_MS, 1])
            hashes[line] = _murmur2(text, where[ACCOUNT_ID, 0] + 1, where[ACCOUNT_ID, 1] - 1)
            size = where[ACCOUNT_ID, 1] - where[ACCOUNT_ID, 0] - 2
            is_id = text[where[ACCOUNT_ID, 0]] == QUOTE and 0 < size <= ID_MAX
            odd[line] = not is_id or happened[line] == NO_TIME or received[line] == NO_TIME
        else:
            end = at
            while text[end] != LINE_FEED:
                end += 1
        stop[line], at = end, end + 1
    return start, stop, happened, received, hashes, odd


@compiled
def _line(text: Text, at: int, where: NDArray[np.int64]) -> int:
    """End of the line that begins here, -1 where it is odd; `where` are begin and end of the value of each of our fields."""
    where[:] = 0
    if text[at] != OPEN:
        return -1
    while True:
        key = _token(text, at + 1)
        key_stop = _string(text, key)
        at = _token(text, key_stop)
        if key_stop < 0 or text[at] != COLON:
            return -1
        value = _token(text, at + 1)
        value_stop = _value(text, value)
        field = _field(text, key + 1, key_stop - 1)
        if value_stop < 0 or (field and where[field, 0]):
            return -1
        where[field, 0], where[field, 1] = value, value_stop
        at = _token(text, value_stop)
        if text[at] != COMMA:
            break
    is_whole = text[at] == CLOSE and text[at + 1] == LINE_FEED
    return at + 1 if is_whole and where[TS_MS, 0] and where[ACCOUNT_ID, 0] else -1


@compiled
def _field(text: Text, key: int, stop: int) -> int:
    """Which of our fields this is; 0 another one."""
    for field in range(1, 4):
        if _is(text, key, stop, FIELDS[field - 1]):
            return field
    return 0


@compiled
def _token(text: Text, at: int) -> int:
    """Where white space that begins here ends."""
    while text[at] == SPACE or text[at] == TAB:
        at += 1
    return at


@compiled
def _value(text: Text, at: int) -> int:
    """Behind the value that begins here; -1 where it is odd."""
    if text[at] == QUOTE:
        return _string(text, at)
    if text[at] == MINUS or ZERO <= text[at] <= NINE:
        return _number(text, at)
    for word in LITERALS:
        if text[at] == word[0] and _is(text, at, at + len(word), word):
            return at + len(word)
    return -1


@compiled
def _string(text: Text, at: int) -> int:
    """Behind the string that begins here; -1 where it is odd."""
    if at < 0 or text[at] != QUOTE:
        return -1
    at += 1
    while PLAIN[text[at]]:
        at += 1
    return at + 1 if text[at] == QUOTE else -1


@compiled
def _number(text: Text, at: int) -> int:
    """Behind the number that begins here; -1 where it is odd: long, with an exponent, or with zeros in front."""
    at += text[at] == MINUS
    first, limit = at, at + DIGITS_MAX
    while ZERO <= text[at] <= NINE and at <= limit:
        at += 1
    if at == first or (text[first] == ZERO and at > first + 1):
        return -1
    if text[at] == POINT:
        at += 1
        point = at
        while ZERO <= text[at] <= NINE and at <= limit:
            at += 1
        if at == point:
            return -1
    return at if at <= limit else -1


@compiled
def _time(text: Text, at: int, stop: int) -> int:
    """The whole number that stands there; NO_TIME where it is none, or no time."""
    time = 0
    for place in range(at, stop):
        if not ZERO <= text[place] <= NINE:
            return NO_TIME
        time = 10 * time + (text[place] - ZERO)
    return time if time <= TIME_MAX else NO_TIME


@compiled
def _is(text: Text, at: int, stop: int, word: Text) -> bool:
    if stop - at != len(word):
        return False
    place = 0
    while place < len(word) and text[at + place] == word[place]:
        place += 1
    return place == len(word)


@compiled
def _murmur2(text: Text, at: int, stop: int) -> np.uint32:
    """`pipeline.partitioning.murmur2` of these bytes."""
    multiplier, size = np.uint32(MULTIPLIER), stop - at
    hashed = np.uint32(SEED) ^ np.uint32(size)
    whole = at + (size & ~3)
    for place in range(at, whole, 4):
        word = np.uint32(0)
        for byte in range(4):
            word |= np.uint32(text[place + byte]) << np.uint32(8 * byte)
        word = np.uint32(word * multiplier)
        word = np.uint32((word ^ (word >> np.uint32(SHIFT))) * multiplier)
        hashed = np.uint32(hashed * multiplier) ^ word
    for place in range(whole, stop):
        hashed ^= np.uint32(text[place]) << np.uint32(8 * (place - whole))
    if whole < stop:
        hashed = np.uint32(hashed * multiplier)
    hashed = np.uint32((hashed ^ (hashed >> np.uint32(13))) * multiplier)
    return np.uint32(hashed ^ (hashed >> np.uint32(15)))
