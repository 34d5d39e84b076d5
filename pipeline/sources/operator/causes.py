"""Why lines leave: causes with their traces and lead times, and the true hazard of each line on each day."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.operator.circles import Circles
from pipeline.sources.operator.clock import generator
from pipeline.sources.operator.config import OperatorConfig, Shock
from pipeline.sources.operator.life import LineState
from pipeline.sources.operator.population import KEY, NO_CONTRACT, PUBLIC, Population

HORIZON_DAYS = 30
FOLLOW_SHARE = 0.4  # of the other lines of an account that go along
LEAD_SAMPLES = 2048
MAX_LEAD_DAYS = 75.0
ALWAYS_MAY_LEAVE_LINES = 12  # a key account of so few lines moves no scenario out of its range
FAULT_MEMORY_DAYS = 10.0
EXPOSURE_MEMORY_DAYS = 15.0


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason to leave. `floor`: usage left at the end (low, high); the other numbers are probabilities of a trace,
    `hotline_calls` a mean. `quiet` of them leave no trace but fading usage.
    """

    name: str
    lead_days: float
    lead_shape: float
    floor: tuple[float, float]
    quiet: float = 0.0
    shift: float = 0.0
    hotline_calls: float = 0.0
    price_inquiry: float = 0.0
    complaint: float = 0.0
    rival_contact: float = 0.0
    forwarding: float = 0.0
    downgrade: float = 0.0
    device_unlock: float = 0.0
    early_steps: float = 0.5


CAUSES = (
    Cause("price", 19, 3, (0.25, 0.7), 0.12, 0.25, 0.9, 0.5, 0.1, 0.15, 0.05, 0.2, 0.1),
    Cause("service", 14, 2.5, (0.2, 0.7), 0.08, 0.2, 0.4, 0.05, 0.8, 0.1, 0.08, 0.05, 0.05),
    Cause("rival", 12, 3, (0.2, 0.6), 0.1, 0.5, 1.2, 0.2, 0.03, 0.5, 0.1, 0.05, 0.15),
    Cause("contagion", 15, 3, (0.2, 0.6), 0.2, 0.6, 0.5, 0.1, 0.03, 0.1, 0.05, 0.02, 0.1),
    Cause("contract_end", 20, 4, (0.4, 0.9), 0.08, 0.15, 0.6, 0.4, 0.05, 0.2, 0.03, 0.1, 0.2, early_steps=0.9),
    Cause("fade", 26, 4, (0.03, 0.35), 1.0, 0.3),
    Cause("life_event", 1.5, 2, (1.0, 1.0)),
    Cause("key_account", 32, 5, (0.1, 0.5), 0.35, 0.4, 0.3, 0.4, 0.4, 0.6, 0.2, 0.3, 0.1, early_steps=0.9),
)
CAUSE_NAMES = tuple(cause.name for cause in CAUSES)
KEY_CAUSE = CAUSE_NAMES.index("key_account")
LIFE_CAUSE = CAUSE_NAMES.index("life_event")


class Hazards:
    """The rates at which undecided lines decide, calibrated so that `churn.monthly` of the lines leave in 30 days."""

    def __init__(self, config: OperatorConfig, population: Population, circles: Circles) -> None:
        self._config = config
        self._population = population
        self._circles = circles
        self._segment = population.line_segment
        sizes = np.diff(population.first_line)
        self._others = (sizes - 1)[population.account_of]
        largest = max(ALWAYS_MAY_LEAVE_LINES, config.churn.largest_leaver_share * population.n_lines)
        self._may_leave = (self._segment != KEY) | (sizes[population.account_of] <= largest)
        self._leads = np.stack([np.sort(_draw_leads(config.seed, cause)) for cause in CAUSES])
        self._within_horizon = np.clip(HORIZON_DAYS - self._leads, 0, None).mean(axis=1)

    def of_day(self, day: int, state: LineState, live: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Probability to decide today, by cause and line, shape (n_causes, n_lines); a key account counts by
        account.
        """
        churn = self._config.churn
        free = live & ~state.decided & self._may_leave
        weights = self._weights(day, state) * free
        weights[:KEY_CAUSE, self._segment == KEY] = 0
        weights[KEY_CAUSE] *= self._segment == KEY
        total_share = sum(churn.causes.values())
        followers = np.where(self._segment == KEY, 0.0, FOLLOW_SHARE * self._others)
        wanted = churn.monthly / HORIZON_DAYS * live.sum() / (1 - churn.won_back_share)
        for row, cause in enumerate(CAUSES):
            share = churn.causes.get(cause.name, 0.0) / total_share
            leaving = float((weights[row] * (1 + followers)).sum())
            weights[row] *= wanted * share * self._shock_factor(day, cause.name) / leaving if leaving > 0 else 0.0
        return np.asarray(np.minimum(weights, 0.5))

    def _weights(self, day: int, state: LineState) -> NDArray[np.float64]:
        p, n = self._population, self._population.n_lines
        sensitive = p.price_sensitivity[p.account_of]
        since_fault = np.clip(day - state.fault_day, 0, 1000)
        to_end = p.contract_end_day[p.account_of] - day
        has_contract = p.contract_end_day[p.account_of] != NO_CONTRACT
        near_end = has_contract & (to_end > -30) & (to_end < 25)
        free_to_go = ~has_contract | (to_end < 25)
        weights = np.ones((len(CAUSES), n))
        weights[0] = sensitive**1.5 * np.where(free_to_go, 1.0, 0.3)
        weights[1] = 0.05 + 12 * np.exp(-since_fault / FAULT_MEMORY_DAYS)
        weights[2] = sensitive**0.7 * np.where(free_to_go, 1.0, 0.4) * self._campaign(day)
        weights[3] = 0.02 + state.exposure
        weights[4] = np.where(near_end, 1.0, 0.005)
        weights[5] = np.where(self._segment == PUBLIC, 1.0, 0.4) / np.sqrt(1 + p.rate_per_day)
        return weights

    def _campaign(self, day: int) -> NDArray[np.float64]:
        """The rival's salesmen come to where a campaign runs."""
        factor = np.ones(self._population.n_lines)
        for shock in self._running(day, "campaign"):
            factor *= np.where(in_region(self._population, shock), 5.0, 1.0)
        return factor

    def _shock_factor(self, day: int, cause: str) -> float:
        factor = 1.0
        for shock in self._running(day, "price_war"):
            factor *= shock.factor if cause in {"price", "rival"} else 1.0
        for shock in self._running(day, "campaign"):
            factor *= shock.factor if cause == "rival" else 1.0
        for shock in self._config.shocks:
            after = shock.kind == "outage" and shock.day < day <= shock.day + 2 * FAULT_MEMORY_DAYS
            factor *= shock.factor if after and cause == "service" else 1.0
        return factor

    def _running(self, day: int, kind: str) -> list[Shock]:
        return [
            shock for shock in self._config.shocks if shock.kind == kind and shock.day <= day < shock.day + shock.days
        ]

    def within_horizon(self, day: int, state: LineState, daily: NDArray[np.float64]) -> NDArray[np.float64]:
        """The true probability to leave within 30 days from 00:00 UTC of this day, shape (n_lines,): the ceiling of
        any score.

        For the undecided from today's rates; for deciders from the distribution of lead times, knowing how long ago
        they decided and how many change their mind, but not when this one will go.
        """
        stay = 1 - self._config.churn.won_back_share
        account = self._population.account_of
        rate = self._within_horizon @ daily
        by_account = np.bincount(account, weights=rate, minlength=self._population.n_accounts)[account]
        follow = np.where(self._segment == KEY, 0.0, FOLLOW_SHARE * (by_account - rate))
        hazard = 1 - np.exp(-stay * (rate + follow))
        for row in range(len(CAUSES)):
            lines = np.flatnonzero(state.decided & (state.cause == row))
            age = (day - state.decided_day[lines]).astype(np.float64)
            passed = np.searchsorted(self._leads[row], age)
            by_horizon = np.searchsorted(self._leads[row], age + HORIZON_DAYS)
            hazard[lines] = stay * (by_horizon - passed) / np.maximum(LEAD_SAMPLES - passed, 1)
        return np.asarray(hazard)


def _draw_leads(seed: int, cause: Cause) -> NDArray[np.float64]:
    rng = generator(seed, f"lead of {cause.name}")
    return _lead_days(rng, cause, LEAD_SAMPLES)


def lead_days(rng: np.random.Generator, cause: Cause) -> float:
    """Days from the decision to the departure: gamma, cut."""
    return float(_lead_days(rng, cause, 1)[0])


def _lead_days(rng: np.random.Generator, cause: Cause, n: int) -> NDArray[np.float64]:
    drawn = rng.gamma(cause.lead_shape, cause.lead_days / cause.lead_shape, n)
    return np.asarray(np.clip(drawn, 0.2, MAX_LEAD_DAYS))


def in_region(population: Population, shock: Shock) -> NDArray[np.bool_]:
    """Lines that a shock concerns, shape (n_lines,)."""
    if not shock.region:
        return np.ones(population.n_lines, np.bool_)
    return np.asarray(population.region[population.account_of] == population.region_names.index(shock.region))


def spread_exposure(state: LineState, circles: Circles, left: NDArray[np.bool_]) -> None:
    """Contacts of lines that left today come under their influence; older influence fades by a day."""
    state.exposure *= np.exp(-1 / EXPOSURE_MEMORY_DAYS)
    touched = (circles.peer >= 0) & left[np.maximum(circles.peer, 0)]
    state.exposure += np.bincount(circles.owner[touched], minlength=len(state.exposure))
