"""The best assignment of contacts to people with limited days: a transportation problem, solved exactly. Pure, deterministic.

Each item (a customer) takes at most one of its options, each owner at most so many; the sum of gains is to be highest. The
constraints are two families of disjoint sets, hence totally unimodular: the linear program's corner solutions are whole
numbers (Hoffman and Kruskal, 1956), and its dual values are the shadow prices. HiGHS' dual simplex ends in a corner.
Solved with the options that can matter first; what those prices show to be worth more is added until nothing is (column
generation: Gilmore and Gomory, 1961), so that the result is the optimum of all options.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_matrix

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Options of an owner that are looked at first, as a multiple of its capacity.
FIRST_SHARE = 1.5
FIRST_MIN = 8
ROUNDS_MAX = 30
TOLERANCE = 1e-7


class SolverFailed(RuntimeError):  # noqa: N818 - it is what happened
    """HiGHS gave no optimum, which no input that passes the checks should bring about; the message has its words."""


class Options(NamedTuple):
    """One entry an option, in any order: `item` (0-based), `owner` (0-based), `gain` (finite)."""

    item: Ints
    owner: Ints
    gain: Floats


class Assignment(NamedTuple):
    """`chosen`: indices of the options taken, ascending. `prices`: what one more contact of each owner would bring.

    `gain` is the sum over `chosen`, `bound` the linear program's optimum; they are equal but for rounding.
    """

    chosen: Ints
    prices: Floats
    gain: float
    bound: float


def assign(options: Options, capacity: Ints) -> Assignment:
    """The assignment of the highest gain; options without gain are never taken. `capacity`: contacts per owner, none below 0.

    >>> two = Options(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([5.0, 4.0, 3.0]))
    >>> assign(two, np.array([1, 1])).chosen.tolist()
    [1, 2]

    Raises:
        SolverFailed: see there.
    """
    usable = np.flatnonzero((options.gain > 0) & (capacity[options.owner] > 0))
    prices = _prices_without_room(options, capacity)
    if not len(usable):
        return Assignment(usable, prices, 0.0, 0.0)
    looked_at = _first(options, capacity, usable)
    for _ in range(ROUNDS_MAX):
        solved = _solve(options, capacity, looked_at)
        worth = options.gain - solved.owner_price[options.owner] - solved.item_price[options.item]
        missing = usable[(worth[usable] > TOLERANCE) & ~np.isin(usable, looked_at)]
        if not len(missing):
            break
        looked_at = np.union1d(looked_at, missing)
    else:
        solved = _solve(options, capacity, usable)
    open_owner = capacity > 0
    prices[open_owner] = solved.owner_price[open_owner]
    return Assignment(solved.chosen, prices, float(options.gain[solved.chosen].sum()), solved.bound)


class _Solved(NamedTuple):
    chosen: Ints
    owner_price: Floats
    item_price: Floats
    bound: float


def _solve(options: Options, capacity: Ints, looked_at: Ints) -> _Solved:
    items, row_of = np.unique(options.item[looked_at], return_inverse=True)
    n_items, n_owners, n = len(items), len(capacity), len(looked_at)
    rows = np.concatenate([row_of, n_items + options.owner[looked_at]])
    matrix = coo_matrix((np.ones(2 * n), (rows, np.tile(np.arange(n), 2))), shape=(n_items + n_owners, n)).tocsr()
    limits = np.concatenate([np.ones(n_items), capacity.astype(np.float64)])
    found = linprog(-options.gain[looked_at], A_ub=matrix, b_ub=limits, bounds=(0, None), method="highs-ds")
    if found.status != 0:
        raise SolverFailed(f"the plan could not be worked out: {found.message}")
    item_price = np.zeros(int(options.item.max()) + 1)
    item_price[items] = np.maximum(0.0, -found.ineqlin.marginals[:n_items])
    owner_price = np.maximum(0.0, -found.ineqlin.marginals[n_items:])
    return _Solved(looked_at[found.x > 0.5], owner_price, item_price, float(-found.fun))


def _first(options: Options, capacity: Ints, usable: Ints) -> Ints:
    """Of each owner the options of the highest gain; ties by place, so that the order of a set plays no part."""
    order = usable[np.lexsort((usable, -options.gain[usable], options.owner[usable]))]
    owners = options.owner[order]
    starts = np.searchsorted(owners, owners, side="left")
    rank = np.arange(len(order)) - starts
    most = np.ceil(FIRST_SHARE * capacity).astype(np.int64) + FIRST_MIN
    return np.sort(order[rank < most[owners]])


def _prices_without_room(options: Options, capacity: Ints) -> Floats:
    """An owner without any room: one contact would bring the best that waits for it."""
    prices = np.zeros(len(capacity))
    shut = (capacity[options.owner] <= 0) & (options.gain > 0)
    np.maximum.at(prices, options.owner[shut], options.gain[shut])
    return prices
