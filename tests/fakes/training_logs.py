"""Logs of examples to learn from, and the contestants and rules of a small trainer."""

import numpy as np

from models.label_rules import DAY_MS
from models.learners.logistic import LogisticLearner
from models.training import TrainingRules
from pipeline.events import Example

RULES = TrainingRules(minimum_positives=10, publish_every_labels=96)
MAKERS = {"logistic": LogisticLearner}


def examples(count: int = 400, schema: str = "s", start: int = 0) -> list[Example]:
    random = np.random.default_rng(start + 1)
    features = random.normal(size=(count, 3))
    return [
        Example(
            example_id=f"{schema}-{start + number}",
            line_id=f"line-{number}",
            account_id=f"account-{start + number}",
            snapshot_ms=number * DAY_MS,
            known_ms=(number + 30) * DAY_MS,
            churned=bool(row[0] > 0.5),
            weight=1.0,
            features=[None if number % 9 == 0 else float(row[0]), float(row[1]), float(row[2])],
            feature_schema=schema,
        )
        for number, row in enumerate(features)
    ]


def rare(count: int, start: int = 0, flipped: bool = False) -> list[Example]:
    """One in twenty leaves, an account each, 100 labels an hour."""
    random = np.random.default_rng(start + 7)
    features = random.normal(size=(count, 3))
    return [
        Example(
            example_id=f"r-{start + number}",
            line_id=f"line-{start + number}",
            account_id=f"account-{start + number}",
            snapshot_ms=(start + number) * 36_000,
            known_ms=(start + number) * 36_000 + DAY_MS,
            churned=bool(row[0] > 1.645) != flipped,
            weight=1.0,
            features=row.tolist(),
            feature_schema="s",
        )
        for number, row in enumerate(features)
    ]
