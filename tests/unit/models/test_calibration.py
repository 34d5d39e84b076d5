"""Probabilities that mean what they say, and who is never treated."""

import numpy as np
import pytest

from models.bodies import WrongBodyError, read_calibration
from models.calibration import Calibration, OnlineCalibration, fit_calibration, haste_of
from models.evaluation.calibration import calibration_bins, expected_calibration_error
from models.holdout import holdout_place, is_held_out


def test_a_learner_that_is_too_sure_is_corrected() -> None:
    random = np.random.default_rng(1)
    true = random.normal(-3.0, 1.0, 40_000)
    churned = random.random(40_000) < 1.0 / (1.0 + np.exp(-true))

    found = fit_calibration(2.0 * true + 1.0, churned, np.ones(40_000))

    some = np.array([-4.0, -3.0, -2.0, -1.0])
    assert found.corrected(2.0 * some + 1.0) == pytest.approx(some, abs=0.25)


def test_a_floor_of_leavers_whom_nothing_announces_is_found() -> None:
    random = np.random.default_rng(6)
    said = random.normal(-5.0, 1.5, 40_000)
    odds = 0.01 + np.exp(said)
    churned = random.random(40_000) < odds / (1.0 + odds)

    found = fit_calibration(said, churned, np.ones(40_000))

    assert found.floor == pytest.approx(0.01, rel=0.25)
    assert found.corrected(np.array([-8.0, 0.0])) == pytest.approx(np.log(0.01 + np.exp([-8.0, 0.0])), abs=0.2)


def test_few_labels_hardly_move_it() -> None:
    random = np.random.default_rng(2)
    found = fit_calibration(random.normal(-3.0, 1.0, 40), np.arange(40) == 7, np.ones(40))

    said = np.array([-3.0, -2.0, -1.0])
    assert found.corrected(said) == pytest.approx(said, abs=0.3)


def test_the_batches_do_not_change_the_calibration() -> None:
    random = np.random.default_rng(3)
    said, churned = random.normal(-3.0, 1.0, 2000), random.random(2000) < 0.1
    one, many = OnlineCalibration(), OnlineCalibration()
    one.add(said, churned, np.ones(2000))
    for start in range(0, 2000, 37):
        part = slice(start, start + 37)
        many.add(said[part], churned[part], np.ones(len(said[part])))

    assert one.current == many.current != Calibration()


def test_the_level_is_heard_in_the_first_labels_and_the_later_fits_fall_where_they_always_did() -> None:
    three_times_as_many = np.arange(2000) % 16 == 0  # 6 % where 2 % are told
    told, online, fits = np.full(2000, np.log(0.02)), OnlineCalibration(), []
    for row in range(2000):
        before = online.current
        online.add(told[row : row + 1], three_times_as_many[row : row + 1], np.ones(1))
        fits += [row + 1] if online.current != before else []

    assert fits == [125, 250, 500, 1000, 1500, 2000]
    assert (
        0.02
        < OnlineCalibration().current.probability(told[:1])[0] + 0.01
        < online.current.probability(told[:1])[0]
        < 0.065
    )


def test_a_leaver_taken_back_leaves_the_calibration() -> None:
    """A hundred lines were called silent leavers and came back: the level is that of the four hundred who left."""
    said, left = np.full(20_000, -4.0), np.arange(20_000) % 50 == 0
    wrong = left | (np.arange(20_000) % 200 == 1)
    ids = [f"line-{number}" for number in range(20_000)]
    told, misled, right = OnlineCalibration(), OnlineCalibration(), OnlineCalibration()
    for calibration, labels in ((told, wrong), (misled, wrong), (right, left)):
        calibration.add(said, labels, np.ones(20_000), ids=ids)
    told.take_back([ids[number] for number in np.flatnonzero(wrong & ~left).tolist()])
    for calibration in (told, misled, right):
        calibration.add(said[:500], left[:500], np.ones(500))

    odds = [np.exp(calibration.current.corrected(said[:1]))[0] for calibration in (told, misled, right)]

    assert odds[0] == pytest.approx(odds[2], rel=0.01)
    assert odds[1] > 1.15 * odds[2]


def test_those_who_leave_soon_are_told_no_more_than_leave() -> None:
    """Half of each kind leave, of one kind within three days: the odds are higher, the probability must not be."""
    random = np.random.default_rng(9)
    left, drawn_day = random.random(40_000) < 0.5, random.integers(1, 31, 40_000)
    leaves_day = np.where(left, random.uniform(0.0, 3.0, 40_000), 99.0)
    stayed = leaves_day > drawn_day
    odds = left.sum() / stayed.sum()
    churned = np.arange(40_000) < round(40_000 * odds / (1.0 + odds))

    haste = haste_of(np.full(1000, np.log(odds)), np.ones(1000), leaves_day[left][:1000] / 30.0, Calibration())

    assert haste == pytest.approx(0.9, abs=0.03)
    said = np.full(1, np.log(churned.sum() / (~churned).sum()))
    assert Calibration().probability(said)[0] > 0.6
    assert Calibration(haste=haste).probability(said)[0] == pytest.approx(0.5, abs=0.03)


def test_leavers_whom_nobody_saw_coming_say_nothing_of_haste() -> None:
    assert haste_of(np.full(50, -6.0), np.ones(50), np.zeros(50), Calibration()) < 0.05


def test_from_drawn_stayers_comes_the_probability_of_the_whole_horizon() -> None:
    """Leavers against stayers drawn over 30 days, four kinds of lines: the probability must be the share that leaves."""
    random = np.random.default_rng(4)
    kind = random.integers(0, 4, 200_000)
    hazard = np.array([0.005, 0.02, 0.1, 1.5])[kind]
    leaves_day, drawn_day = random.exponential(30.0 / hazard), random.integers(1, 31, len(kind))
    left, stayed = leaves_day <= 30.0, leaves_day > drawn_day
    log_odds = np.log(np.bincount(kind[left]) / np.bincount(kind[stayed]))

    probability = Calibration().probability(log_odds)

    assert probability == pytest.approx(np.bincount(kind[left], minlength=4) / np.bincount(kind), rel=0.06)
    assert expected_calibration_error(calibration_bins(left, probability[kind])) < 0.2 * left.mean()


def test_the_holdout_is_the_configured_share_and_a_larger_one_keeps_its_members() -> None:
    accounts = [f"account-{number}" for number in range(20_000)]
    small = {account for account in accounts if is_held_out(account, "public", {"public": 0.05})}
    large = {account for account in accounts if is_held_out(account, "public", {"public": 0.1})}

    assert len(small) == pytest.approx(1000, rel=0.1)
    assert small < large
    assert not any(is_held_out(account, "key_account", {"public": 1.0}) for account in accounts[:100])


def test_the_holdout_is_the_same_in_every_release() -> None:
    assert holdout_place("account-1") == pytest.approx(HOLDOUT_OF_ACCOUNT_1, abs=1e-15)


HOLDOUT_OF_ACCOUNT_1 = 0.13802889093145088


@pytest.mark.parametrize("change", [{"slope": 0.0}, {"floor": -0.1}, {"haste": 1.1}, {"haste": -0.1}, {"haste": None}])
def test_a_calibration_that_makes_no_sense_is_refused(change: dict[str, object]) -> None:
    body = {"slope": 1.0, "intercept": 0.0, "floor": 0.01, "haste": 0.4}
    assert read_calibration({"calibration": body}) == Calibration(1.0, 0.0, 0.01, 0.4)

    with pytest.raises(WrongBodyError):
        read_calibration({"calibration": body | change})


def test_a_calibration_of_an_earlier_release_is_read_without_haste() -> None:
    body = {"slope": 1.0, "intercept": 0.0, "floor": 0.01, "columns": [3], "levels": [1.0, 2.0]}
    assert read_calibration({"calibration": body}) == Calibration(1.0, 0.0, 0.01)
