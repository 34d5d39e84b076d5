"""What `docs/signals.md` says of each signal beside its formula: what else it could be, and one example worked by hand."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipeline.features.facts import Facts, Floats
from pipeline.policy import SignalPolicy
from pipeline.state.catalogue import BILLS_KEPT, HALF_LIVES_DAYS, QUANTITY_INDEX

#: Rates a day (last days, last weeks, usual) by quantity.
Rates = Mapping[str, tuple[float, float, float]]


@dataclass(frozen=True, slots=True)
class SignalPage:
    """One signal in words.

    Attributes:
        meaning: what it says, in a sentence.
        benign: what else it could be, and how that is told apart.
        example: one case in words, with the sum.
        expected: the strength in the example, worked by hand.
        worked: the strength that the program gives in the example, under the policy as it is shipped.
    """

    meaning: str
    benign: str
    example: str
    expected: float
    worked: Callable[[SignalPolicy], float]


def hard(
    signal: str, count: int = 1, severity: int = 0, open_days: float = 0.0, points: float = 0.0
) -> Callable[[SignalPolicy], float]:
    """What the policy makes of so many records of a hard signal."""
    return lambda policy: policy.hard[signal].strength_of(count, severity, open_days, points)


#: A line of which nothing but its rates is known: watched for long, active every day, never forwarded, never abroad.
ORDINARY: Mapping[str, float] = {
    "age_days": 200.0, "gap_days": 0.0, "own_gap_days": 0.0, "active_days": 28.0, "watched_days": 28.0,
    "active_share": -1.0, "forwarded_days": float("nan"), "roaming_days": float("nan"),
}  # fmt: skip


def of_line(
    strength: Callable[[Facts], Floats],
    rates: Rates,
    rivals: Sequence[tuple[float, float]] | None = None,
    **numbers: float,
) -> Callable[[SignalPolicy], float]:
    """The strength for one line of these rates, before anything is known of the crowd.

    `rivals`: calls and messages a day with the customers of each, lately and usually. `numbers`: facts that are not as `ORDINARY`
    has them.
    """

    def worked(_: SignalPolicy) -> float:
        told: dict[str, Any] = {name: np.array([value]) for name, value in {**ORDINARY, **numbers}.items()}
        table = np.zeros((1, len(QUANTITY_INDEX), len(HALF_LIVES_DAYS)))
        for name, values in rates.items():
            table[0, QUANTITY_INDEX[name]] = values
        facts = Facts(
            now_ms=0,
            rows=np.zeros(1, np.int64),
            account_rows=np.zeros(1, np.int64),
            rates=table,
            bills=np.full((1, BILLS_KEPT), np.nan),
            rivals=None if rivals is None else np.array([rivals]),
            **told,
        )
        return float(strength(facts)[0])

    return worked
