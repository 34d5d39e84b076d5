"""From contributions to reason codes: at most four, strongest first, only what speaks for leaving."""

from collections import defaultdict
from collections.abc import Sequence

from pipeline.ports import FloatVector

REASONS_MAX = 4
SHARE_MINIMUM = 0.1


def reason_codes(contributions: FloatVector, groups: Sequence[str]) -> list[str]:
    """Reason codes of one score.

    `contributions`: log-odds that each feature adds, shape (n_features,). `groups`: the reason code of each feature; an
    empty one is never told. Features of one code are summed, so that two that cancel out are no reason; a code needs
    a tenth of all that speaks for leaving.

    >>> import numpy as np
    >>> reason_codes(np.array([1.0, -0.4, 0.5, 0.01]), ["bill", "bill", "rival", "care"])
    ['bill', 'rival']
    """
    by_code: defaultdict[str, float] = defaultdict(float)
    for code, contribution in zip(groups, contributions.tolist(), strict=True):
        if code:
            by_code[code] += contribution
    positive = {code: total for code, total in by_code.items() if total > 0.0}
    needed = SHARE_MINIMUM * sum(positive.values())
    strongest = sorted(positive, key=lambda code: (-positive[code], code))
    return [code for code in strongest if positive[code] >= needed][:REASONS_MAX]
