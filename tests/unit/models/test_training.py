"""Learning from the ordered log: duplicates, refusals, when a model is due."""

import msgspec
import numpy as np
import pytest

from models.label_rules import DAY_MS
from models.learners.logistic import LogisticLearner
from models.training import Training, TrainingRules, as_arrays, correction_weight
from pipeline.events import Example

RULES = TrainingRules(minimum_positives=10, publish_every_labels=100)


def examples(count: int = 400, schema: str = "s", start: int = 0) -> list[Example]:
    random = np.random.default_rng(start + 1)
    features = random.normal(size=(count, 3))
    return [
        Example(
            example_id=f"{schema}-{start + number}",
            line_id=f"line-{number}",
            account_id="account",
            snapshot_ms=number * DAY_MS,
            known_ms=(number + 30) * DAY_MS,
            churned=bool(row[0] > 0.5),
            weight=1.0,
            features=[None if number % 9 == 0 else float(row[0]), float(row[1]), float(row[2])],
            feature_schema=schema,
        )
        for number, row in enumerate(features)
    ]


def test_the_same_log_in_other_pieces_gives_the_same_model() -> None:
    one, many = Training(LogisticLearner, RULES), Training(LogisticLearner, RULES)
    log = examples()
    one.take(log)
    for start in range(0, len(log), 23):
        many.take(log[start : start + 23])

    assert one.message(1).sha256 == many.message(1).sha256


def test_duplicates_are_dropped_and_counted() -> None:
    training = Training(LogisticLearner, RULES)
    training.take(examples())
    before = training.message(1).sha256
    training.take(examples())

    assert training.counts["duplicate"] == 400
    assert training.labels_learned == 400
    assert training.message(1).sha256 == before


def test_a_model_is_due_at_a_round_number_of_labels_once_enough_churners_were_seen() -> None:
    training = Training(LogisticLearner, RULES)
    assert training.labels_until_due == 100
    training.take([msgspec.structs.replace(example, churned=False) for example in examples(100)])
    assert not training.has_news
    training.take(examples(100, start=1000))
    assert training.is_due
    training.mark_published()
    assert not training.has_news


def test_a_model_counts_from_the_first_tick_after_its_newest_label() -> None:
    training = Training(LogisticLearner, RULES)
    training.take(examples(100))

    assert training.message(1).counts_from_ms == (99 + 30) * DAY_MS + 3_600_000


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"features": [1.0]}, "wrong_shape"),
        ({"known_ms": 0, "snapshot_ms": 1}, "label_too_early"),
        ({"known_ms": 900 * DAY_MS, "snapshot_ms": 1}, "label_too_old"),
    ],
)
def test_an_example_that_cannot_be_right_is_refused(changes: dict[str, object], reason: str) -> None:
    training = Training(LogisticLearner, RULES)
    good, bad = examples(2)
    training.take([good, msgspec.structs.replace(bad, **changes)])

    assert training.counts[reason] == 1
    assert training.labels_learned == 1


def test_a_new_feature_schema_starts_a_new_learner_and_the_old_one_is_refused() -> None:
    training = Training(LogisticLearner, RULES)
    training.take([*examples(50), *examples(60, schema="t"), *examples(50, start=500)])

    assert training.labels_learned == 60
    assert training.counts["foreign_features"] == 50


def test_a_correction_undoes_the_wrong_label() -> None:
    log = examples()
    wrong = msgspec.structs.replace(log[0], example_id="w", churned=True, features=[-0.5, 3.0, 0.0])
    correction = msgspec.structs.replace(wrong, example_id="w-corrected", churned=False, corrects="w")
    row = np.array([[-0.5, 3.0, 0.0]])

    def score_after(*more: Example) -> float:
        training = Training(LogisticLearner, RULES)
        training.take([*log, *more])
        body = training.message(1).body
        return float(LogisticLearner.load(body).score(row)[0])

    right, misled = score_after(), score_after(wrong)
    assert misled > right
    assert abs(score_after(wrong, correction) - right) < 0.5 * (misled - right)
    assert correction_weight(np.array([0.25])).tolist() == [4.0]


def test_null_becomes_nan() -> None:
    features, _, _ = as_arrays(examples(1))

    assert np.isnan(features[0, 0])
