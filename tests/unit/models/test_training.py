"""Learning from the ordered log: duplicates, refusals, when a model is due."""

import msgspec
import numpy as np
import pytest

from models.contest import ChangeOfChampion, ContestRules
from models.crowding import Crowding
from models.drift import Drift, DriftWatch
from models.exchange import ReceivedModel, read_model
from models.label_rules import DAY_MS
from models.learners.logistic import LogisticLearner, PriorLearner
from models.orders import OrderKind, TrainerOrder
from models.training import Training, TrainingRules, as_arrays
from pipeline.events import Example
from tests.fakes.training_logs import MAKERS, RULES, examples, rare


def test_the_same_log_in_other_pieces_gives_the_same_model() -> None:
    one, many = Training(MAKERS, RULES), Training(MAKERS, RULES)
    log = examples()
    one.take(log)
    for start in range(0, len(log), 23):
        many.take(log[start : start + 23])

    assert one.message(1).sha256 == many.message(1).sha256


def test_duplicates_are_dropped_and_counted() -> None:
    training = Training(MAKERS, RULES)
    training.take(examples())
    before = training.message(1).sha256
    training.take(examples())

    assert training.counts["duplicate"] == 400
    assert training.labels_learned == 384  # whole blocks of 32; the last 16 wait for the next ones
    assert training.message(1).sha256 == before


def test_a_model_is_due_at_a_round_number_of_labels_once_enough_churners_were_seen() -> None:
    training = Training(MAKERS, RULES)
    assert training.labels_until_due == 96
    training.take([msgspec.structs.replace(example, churned=False) for example in examples(96)])
    assert not training.has_news
    training.take(examples(96, start=1000))
    assert training.is_due
    training.mark_published()
    assert not training.has_news


@pytest.mark.parametrize(("champion", "churners_needed"), [(PriorLearner, 2), (LogisticLearner, 10)])
def test_the_level_of_the_prior_takes_a_sixth_of_the_churners_that_a_learner_takes(
    champion: type[LogisticLearner], churners_needed: int
) -> None:
    training = Training({"champion": lambda width: champion(width, prior_column=1)}, RULES)
    for number in range(churners_needed):  # one churner a block
        assert not training.has_news
        block = examples(32, start=1000 * number)
        training.take([msgspec.structs.replace(example, churned=place == 0) for place, example in enumerate(block)])

    assert training.has_news
    assert training.message(1).kind == champion.kind


def test_the_prior_says_what_is_documented_until_its_level_was_fitted() -> None:
    training = Training({"prior": lambda width: PriorLearner(width, prior_column=1)}, RULES)
    training.take(examples(96))

    received = read_model(msgspec.json.encode(training.message(1)), "s", 3)
    assert isinstance(received, ReceivedModel)
    assert received.scorer.score(np.array([[0.0, np.log(0.3 / 0.7), 0.0]])).tolist() == pytest.approx([0.3])


def test_a_model_counts_from_the_first_tick_after_its_newest_label() -> None:
    training = Training(MAKERS, RULES)
    training.take(examples(96))

    assert training.message(1).counts_from_ms == (95 + 30) * DAY_MS + 3_600_000


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"features": [1.0]}, "wrong_shape"),
        ({"known_ms": 0, "snapshot_ms": 1}, "label_too_early"),
        ({"known_ms": 900 * DAY_MS, "snapshot_ms": 1}, "label_too_old"),
    ],
)
def test_an_example_that_cannot_be_right_is_refused(changes: dict[str, object], reason: str) -> None:
    training = Training(MAKERS, RULES)
    *good, bad = examples(33)
    training.take([msgspec.structs.replace(bad, feature_schema="s", features=good[0].features, example_id="x")])
    training.take([msgspec.structs.replace(bad, **changes), *good])

    assert training.counts[reason] == 1
    assert training.labels_learned == 32


def test_a_new_feature_schema_starts_a_new_learner_and_the_old_one_is_refused() -> None:
    training = Training(MAKERS, RULES)
    training.take([*examples(50), *examples(64, schema="t"), *examples(50, start=500)])

    assert training.labels_learned == 64
    assert training.counts["foreign_features"] == 50


def test_what_was_held_is_dropped_when_the_features_change() -> None:
    training = Training(MAKERS, RULES)
    training.obey(TrainerOrder(OrderKind.FREEZE, 1))
    training.take(examples(40))
    training.take([msgspec.structs.replace(one, features=[*one.features, 1.0]) for one in examples(32, schema="t")])

    training.obey(TrainerOrder(OrderKind.UNFREEZE, 2, learn_held=True))

    assert training.labels_learned == 32
    assert training.counts["while_frozen"] == 40


def test_a_release_learns_the_examples_of_its_own_features_also_after_those_of_a_later_one() -> None:
    training = Training(MAKERS, TrainingRules(feature_schema="s"))
    training.take([*examples(64), *examples(64, schema="later", start=500), *examples(64, start=1000)])

    assert training.labels_learned == 128
    assert training.counts["foreign_features"] == 64


@pytest.mark.parametrize(("barred", "features"), [((), []), ((0,), [1.0])])
def test_features_that_cannot_be_learnt_begin_nothing_anew(barred: tuple[int, ...], features: list[float]) -> None:
    rules = TrainingRules(barred=barred, groups=("rival", "bill", "care"))
    training = Training(MAKERS, rules)
    foreign = [msgspec.structs.replace(one, features=features, feature_schema="") for one in examples(32, schema="t")]
    training.take([*foreign, *examples(32), *[msgspec.structs.replace(one, example_id="t") for one in foreign]])

    assert training.labels_learned == 32
    assert training.counts["foreign_features"] == 64


def test_a_correction_undoes_the_wrong_label() -> None:
    log = examples(384)
    wrong = msgspec.structs.replace(log[0], example_id="w", churned=True, features=[-0.5, 3.0, 0.0])
    correction = msgspec.structs.replace(wrong, example_id="w-corrected", churned=False, corrects="w")
    row = np.array([[-0.5, 3.0, 0.0]])
    rest = [msgspec.structs.replace(example, weight=0.0) for example in examples(31, start=5000)]

    def score_after(*more: Example) -> float:
        training = Training(MAKERS, RULES)
        training.take([*log, *more, *rest, *rest[:0]])
        training.take([msgspec.structs.replace(one, example_id=f"{one.example_id}-again") for one in rest])
        body = training.message(1).body
        return float(LogisticLearner.load(body).score(row)[0])

    right, misled = score_after(), score_after(wrong)
    assert misled > right
    assert abs(score_after(wrong, correction) - right) < 0.5 * (misled - right)


def test_a_pin_keeps_the_trainer_from_publishing_until_a_promotion() -> None:
    training = Training(MAKERS, RULES)
    training.take(examples(96))
    training.obey(TrainerOrder(OrderKind.PIN, 1, version="logistic-1"))
    assert not training.has_news
    training.obey(TrainerOrder(OrderKind.PROMOTE, 2, contestant="logistic"))
    assert training.has_news


def test_a_promotion_is_published_without_waiting_for_labels() -> None:
    training = Training({"logistic": LogisticLearner, "contrary": Contrary}, RULES)
    training.take(examples(96))

    def has_news_after(*kinds: OrderKind) -> bool:
        training.mark_published()
        for kind in kinds:
            training.obey(TrainerOrder(kind, 1, contestant="contrary"))
        return training.has_news

    assert has_news_after(OrderKind.PROMOTE)
    assert not has_news_after(OrderKind.PROMOTE)  # it is the champion already
    assert has_news_after(OrderKind.PIN, OrderKind.PROMOTE)  # in the place of what was put back


class Contrary(LogisticLearner):
    """Learns the opposite."""

    def learn(self, features, churned, weight) -> None:  # type: ignore[no-untyped-def]  # as its base
        super().learn(features, ~churned, weight)


def test_the_better_contestant_is_promoted_after_the_stated_labels_with_both_figures() -> None:
    rules = TrainingRules(minimum_positives=10, contest=ContestRules(labels=640, margin=0.02))
    training = Training({"worse": Contrary, "better": LogisticLearner}, rules)
    training.take(examples(576))
    assert training.champion == "worse"

    training.take(examples(96, start=2000))

    (change,) = (notice for notice in training.notices() if isinstance(notice, ChangeOfChampion))
    assert (change.before, change.after, training.champion) == ("worse", "better", "better")
    assert change.figures_after["log_loss"] < 0.98 * change.figures_before["log_loss"]
    assert change.figures_after["examples"] == 640


def test_a_group_of_features_that_moves_is_named() -> None:
    rules = TrainingRules(groups=("bill", "rival", "bill"))
    training = Training(MAKERS, rules)
    training.take(rare(4000))
    training.take(
        [
            msgspec.structs.replace(one, features=[one.features[0], 5.0, one.features[2]])
            for one in rare(4000, start=4000)
        ]
    )

    moved = {notice.what for notice in training.notices() if isinstance(notice, Drift)}

    assert "rival" in moved
    assert "bill" not in moved


def test_drift_names_the_kind_of_customers_in_which_it_is() -> None:
    chance = np.random.default_rng(3)
    prepaid, calls = (chance.random(8000) < 0.3).astype(float), chance.normal(size=8000)
    calls[4000:] += np.where(prepaid[4000:] > 0.0, 4.0, 0.0)
    watch = DriftWatch(("segment", "usage"), (("prepaid", 0), ("business", 0)))
    stays = np.zeros(8000, np.bool_)

    found = watch.add(np.column_stack([prepaid, calls]), np.full(8000, 0.02), stays, at_ms=5)

    (moved,) = found
    assert (moved.what, moved.at_ms, list(moved.by_kind)) == ("usage", 5, ["prepaid", "public"])
    assert moved.by_kind["prepaid"] > 1.0
    assert abs(moved.by_kind["public"]) < 0.02


def test_an_error_that_rises_among_one_kind_of_customers_is_told_of_it() -> None:
    chance = np.random.default_rng(4)
    prepaid = (chance.random(12000) < 0.5).astype(float)
    left = chance.random(12000) < np.where((prepaid > 0) & (np.arange(12000) > 6000), 0.4, 0.02)
    watch = DriftWatch(("segment",), (("prepaid", 0),))
    found: list[Drift] = []
    for start in range(0, 12000, 32):
        part = slice(start, start + 32)
        found += watch.add(prepaid[part, None], np.full(len(left[part]), 0.02), left[part], start)

    (told,) = (moved for moved in found if moved.what == "error")
    assert list(told.by_kind) == ["prepaid", "public"]
    assert told.by_kind["prepaid"] > 0.1 > abs(told.by_kind["public"])


def test_what_a_tenant_may_not_learn_from_has_no_weight() -> None:
    training = Training(MAKERS, TrainingRules(barred=(0,), groups=("rival", "bill", "care")))
    training.take(examples(320))

    weights = training.message(1).body["weights"]

    assert weights[0] == 0.0
    assert weights[1] != 0.0


def test_null_becomes_nan() -> None:
    features, _, _ = as_arrays(examples(1))

    assert np.isnan(features[0, 0])


def test_a_company_of_a_hundred_lines_weighs_as_five_and_a_single_line_as_ever() -> None:
    crowding = Crowding()
    company = [
        msgspec.structs.replace(one, churned=True, account_id="company", line_id=f"line-{number % 100}")
        for number, one in enumerate(rare(200))
    ]
    alone = [msgspec.structs.replace(one, churned=True, account_id="single", line_id="only") for one in rare(4)]

    shares = np.concatenate([crowding.shares(company[:70]), crowding.shares(company[70:])])

    assert shares.sum() == pytest.approx(2 * 5.187, abs=0.01)
    assert crowding.shares(alone).tolist() == [1.0] * 4
    assert crowding.shares(rare(50, start=900)).min() == 1.0


def test_the_prior_never_learns_and_keeps_its_place_until_another_is_better() -> None:
    prior = PriorLearner(3, prior_column=1)
    training = Training({"prior": lambda _: prior}, RULES)
    training.take(examples(96))

    row = np.array([[5.0, -2.0, 1.0]])
    assert prior.model().log_odds(row).tolist() == [-2.0]
    assert training.message(1).kind == "prior"
