"""The reasons of a model's score about some lines, as evidence of the signal `model_score`."""

from collections.abc import Mapping

import numpy as np

from pipeline.calm.sample import beside_crowd
from pipeline.features.catalogue import PRIOR_COLUMN, features_for
from pipeline.features.facts import Facts, Floats, with_rivals
from pipeline.features.prior import prior_parts
from pipeline.policy import MODEL_SCORE, SignalPolicy
from pipeline.ports import Scorer
from pipeline.reasons import as_evidence, reason_shares
from pipeline.signals.registry import SWEPT_SIGNALS
from pipeline.state.partition import PartitionState


def score_reasons(
    state: PartitionState, policy: SignalPolicy, model: Scorer, facts: Facts, features: Floats
) -> list[dict[str, float]]:
    """For each of these lines at most as many reasons as a warning has beside the score itself.

    A signal that is told anyway, of the line or its account, brings its numbers itself: only its share is told. A gradual one
    below its threshold, or that is no reason to warn by itself, is told with its numbers. Of what is no signal nothing is
    told: the length of a relationship is no reason that anybody could act on.
    """
    compared = beside_crowd(state, with_rivals(facts, state.lines, state.landmark.ms))
    strengths = {signal.name: signal.strength(compared) for signal in SWEPT_SIGNALS}
    numbers = {signal.name: signal.evidence(compared) for signal in SWEPT_SIGNALS}
    catalogue = features_for(list(policy.hard))
    groups = [feature.reason for feature in catalogue]
    parts = prior_parts(features, catalogue, PRIOR_COLUMN, policy)
    found = []
    for place, row in enumerate(facts.rows.tolist()):
        standing = _told(state, row, int(facts.account_rows[place]))
        shares = reason_shares(_contributions(model, features[place], parts[place]), groups)
        evidence: dict[str, float] = {}
        left = policy.reasons_max - 1
        for code, share in shares.items():
            speaks = code in strengths and strengths[code][place] > 0.0
            if left and (code in standing or speaks):
                own = {} if code in standing else _numbers(numbers[code], place)
                evidence |= as_evidence(code, share, own)
                left -= 1
        found.append(evidence)
    return found


def _contributions(model: Scorer, features: Floats, parts: Floats) -> Floats:
    """Log-odds by feature; those of the prior, which is all of them in one number, given to what it is made of."""
    told = np.array(model.contributions(features), np.float64)
    if told[PRIOR_COLUMN] == 0.0:
        return told
    told[PRIOR_COLUMN] = 0.0
    return np.asarray(told + parts, np.float64)


def _numbers(columns: Mapping[str, Floats], place: int) -> dict[str, float]:
    return {name: float(values[place]) for name, values in columns.items()}


def _told(state: PartitionState, row: int, account: int) -> set[str]:
    cases = (state.lines.cases.get(row), state.accounts.cases.get(account))
    told = {name for case in cases if case for name, episode in case.episodes.items() if episode.told}
    return told - {MODEL_SCORE}
