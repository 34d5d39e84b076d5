"""In which order a task tells its signals: what most speaks for leaving heads it, what excuses comes last. Pure."""

from collections.abc import Iterable

from pipeline.events import SignalReport
from pipeline.policy import MODEL_SCORE, SignalPolicy


def told_in_order(signals: Iterable[SignalReport], policy: SignalPolicy) -> list[SignalReport]:
    """The latest report of each signal, by what its strength adds to the probability to leave (weight times strength).

    A high score that nothing else explains comes after every signal that weighs, and before those that weigh nothing: a harmless
    explanation is never the headline of a task with a reason to act. Ties by strength and name: nothing else decides the order.
    """
    latest = {signal.name: signal for signal in signals}
    return sorted(
        latest.values(),
        key=lambda told: (
            -_weight(told.name, policy) * told.strength,
            told.name != MODEL_SCORE,
            -told.strength,
            told.name,
        ),
    )


def _weight(name: str, policy: SignalPolicy) -> float:
    """0 for a signal that this release does not know: another one's worker may have told it."""
    return policy.weight(name) if name in policy.soft or name in policy.hard else 0.0
