"""The documented prior of every line, as log-odds: what is known of churn before any label was seen.

Circumstances add their log-odds to the base rate (Good 1950, weight of evidence; the weights stand in the catalogue of
features), and each hard signal is one more way to leave: noisy-or with the weights of the policy (Pearl 1988, section 4.3.2).
"""

from collections.abc import Sequence

import numpy as np

from pipeline.features.catalogue import Feature
from pipeline.features.facts import Floats
from pipeline.policy import SignalPolicy

#: The prior never claims to know for certain.
LEAST, MOST = 0.0005, 0.995


def prior_log_odds(columns: Floats, features: Sequence[Feature], hard: Floats, policy: SignalPolicy) -> Floats:
    """Shape (n,).

    `columns` are those of `features`, shape (n, len(features)); a missing value says nothing. `hard`: strengths of the hard
    signals of the policy, in its order, shape (n, len(policy.hard)).
    """
    weights = np.array([feature.prior for feature in features])
    circumstances = np.nan_to_num(columns) @ weights
    base = np.log(policy.base_rate / (1.0 - policy.base_rate))
    ways = np.array([policy.weight(name) for name in policy.hard])[:, None]
    factors = np.vstack([1.0 / (1.0 + np.exp(base + circumstances)), 1.0 - ways * hard.T])
    leaves = np.clip(1.0 - np.multiply.reduce(factors, axis=0), LEAST, MOST)
    return np.asarray(np.log(leaves / (1.0 - leaves)), np.float64)


def prior_parts(features: Floats, catalogue: Sequence[Feature], column: int, policy: SignalPolicy) -> Floats:
    """What each feature has to do with the prior in `column`: log-odds, shape (n, n_features).

    Circumstances by their weight; of a hard signal, what would be missing without it. `features`: as `feature_matrix` gives them.
    """
    dense, hard = catalogue[:column], features[:, column + 1 :]
    parts = np.zeros_like(features)
    parts[:, :column] = np.nan_to_num(features[:, :column]) * [feature.prior for feature in dense]
    for place in np.flatnonzero((hard > 0.0).any(axis=0)).tolist():
        without = np.where(np.arange(hard.shape[1]) == place, 0.0, hard)
        less = prior_log_odds(features[:, :column], dense, without, policy)
        parts[:, column + 1 + place] = features[:, column] - less
    return parts
