"""From signals to a probability before any label is there: the documented prior."""

from collections.abc import Mapping
from typing import Final

from pipeline.events import ScoreBasis
from pipeline.policy import SignalPolicy
from pipeline.state.cases import Case

#: Codes of the column `by_model`.
BY_PRIOR: Final = 0
BY_MODEL: Final = 1
BY_LEVELLED_PRIOR: Final = 2


def basis_of(code: int) -> ScoreBasis:
    """What a score says of itself, by who gave it.

    >>> [basis_of(code) for code in (BY_PRIOR, BY_MODEL, BY_LEVELLED_PRIOR)]
    ['prior', 'model', 'prior']
    """
    return "model" if code == BY_MODEL else "prior"


def prior_score(strengths: Mapping[str, float], policy: SignalPolicy) -> float:
    """Noisy-or of the signals over the base rate: 1 - (1 - base) prod (1 - weight strength) (Pearl 1988, section 4.3.2).

    The order of the signals does not matter up to rounding; they are taken by name, so that it does not matter at all.
    """
    stays = 1.0 - policy.base_rate
    for name in sorted(strengths):
        stays *= 1.0 - policy.weight(name) * strengths[name]
    return min(1.0, max(0.0, 1.0 - stays))


def episode_strengths(*cases: Case | None) -> dict[str, float]:
    """Strength of every signal that is on, and told, in any of these cases."""
    result: dict[str, float] = {}
    for case in cases:
        if case is not None:
            for name, episode in case.episodes.items():
                if episode.told:
                    result[name] = max(result.get(name, 0.0), episode.strength)
    return result
