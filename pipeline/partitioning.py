"""Which partition a key belongs to: Kafka's murmur2, the same in every client, file replay and test.

Source: Apache Kafka, `Utils.murmur2` and the default partitioner of its Java producer (Appleby's MurmurHash2, 32 bits,
seed 0x9747b28c); librdkafka calls it `murmur2_random`.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SEED = 0x9747B28C
MULTIPLIER = 0x5BD1E995
SHIFT = 24
MASK = 0xFFFFFFFF
#: Kafka makes the hash positive by dropping its sign bit, not by its absolute value.
POSITIVE = 0x7FFFFFFF


def murmur2(key: bytes) -> int:
    """Kafka's 32-bit hash of a key, unsigned.

    >>> murmur2(b"21")
    3321034988
    """
    hashed = SEED ^ len(key)
    whole = len(key) & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(key[start : start + 4], "little") * MULTIPLIER & MASK
        word = (word ^ (word >> SHIFT)) * MULTIPLIER & MASK
        hashed = (hashed * MULTIPLIER & MASK) ^ word
    if len(key) > whole:
        hashed = (hashed ^ int.from_bytes(key[whole:], "little")) * MULTIPLIER & MASK
    hashed = (hashed ^ (hashed >> 13)) * MULTIPLIER & MASK
    return hashed ^ (hashed >> 15)


def partition_of(key: str | bytes, partitions: int) -> int:
    """The partition of one key.

    >>> partition_of("account-1", 8)
    4
    """
    return (murmur2(key.encode() if isinstance(key, str) else key) & POSITIVE) % partitions


def partitions_of(keys: Sequence[str], partitions: int) -> NDArray[np.int32]:
    """The partitions of many keys, shape (n_keys,); a hash per distinct length at a time.

    >>> partitions_of(["account-1", "a"], 8).tolist() == [partition_of("account-1", 8), partition_of("a", 8)]
    True
    """
    by_length: dict[int, tuple[list[int], list[bytes]]] = defaultdict(lambda: ([], []))
    for place, key in enumerate(keys):
        encoded = key.encode()
        places, encodeds = by_length[len(encoded)]
        places.append(place)
        encodeds.append(encoded)
    result = np.empty(len(keys), np.int32)
    for length, (places, encodeds) in by_length.items():
        rows = np.frombuffer(b"".join(encodeds), np.uint8).reshape(len(encodeds), length)
        result[places] = (_murmur2_rows(rows) & np.uint32(POSITIVE)) % np.uint32(partitions)
    return result


def _murmur2_rows(keys: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Hashes of keys of one length, from shape (n_keys, length); uint32 arithmetic wraps as Kafka's does."""
    count, length = keys.shape
    multiplier = np.uint32(MULTIPLIER)
    hashed = np.full(count, SEED ^ length, np.uint32)
    whole = length & ~3
    words = np.ascontiguousarray(keys[:, :whole]).view("<u4")
    for column in range(whole // 4):
        word = words[:, column] * multiplier
        word = (word ^ (word >> np.uint32(SHIFT))) * multiplier
        hashed = (hashed * multiplier) ^ word
    for place in range(length - whole):
        hashed ^= keys[:, whole + place].astype(np.uint32) << np.uint32(8 * place)
    if length > whole:
        hashed *= multiplier
    hashed = (hashed ^ (hashed >> np.uint32(13))) * multiplier
    return hashed ^ (hashed >> np.uint32(15))
