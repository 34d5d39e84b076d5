"""Text of ids as it is kept: UTF-8, or, of a pseudonym, what its 32 hexadecimal digits stand for."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

#: Digits at the end of a pseudonym, lower case; and what marks an id of which they are packed: no UTF-8 has this byte.
PSEUDONYM_DIGITS = 32
DIGIT_BYTES = PSEUDONYM_DIGITS // 2
MARK = 0xFF
PACKED = bytes([MARK])
_PSEUDONYM = re.compile(r"[0-9a-f]{32}").fullmatch
#: Which bytes are hexadecimal digits, lower case.
_IS_DIGIT = np.isin(np.arange(256), np.frombuffer(b"0123456789abcdef", np.uint8))
_IS_ASCII = 0x7F

Lengths = NDArray[np.uint32]


def packed(row_id: str) -> bytes:
    """Bytes of one id.

    >>> packed("k1-" + "0" * 31 + "a").hex()
    'ff6b312d0000000000000000000000000000000a'
    """
    digits = row_id[-PSEUDONYM_DIGITS:]
    if _PSEUDONYM(digits):
        return PACKED + row_id[:-PSEUDONYM_DIGITS].encode() + bytes.fromhex(digits)
    return row_id.encode()


def unpacked(text: bytes | bytearray) -> str:
    """The id of which `packed` made these bytes."""
    if text[:1] == PACKED:
        cut = len(text) - DIGIT_BYTES
        return text[1:cut].decode() + text[cut:].hex()
    return text.decode()


def packed_together(row_ids: Sequence[str]) -> tuple[bytes, Lengths]:
    """The bytes of many ids one after the other, and how many each has.

    Many pseudonyms of one length, or many short ids, are packed in a few passes: a tenth of the time of one by one.
    """
    sizes = np.fromiter(map(len, row_ids), np.uint32, len(row_ids))
    joined = "".join(row_ids)
    if len(sizes) and joined.isascii():
        if int(sizes.max()) < PSEUDONYM_DIGITS:
            return joined.encode(), sizes
        if int(sizes.min()) == int(sizes.max()):
            text = np.frombuffer(joined.encode(), np.uint8).reshape(len(sizes), -1)
            digits = text[:, -PSEUDONYM_DIGITS:]
            if _IS_DIGIT[digits].all():
                return _pack_all(text[:, :-PSEUDONYM_DIGITS], digits)
    one_by_one = [packed(row_id) for row_id in row_ids]
    return b"".join(one_by_one), np.fromiter(map(len, one_by_one), np.uint32, len(one_by_one))


def unpacked_together(text: NDArray[np.uint8]) -> list[str]:
    """The ids of which each row of `text` has the bytes, shape (n_ids, n_bytes)."""
    if text.size and (text[:, 0] == MARK).all() and (text[:, 1:-DIGIT_BYTES] == text[0, 1:-DIGIT_BYTES]).all():
        prefix = text[0, 1:-DIGIT_BYTES].tobytes().decode()
        digits = text[:, -DIGIT_BYTES:].tobytes().hex()
        return [prefix + digits[at : at + PSEUDONYM_DIGITS] for at in range(0, len(digits), PSEUDONYM_DIGITS)]
    if text.size and int(text.max()) <= _IS_ASCII:
        joined, size = text.tobytes().decode(), text.shape[1]
        return [joined[at : at + size] for at in range(0, len(joined), size)]
    return [unpacked(row.tobytes()) for row in text]


def _pack_all(prefixes: NDArray[np.uint8], digits: NDArray[np.uint8]) -> tuple[bytes, Lengths]:
    count, width = prefixes.shape
    result = np.empty((count, 1 + width + DIGIT_BYTES), np.uint8)
    result[:, 0] = MARK
    result[:, 1 : 1 + width] = prefixes
    binary = bytes.fromhex(digits.tobytes().decode())
    result[:, 1 + width :] = np.frombuffer(binary, np.uint8).reshape(count, DIGIT_BYTES)
    return result.tobytes(), np.full(count, result.shape[1], np.uint32)
