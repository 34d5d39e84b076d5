"""Call records as columns: what the generators pass on, and what becomes JSON lines in `formatting`."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

VOICE, SMS, DATA = 0, 1, 2
MO, MT, FORWARD = 0, 1, 2
SUBSCRIBER, HOTLINE, OWN_HOTLINE, OTHER = 0, 1, 2, 3
NOBODY = 0  # peer_space of a record without a peer
OWN_LINE, OUTSIDE, SECOND_NUMBER, HOTLINE_NUMBER = (ord(letter) for letter in "LXYH")


@dataclass(slots=True)
class Calls:
    """Columns of equal length. `number` makes the record id, equal for the copies of a duplicate.

    `peer_space` is the first letter of the peer's id (an ASCII code, NOBODY for none) and `peer` its number.
    `operator` and
    `forward_to` (-1: none) index `circles.OPERATORS`. `charge` is in 1/10,000 of the currency. `session` is -1 for a
    record that is no part of a split session. `malformed` is 0 or the number of a way to spoil the line, plus one.
    `late` and `duplicate` mark what mediation did.
    """

    number: NDArray[np.int64]
    ts_ms: NDArray[np.int64]
    received_ms: NDArray[np.int64]
    line: NDArray[np.int64]
    service: NDArray[np.int8]
    direction: NDArray[np.int8]
    peer_space: NDArray[np.uint8]
    peer: NDArray[np.int64]
    operator: NDArray[np.int8]
    peer_kind: NDArray[np.int8]
    duration_s: NDArray[np.int64]
    bytes_up: NDArray[np.int64]
    bytes_down: NDArray[np.int64]
    charge: NDArray[np.int64]
    roaming: NDArray[np.bool_]
    session: NDArray[np.int64]
    part: NDArray[np.int64]
    forward_to: NDArray[np.int8]
    malformed: NDArray[np.int8]
    duplicate: NDArray[np.bool_]
    late: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.ts_ms)

    def take(self, rows: NDArray[Any] | slice) -> Self:
        """These rows (positions, a mask, or a slice), as new columns; a slice shares memory."""
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))

    @classmethod
    def empty(cls, n: int = 0) -> Self:
        """`n` rows of zeros; `session` and `forward_to` say "none"."""
        columns = {field.name: np.zeros(n, _DTYPES[field.name]) for field in fields(cls)}
        columns["session"][:] = -1
        columns["forward_to"][:] = -1
        return cls(**columns)

    @classmethod
    def concat(cls, parts: Iterable[Self]) -> Self:
        """All rows of all parts, in this order."""
        chosen = [part for part in parts if len(part)]
        if not chosen:
            return cls.empty()
        return cls(*(np.concatenate([getattr(part, field.name) for part in chosen]) for field in fields(cls)))


_DTYPES: dict[str, Any] = {
    "service": np.int8, "direction": np.int8, "peer_space": np.uint8, "operator": np.int8, "peer_kind": np.int8,
    "forward_to": np.int8, "malformed": np.int8, "roaming": np.bool_, "duplicate": np.bool_, "late": np.bool_,
} | dict.fromkeys(
    ("number", "ts_ms", "received_ms", "line", "peer", "duration_s", "bytes_up", "bytes_down", "charge", "session",
    "part"),
    np.int64,
)  # fmt: skip
