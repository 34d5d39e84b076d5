"""Expected maximum profit against its closed forms, calibration error by hand."""

import numpy as np
import pytest

from models.evaluation.calibration import calibration_bins, expected_calibration_error
from models.evaluation.profit import ProfitRules, beta_below, expected_maximum_profit


def by_integration(churned: np.ndarray, score: np.ndarray, rules: ProfitRules) -> float:
    """The definition itself: for each share of acceptance the best list, weighted by the Beta density."""
    share = churned.mean()
    offer, contact = rules.offer / rules.customer_value, rules.contact / rules.customer_value
    limits = [np.inf, *np.unique(score)[::-1]]
    found = np.array([(score[churned] >= limit).mean() for limit in limits])
    wrong = np.array([(score[~churned] >= limit).mean() for limit in limits])
    gamma = (np.arange(20_000) + 0.5) / 20_000
    density = gamma ** (rules.alpha - 1) * (1 - gamma) ** (rules.beta - 1)
    density /= density.sum()
    gain = (gamma[:, None] * (1 - offer) - contact) * share * found - (offer + contact) * (1 - share) * wrong
    return float(rules.customer_value * (gain.max(axis=1) * density).sum())


def test_a_perfect_ranking_earns_the_mean_acceptance_of_every_churner() -> None:
    churned, score = np.array([True] * 2 + [False] * 98), np.array([1.0] * 2 + [0.0] * 98)

    per_churner = 200 * (0.95 * 0.3 - 0.005)
    assert expected_maximum_profit(churned, score) == pytest.approx(0.02 * per_churner, abs=1e-4)


def test_a_worthless_ranking_of_few_churners_earns_nothing() -> None:
    churned = np.array([True] * 2 + [False] * 98)

    assert expected_maximum_profit(churned, np.full(100, 0.5)) == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_profit_equals_the_integral_over_acceptance(seed: int) -> None:
    random = np.random.default_rng(seed)
    churned = random.random(200) < 0.25
    score = np.round(random.random(200) + 0.4 * churned, 2).astype(np.float64)
    rules = ProfitRules(alpha=3, beta=4)

    assert expected_maximum_profit(churned, score, rules) == pytest.approx(
        by_integration(churned, score, rules), rel=1e-4
    )


def test_profit_needs_both_classes() -> None:
    assert np.isnan(expected_maximum_profit(np.array([False, False]), np.array([0.1, 0.2])))


def test_the_binomial_tail_is_the_beta_distribution() -> None:
    grid = (np.arange(100_000) + 0.5) / 100_000
    density = grid**5 * (1 - grid) ** 13

    assert beta_below(0.3, 6, 14) == pytest.approx(density[grid < 0.3].sum() / density.sum(), abs=1e-5)


def test_calibration_error_by_hand() -> None:
    score = np.array([0.1, 0.1, 0.5, 0.5])
    churned = np.array([False, False, True, True])

    bins = calibration_bins(churned, score, bins=2)

    assert [(part.rows, part.churned) for part in bins] == [(2, 0.0), (2, 1.0)]
    assert expected_calibration_error(bins) == pytest.approx((2 * 0.1 + 2 * 0.5) / 4)


def test_bins_have_equal_mass_and_nothing_gives_none() -> None:
    bins = calibration_bins(np.zeros(1003, bool), np.linspace(0, 1, 1003))

    assert len(bins) == 20
    assert {part.rows for part in bins} == {50, 51}
    assert np.isnan(expected_calibration_error(calibration_bins(np.zeros(0, bool), np.zeros(0))))
