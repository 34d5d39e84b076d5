"""A line's circle as a small sketch: whom it calls, in eight cells by a hash of the contact, on our network and at rivals.

Cells hold forward-decayed counts (decay.py) and only ever add up, so that the sketch is the same however records are cut into
blocks. Most lines call a handful of contacts most of the time, so that a cell is mostly one contact; where two share one, what is
seen of them is their mean.
"""

from collections.abc import Sequence

import numpy as np
import xxhash
from numpy.typing import NDArray

from pipeline.state.catalogue import CIRCLE_CELLS, CIRCLE_HALF_LIVES, CIRCLE_NETWORKS
from pipeline.state.decay import decayed, effective_days, weights

Floats = NDArray[np.float64]
#: Cell of a record that names no contact.
NO_CELL = 255
OWN, RIVAL = range(CIRCLE_NETWORKS)
NOW, USUALLY = range(len(CIRCLE_HALF_LIVES))
_hashed = xxhash.xxh3_64_intdigest


def circle_cells(peer_ids: Sequence[str | None]) -> NDArray[np.uint8]:
    """Cell of each contact.

    >>> circle_cells(["p-1", None, "p-1"])[1:].tolist()[0] == NO_CELL
    True
    """
    cells = (NO_CELL if peer is None else _hashed(peer.encode()) % CIRCLE_CELLS for peer in peer_ids)
    return np.fromiter(cells, np.uint8, len(peer_ids))


def add_to_circle(
    circle: NDArray[np.float32], rows: NDArray[np.int64], cells: NDArray[np.uint8], rival: NDArray[np.bool_],
    ts_ms: NDArray[np.int64], landmark_ms: int,
) -> None:  # fmt: skip
    """Count one contact of each row, in the order of the records. `circle`: the column, shape (n_lines, width)."""
    width = len(CIRCLE_HALF_LIVES)
    cell = rows * circle.shape[1] + (cells.astype(np.int64) * CIRCLE_NETWORKS + rival) * width
    added = weights(ts_ms, landmark_ms)[:, CIRCLE_HALF_LIVES]
    places = (cell[:, None] + np.arange(width)).ravel()
    np.add.at(circle.reshape(-1), places, added.ravel().astype(np.float32))


def move_circle(circle: NDArray[np.float32], factor: Floats) -> None:
    """Follow the landmark, as the sums do; `factor` by half-life."""
    by_half_life = circle.reshape(-1, len(CIRCLE_HALF_LIVES))
    by_half_life *= factor[CIRCLE_HALF_LIVES].astype(np.float32)


def circle_rates(circle: NDArray[np.float32], now_ms: int, landmark_ms: int, age_days: Floats) -> Floats:
    """Contacts a day, shape (n, cells, networks, half-lives)."""
    cells = circle.astype(np.float64).reshape(len(circle), CIRCLE_CELLS, CIRCLE_NETWORKS, len(CIRCLE_HALF_LIVES))
    days = effective_days(age_days)[:, None, None, CIRCLE_HALF_LIVES]
    whole = np.zeros((*cells.shape[:-1], 3))
    whole[..., CIRCLE_HALF_LIVES] = cells
    result: Floats = decayed(whole, now_ms, landmark_ms)[..., CIRCLE_HALF_LIVES] / days
    return result
