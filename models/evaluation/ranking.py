"""Exact ranking figures. Never `river.metrics.ROCAUC`: its ten thresholds mislead at low base rates."""

import math

import numpy as np

from models.learners.protocol import BoolVector
from pipeline.ports import FloatVector


def roc_auc(churned: BoolVector, score: FloatVector) -> float:
    """Probability that a churner stands above a stayer, ties counting half (Mann-Whitney); NaN when a class is missing.

    >>> roc_auc(np.array([True, False, True, False]), np.array([0.9, 0.5, 0.5, 0.1]))
    0.875
    """
    positives = int(churned.sum())
    negatives = len(churned) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    values, position, count = np.unique(score, return_inverse=True, return_counts=True)
    del values
    mean_rank = np.cumsum(count) - (count - 1) / 2.0
    rank_sum = float(mean_rank[position[churned]].sum())
    return (rank_sum - positives * (positives + 1) / 2.0) / (positives * negatives)


def average_precision(churned: BoolVector, score: FloatVector) -> float:
    """Mean precision over the churners' places in the list; equal scores share one place. NaN without churners.

    >>> average_precision(np.array([True, False, True]), np.array([0.9, 0.5, 0.1]))
    0.8333333333333333
    """
    positives = int(churned.sum())
    if positives == 0:
        return float("nan")
    order = np.argsort(-score, kind="stable")
    ranked, sorted_score = churned[order], score[order]
    place_end = np.flatnonzero(np.append(np.diff(sorted_score) != 0, True))
    found = np.cumsum(ranked)[place_end]
    precision = found / (place_end + 1)
    newly_found = np.diff(found, prepend=0)
    return float((precision * newly_found).sum() / positives)


def top_count(rows: int, share: float) -> int:
    """Length of the list that holds this share of the rows: rounded, at least 1, at most all.

    >>> top_count(7000, 0.02), top_count(10, 0.01), top_count(0, 0.5)
    (140, 1, 0)
    """
    return min(rows, max(1, math.floor(rows * share + 0.5)))


def found_in_top(churned: BoolVector, score: FloatVector, count: int) -> float:
    """Churners among the `count` highest scores; where equal scores straddle the end, what chance would find of them.

    >>> found_in_top(np.array([True, True, False]), np.array([0.9, 0.5, 0.5]), 2)
    1.5
    """
    if count <= 0:
        return 0.0
    limit = np.partition(score, len(score) - count)[len(score) - count]
    above, level = score > limit, score == limit
    places_left = count - int(above.sum())
    return float(churned[above].sum() + places_left * churned[level].sum() / level.sum())
