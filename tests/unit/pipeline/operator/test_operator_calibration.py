"""The synthetic public talks like the real people of the Copenhagen Networks Study."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.sources.operator.calibration import Habits, copenhagen_contacts, distance, measure, simulated_contacts
from pipeline.sources.operator.config import load_scenario

COPENHAGEN = Path(__file__).resolve().parents[5] / "shared" / "data" / "copenhagen"


@pytest.fixture(scope="module")
def both() -> tuple[Habits, Habits]:
    if not (COPENHAGEN / "sms.csv").exists():
        pytest.skip("the Copenhagen calls are not there (../shared/data/copenhagen)")
    real = measure(copenhagen_contacts(COPENHAGEN), 28)
    simulated = measure(simulated_contacts(load_scenario("calm", customers=600, days=28)), 28)
    return real, simulated


def test_times_between_contacts_are_distributed_as_in_reality(both: tuple[Habits, Habits]) -> None:
    real, simulated = both
    assert distance(real.gaps_s, simulated.gaps_s) < 0.12
    assert 0.5 < np.median(simulated.gaps_s) / np.median(real.gaps_s) < 2


def test_the_daily_rhythm_is_the_real_one(both: tuple[Habits, Habits]) -> None:
    real, simulated = both
    assert np.corrcoef(real.hour_shares, simulated.hour_shares)[0, 1] > 0.97


def test_activity_is_as_uneven_as_in_reality(both: tuple[Habits, Habits]) -> None:
    real, simulated = both
    assert distance(real.records_per_day, simulated.records_per_day) < 0.12


def test_most_people_have_a_handful_of_contacts_and_not_fewer_than_were_seen_in_the_study(
    both: tuple[Habits, Habits],
) -> None:
    # The study saw only contacts among its 608 people, so its figure is a lower bound.
    real, simulated = both
    assert np.median(real.contacts) <= np.median(simulated.contacts) <= 3 * np.median(real.contacts)
