"""xxh3_64 of short texts inside compiled loops: the hash that `xxhash.xxh3_64_intdigest` gives, for at most `SIZE_MAX` bytes.

Source: Y. Collet, "xxHash fast digest algorithm", XXH3, 64 bits, seed 0: its constants and its three ways by length.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.compiled import compiled
from pipeline.words import word_at

SIZE_MAX = 64
SECRET = np.frombuffer(
    bytes.fromhex(
        "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671f"
        "cb79e64eccc0e578825ad07dccff7221b8084674f743248ee03590e6813a264c"
    ),
    np.uint64,
)
U64 = np.uint64
PRIME_1, PRIME_2, PRIME_3 = U64(0x9E3779B185EBCA87), U64(0xC2B2AE3D27D4EB4F), U64(0x165667B19E3779F9)
MIX_SHORT, MIX_LONG, LOW = U64(0x9FB21C651E98DF25), U64(0x165667919E3779F9), U64(0xFFFFFFFF)
#: What short texts are mixed with: words of the secret.
FLIP_3 = U64((int(SECRET[0]) & 0xFFFFFFFF) ^ (int(SECRET[0]) >> 32))
FLIP_8, FLIP_LOW, FLIP_HIGH = SECRET[1] ^ SECRET[2], SECRET[3] ^ SECRET[4], SECRET[5] ^ SECRET[6]

Text = NDArray[np.uint8]


@compiled
def xxh3_64(text: Text, at: int, stop: int) -> np.uint64:
    """Hash of the bytes from `at` to `stop`, of which there are 1 to `SIZE_MAX`; `PADDING` more follow in the text.

    >>> import xxhash
    >>> int(xxh3_64(np.frombuffer(b"L000006425".ljust(40), np.uint8), 0, 10)) == xxhash.xxh3_64_intdigest(b"L000006425")
    True
    """
    size = stop - at
    if size <= 3:
        first, middle, last = U64(text[at]), U64(text[at + (size >> 1)]), U64(text[stop - 1])
        mixed = first << U64(16) | middle << U64(24) | last | U64(size) << U64(8)
        mixed ^= FLIP_3
        mixed = (mixed ^ mixed >> U64(33)) * PRIME_2
        mixed = (mixed ^ mixed >> U64(29)) * PRIME_3
        return U64(mixed ^ mixed >> U64(32))
    if size <= 8:
        mixed = ((word_at(text, stop - 4) & LOW) + (word_at(text, at) << U64(32))) ^ FLIP_8
        mixed ^= _turned(mixed, 49) ^ _turned(mixed, 24)
        mixed *= MIX_SHORT
        mixed = (mixed ^ ((mixed >> U64(35)) + U64(size))) * MIX_SHORT
        return U64(mixed ^ mixed >> U64(28))
    if size <= 16:
        low, high = word_at(text, at) ^ FLIP_LOW, word_at(text, stop - 8) ^ FLIP_HIGH
        return _avalanche(U64(size) + _swapped(low) + high + _folded(low, high))
    total = U64(size) * PRIME_1
    for pair in range((size - 1) // 32, -1, -1):
        total += _mixed(text, at + 16 * pair, 4 * pair) + _mixed(text, stop - 16 * (pair + 1), 4 * pair + 2)
    return _avalanche(total)


@compiled
def _mixed(text: Text, at: int, secret: int) -> np.uint64:
    """Sixteen bytes of a longer text with two words of the secret."""
    return _folded(word_at(text, at) ^ SECRET[secret], word_at(text, at + 8) ^ SECRET[secret + 1])


@compiled
def _folded(one: np.uint64, other: np.uint64) -> np.uint64:
    """The halves of the product of 128 bits, one over the other."""
    low, high = (one & LOW) * (other & LOW), (one >> U64(32)) * (other >> U64(32))
    cross_1, cross_2 = (one >> U64(32)) * (other & LOW), (one & LOW) * (other >> U64(32))
    middle = (low >> U64(32)) + (cross_1 & LOW) + cross_2
    upper = (cross_1 >> U64(32)) + (middle >> U64(32)) + high
    return U64(upper ^ ((middle << U64(32)) | (low & LOW)))


@compiled
def _avalanche(mixed: np.uint64) -> np.uint64:
    mixed = (mixed ^ mixed >> U64(37)) * MIX_LONG
    return U64(mixed ^ mixed >> U64(32))


@compiled
def _turned(word: np.uint64, bits: int) -> np.uint64:
    return U64(word << U64(bits) | word >> U64(64 - bits))


@compiled
def _swapped(word: np.uint64) -> np.uint64:
    """The bytes in the other order."""
    word = (word & U64(0x00FF00FF00FF00FF)) << U64(8) | (word >> U64(8)) & U64(0x00FF00FF00FF00FF)
    word = (word & U64(0x0000FFFF0000FFFF)) << U64(16) | (word >> U64(16)) & U64(0x0000FFFF0000FFFF)
    return U64(word << U64(32) | word >> U64(32))
