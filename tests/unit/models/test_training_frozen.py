"""Learning that is frozen by wild or missing labels, what is held meanwhile, and what is no poison."""

import msgspec
import numpy as np
import pytest

from models.guard import Alarm, Finding
from models.orders import OrderKind, TrainerOrder
from models.training import Training
from tests.fakes.training_logs import MAKERS, RULES, examples, rare


def test_flipped_labels_freeze_learning_within_an_hour_and_a_discard_leaves_no_trace() -> None:
    undisturbed, poisoned = Training(MAKERS, RULES), Training(MAKERS, RULES)
    before, day, after = rare(6400), rare(2400, start=6400, flipped=True), rare(3200, start=8800)
    undisturbed.take([*before, *after])
    poisoned.take(before)
    learnt = poisoned.labels_learned

    poisoned.take(day)

    (finding,) = (notice for notice in poisoned.notices() if isinstance(notice, Finding))
    assert finding.alarm is Alarm.LABELS_JUMPED
    frozen = poisoned.frozen
    assert frozen == finding.alarm
    assert poisoned.labels_learned - learnt <= 100  # an hour's labels
    poisoned.obey(TrainerOrder(OrderKind.UNFREEZE, 1))
    poisoned.take(after)
    assert poisoned.frozen is None
    assert poisoned.labels_learned >= undisturbed.labels_learned - 100
    precision = [training.figures()["average_precision"] for training in (poisoned, undisturbed)]
    assert precision[0] == pytest.approx(precision[1], rel=0.05)


def test_what_was_held_while_frozen_can_be_learnt_after_all() -> None:
    training = Training(MAKERS, RULES)
    training.take(rare(640))
    training.obey(TrainerOrder(OrderKind.FREEZE, 1))
    training.take(rare(640, start=640))
    assert training.labels_learned == 640

    training.obey(TrainerOrder(OrderKind.UNFREEZE, 2, learn_held=True))

    assert training.labels_learned == 1280


def test_labels_go_on_to_be_counted_in_round_numbers_after_an_odd_number_was_held() -> None:
    training = Training(MAKERS, RULES)
    training.obey(TrainerOrder(OrderKind.FREEZE, 1))
    training.take(examples(40))
    training.obey(TrainerOrder(OrderKind.UNFREEZE, 2, learn_held=True))
    log, due = examples(960, start=40), 0
    while log:
        part = training.labels_until_due
        training.take(log[:part])
        log = log[part:]
        due += training.is_due
        training.mark_published()

    assert due == training.labels_learned // 96


def test_what_was_dropped_while_frozen_is_not_taken_back() -> None:
    training = Training(MAKERS, RULES)
    training.take(rare(640))
    training.obey(TrainerOrder(OrderKind.FREEZE, 1))
    leaver = msgspec.structs.replace(rare(1, start=640)[0], churned=True)
    training.take([leaver])
    training.obey(TrainerOrder(OrderKind.UNFREEZE, 2))

    training.take([msgspec.structs.replace(leaver, example_id="c", churned=False, corrects=leaver.example_id)])

    assert training.counts["while_frozen"] == 2


def test_labels_that_fail_to_come_freeze_learning() -> None:
    training = Training(MAKERS, RULES)
    training.take(rare(6400))
    training.take([msgspec.structs.replace(one, churned=False) for one in rare(6400, start=6400)])

    assert training.frozen is Alarm.LABELS_MISSING


def test_a_company_that_leaves_with_all_its_lines_is_no_poison() -> None:
    training = Training(MAKERS, RULES)
    training.take(rare(6400))
    company = [msgspec.structs.replace(one, churned=True, account_id="company") for one in rare(320, start=6400)]
    training.take([*company, *rare(320, start=6800)])

    assert training.frozen is None


def test_three_times_as_many_leavers_as_usual_are_learnt() -> None:
    training = Training(MAKERS, RULES)
    training.take(rare(6400))
    random = np.random.default_rng(3)
    training.take(
        [msgspec.structs.replace(one, churned=bool(random.random() < 0.15)) for one in rare(3200, start=6400)]
    )

    assert training.frozen is None
