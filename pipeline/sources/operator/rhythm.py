"""When people talk: hour of the day and day of the week by segment, holidays of the country, festivals."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import numpy as np
from numpy.typing import NDArray

from pipeline.sources.operator.clock import DAY_MS, HOUR_MS, day_start_ms
from pipeline.sources.operator.config import OperatorConfig
from pipeline.sources.operator.population import TIMEZONES

SLOTS = 1024  # steps of the quantile table: about 84 seconds each

# Share of a day's records by local hour, mean 1. The public curve is the one measured on the Copenhagen Networks Study
# (Sapiezynski et al., 2019), rounded; office hours for the other two are an assumption.
_PUBLIC = (
    0.29, 0.21, 0.10, 0.06, 0.03, 0.03, 0.19, 0.65, 0.92, 1.25, 1.24, 1.43,
    1.76, 1.43, 1.38, 1.43, 1.73, 1.83, 1.43, 1.53, 1.59, 1.49, 1.27, 0.76,
)  # fmt: skip
_OFFICE = (
    0.05, 0.03, 0.02, 0.02, 0.02, 0.05, 0.20, 0.70, 1.70, 2.50, 2.70, 2.60,
    1.70, 2.00, 2.60, 2.50, 2.20, 1.60, 0.90, 0.60, 0.40, 0.30, 0.20, 0.10,
)  # fmt: skip
_HOURS = np.array([_OFFICE, _OFFICE, _PUBLIC])
_HOURS = _HOURS / _HOURS.mean(axis=1, keepdims=True)
_WEEK = np.array([
    [1.12, 1.15, 1.15, 1.15, 1.13, 0.75, 0.55],
    [1.15, 1.20, 1.20, 1.20, 1.15, 0.65, 0.45],
    [0.87, 1.04, 0.95, 1.06, 1.10, 1.24, 0.74],
])  # fmt: skip
_HOLIDAY = np.array([0.45, 0.35, 1.05])


@dataclass(frozen=True, slots=True)
class DayProfile:
    """How busy a day is and when: `factor` (3,) by segment, `quantiles` (3, SLOTS) ms since 00:00 UTC."""

    factor: NDArray[np.float64]
    quantiles: NDArray[np.float64]
    is_holiday: bool


class Rhythm:
    """Profiles of days for one country and its festivals."""

    def __init__(self, config: OperatorConfig) -> None:
        self._zone = ZoneInfo(TIMEZONES[config.country])
        first = datetime.fromtimestamp(day_start_ms(0) / 1000, UTC)
        years = range(first.year, (first + timedelta(days=config.days + 1)).year + 1)
        code = {"UK": "GB"}.get(config.country, config.country)
        self._holidays = set(holidays.country_holidays(code, years=years))
        self._festivals = [shock for shock in config.shocks if shock.kind == "festival"]

    def profile(self, day: int) -> DayProfile:
        """Factors and times of one UTC day; each of its hours takes the weekday of its local date."""
        hours = [datetime.fromtimestamp((day_start_ms(day) + h * HOUR_MS) / 1000, self._zone) for h in range(24)]
        weights = np.stack([_HOURS[:, at.hour] * self._date_factor(at.date()) for at in hours], axis=1)
        weights *= self._festival_factor(day)
        cumulative = np.concatenate((np.zeros((3, 1)), np.cumsum(weights, axis=1)), axis=1)
        grid = np.arange(25) * float(HOUR_MS)
        aim = (np.arange(SLOTS) + 0.5) / SLOTS
        quantiles = np.stack([np.interp(aim * row[-1], row, grid) for row in cumulative])
        return DayProfile(weights.mean(axis=1), np.minimum(quantiles, DAY_MS - 1), hours[12].date() in self._holidays)

    def _date_factor(self, local: date) -> NDArray[np.float64]:
        return _HOLIDAY if local in self._holidays else _WEEK[:, local.weekday()]

    def _festival_factor(self, day: int) -> float:
        return float(np.prod([shock.factor for shock in self._festivals if shock.day <= day < shock.day + shock.days]))
