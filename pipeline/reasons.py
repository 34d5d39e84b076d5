"""From contributions to reason codes: at most four, strongest first, only what speaks for leaving."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from pipeline.ports import FloatVector

SHARE_MINIMUM = 0.1
SHARE = "share"


def reason_shares(contributions: FloatVector, groups: Sequence[str]) -> dict[str, float]:
    """Reason codes of one score, the strongest first, with their shares of all that speaks for leaving.

    `contributions`: log-odds that each feature adds, shape (n_features,). `groups`: the reason code of each feature; an
    empty one is never told. Features of one code are summed, so that two that cancel out are no reason; a code needs
    a tenth of all that speaks for leaving.

    >>> import numpy as np
    >>> reason_shares(np.array([1.0, -0.4, 0.4, 0.0]), ["bill", "bill", "rival", "care"])
    {'bill': 0.6, 'rival': 0.4}
    """
    by_code: defaultdict[str, float] = defaultdict(float)
    for code, contribution in zip(groups, contributions.tolist(), strict=True):
        if code:
            by_code[code] += contribution
    positive = {code: total for code, total in by_code.items() if total > 0.0}
    whole = sum(positive.values())
    strongest = sorted(positive, key=lambda code: (-positive[code], code))
    return {code: positive[code] / whole for code in strongest if positive[code] >= SHARE_MINIMUM * whole}


def as_evidence(code: str, share: float, numbers: Mapping[str, float]) -> dict[str, float]:
    """A reason of a score as evidence of `model_score`."""
    return {f"{code}.{SHARE}": share, **{f"{code}.{name}": value for name, value in numbers.items()}}


def told_reasons(evidence: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """The reasons among the evidence of a score, the strongest first, each with its numbers.

    >>> told_reasons({"score": 0.4, "silence.share": 0.2, "bill.share": 0.6, "bill.drop": 0.5})
    {'bill': {'share': 0.6, 'drop': 0.5}, 'silence': {'share': 0.2}}
    """
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for key, value in evidence.items():
        code, dot, name = key.partition(".")
        if dot:
            found[code][name] = value
    return {code: found[code] for code in sorted(found, key=lambda code: (-found[code].get(SHARE, 0.0), code))}


def without_reasons(evidence: Mapping[str, float], codes: Sequence[str]) -> dict[str, float]:
    """The evidence without what it says of these reasons."""
    return {key: value for key, value in evidence.items() if key.partition(".")[0] not in codes or "." not in key}
