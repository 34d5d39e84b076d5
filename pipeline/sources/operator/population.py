"""Who the customers are: accounts and their lines as columns, drawn once."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.operator.clock import DAY_MS, START_MS, generator
from pipeline.sources.operator.config import OperatorConfig

KEY, BUSINESS, PUBLIC = 0, 1, 2
SEGMENT_NAMES = ("key_account", "business", "public")
TIMEZONES = {"CN": "Asia/Shanghai", "UK": "Europe/London", "IN": "Asia/Kolkata"}
LANGUAGES = {"CN": "zh", "UK": "en", "IN": "en"}
NO_CONTRACT = -100_000
MONEY_UNIT = 10_000  # amounts are integers of 1/10,000 of the currency, so that invoices add up exactly
MAX_KEY_LINES = 400
KEY_ACCOUNTS_PER_MANAGER = 10
CATEGORIES = ("government", "finance", "industry", "trade")
SEASONAL = {5: "tourism", 9: "heating", 13: "education"}


@dataclass(frozen=True, slots=True)
class Population:
    """Columns of accounts (n_accounts,) and of lines (n_lines,).

    `first_line` has one more entry than accounts: lines of account a are first_line[a] to first_line[a + 1].
    `rate_per_day`: records a day in a normal week. `fee`, `threshold`: money in units of 1/10,000. `contract_end_day`:
    NO_CONTRACT where there is none. `manager`: -1 for none. `pays_late_days`: how long after the due day an account
    pays.
    """

    segment: NDArray[np.int8]
    prepaid: NDArray[np.bool_]
    star: NDArray[np.int8]
    region: NDArray[np.int8]
    tenure_days: NDArray[np.int32]
    contract_end_day: NDArray[np.int32]
    manager: NDArray[np.int16]
    bill_day: NDArray[np.int8]
    price_sensitivity: NDArray[np.float64]
    pays_late_days: NDArray[np.int16]
    first_line: NDArray[np.int64]
    account_of: NDArray[np.int64]
    rate_per_day: NDArray[np.float64]
    fee: NDArray[np.int64]
    region_names: tuple[str, ...]
    managers: int

    @property
    def n_accounts(self) -> int:
        """How many accounts there are."""
        return len(self.segment)

    @property
    def n_lines(self) -> int:
        """How many lines there are."""
        return len(self.account_of)

    @property
    def line_segment(self) -> NDArray[np.int8]:
        """Segment of each line, shape (n_lines,)."""
        return self.segment[self.account_of]


def account_name(index: int) -> str:
    """Identifier of an account.

    >>> account_name(12)
    'A0000012'
    """
    return f"A{index:07d}"


def line_name(index: int) -> str:
    """Identifier of a line, a pseudonym already.

    >>> line_name(12)
    'L000000012'
    """
    return f"L{index:09d}"


def category_of(account: int) -> str:
    """Trade of a business; three in sixteen have a season (seasons.py).

    >>> [category_of(account) for account in (0, 1, 5, 9, 13)]
    ['government', 'finance', 'tourism', 'heating', 'education']
    """
    return SEASONAL.get(account % 16) or CATEGORIES[account % 4]


def build_population(config: OperatorConfig) -> Population:
    """Draw accounts and lines of this configuration."""
    rng = generator(config.seed, "population")
    n = config.customers
    segment = _segments(rng, n, config)
    counts = _line_counts(rng, segment, config)
    first_line = np.concatenate(([0], np.cumsum(counts)))
    account_of = np.repeat(np.arange(n), counts)
    prepaid = (segment == PUBLIC) & (rng.random(n) < config.population.prepaid_share)
    star = np.where(
        segment == KEY,
        np.clip(2 + rng.poisson(0.25 * np.sqrt(counts)), 1, 5),
        np.where(
            segment == BUSINESS,
            rng.choice(5, n, p=[0.3, 0.3, 0.2, 0.15, 0.05]),
            rng.choice(4, n, p=[0.7, 0.2, 0.08, 0.02]),
        ),
    )
    managers = max(2, round(int((segment == KEY).sum()) / KEY_ACCOUNTS_PER_MANAGER))
    managed = (segment == KEY) | ((segment == BUSINESS) & (star >= 2))
    in_contract = ~prepaid & (rng.random(n) < np.where(segment == PUBLIC, 0.55, 0.85))
    return Population(
        segment=segment,
        prepaid=prepaid,
        star=star.astype(np.int8),
        region=rng.integers(len(config.population.regions), size=n).astype(np.int8),
        tenure_days=np.clip(rng.exponential(900, n), 20, 7300).astype(np.int32),
        contract_end_day=np.where(in_contract, rng.integers(-10, 730, n), NO_CONTRACT).astype(np.int32),
        manager=np.where(managed, rng.integers(managers, size=n), -1).astype(np.int16),
        bill_day=rng.integers(1, 29, n).astype(np.int8),
        price_sensitivity=np.exp(rng.normal(0, 0.8, n)),
        pays_late_days=_payment_habits(rng, n),
        first_line=first_line,
        account_of=account_of,
        rate_per_day=_rates(rng, len(account_of), config),
        fee=_fees(rng, prepaid[account_of], segment[account_of]),
        region_names=tuple(config.population.regions),
        managers=managers,
    )


def _segments(rng: np.random.Generator, n: int, config: OperatorConfig) -> NDArray[np.int8]:
    segment = np.full(n, PUBLIC, np.int8)
    order = rng.permutation(n)
    n_key = max(1, round(n * config.population.key_account_share))
    n_business = round(n * config.population.business_share)
    segment[order[:n_key]] = KEY
    segment[order[n_key : n_key + n_business]] = BUSINESS
    return segment


def _line_counts(rng: np.random.Generator, segment: NDArray[np.int8], config: OperatorConfig) -> NDArray[np.int64]:
    n = len(segment)
    public = rng.choice([1, 2, 3], n, p=[0.85, 0.12, 0.03])
    business = np.minimum(rng.geometric(0.4, n), 30)
    key = np.exp(rng.normal(np.log(config.population.key_account_lines_median), 1.0, n))
    key_lines = np.clip(np.rint(key), 1, MAX_KEY_LINES).astype(np.int64)
    return np.select([segment == KEY, segment == BUSINESS], [key_lines, business], public).astype(np.int64)


def _payment_habits(rng: np.random.Generator, n: int) -> NDArray[np.int16]:
    """Days after the due day: most pay before it, some a little later, few much later."""
    late = np.where(rng.random(n) < 0.8, rng.integers(4, 16, n), rng.integers(16, 26, n))
    return np.where(rng.random(n) < 0.9, -rng.integers(1, 12, n), late).astype(np.int16)


def _rates(rng: np.random.Generator, n: int, config: OperatorConfig) -> NDArray[np.float64]:
    sigma = config.population.activity_sigma
    rates = np.minimum(np.exp(rng.normal(0, sigma, n)), np.exp(3 * sigma))
    mean = config.population.records_per_line_day * config.activity
    return np.asarray(rates * (mean / rates.mean()))


def _fees(rng: np.random.Generator, prepaid: NDArray[np.bool_], segment: NDArray[np.int8]) -> NDArray[np.int64]:
    plan = np.where(
        segment == PUBLIC, rng.choice([15, 25, 39, 59], len(segment)), rng.choice([20, 30, 50], len(segment))
    )
    return np.where(prepaid, 0, plan * MONEY_UNIT).astype(np.int64)


def customer_record(population: Population, account: int, country: str, seed: int) -> dict[str, Any]:
    """The reference record of one account, as it stands on day 0."""
    rng = generator(seed, "customer", account)
    p, segment = population, int(population.segment[account])
    lines = [line_name(i) for i in range(p.first_line[account], p.first_line[account + 1])]
    record: dict[str, Any] = {
        "ts_ms": START_MS,
        "account_id": account_name(account),
        "segment": SEGMENT_NAMES[segment],
        "star": int(p.star[account]),
        "payment": "prepaid" if p.prepaid[account] else "postpaid",
        "region": p.region_names[p.region[account]],
        "brand": ("enterprise", "office", "home")[segment] if not p.prepaid[account] else "go",
        "category": category_of(account) if segment != PUBLIC else "person",
        "tenure_start_ms": START_MS - int(p.tenure_days[account]) * DAY_MS,
        "lines": lines,
        "consent": _consent(rng),
        "timezone": TIMEZONES[country],
        "contact_window": "09:00-20:00",
        "language": LANGUAGES[country],
    }
    if p.contract_end_day[account] != NO_CONTRACT:
        record["contract_end_ms"] = START_MS + int(p.contract_end_day[account]) * DAY_MS
    if p.manager[account] >= 0:
        record.update(_managers(p, int(p.manager[account])))
    if segment == KEY:
        record["indicators"] = _indicators(rng, len(lines), float(p.price_sensitivity[account]))
    return record


def _consent(rng: np.random.Generator) -> dict[str, bool]:
    shares = {"call": 0.85, "sms": 0.8, "profiling": 0.9}
    return {name: bool(rng.random() < share) for name, share in shares.items()}


def _managers(population: Population, manager: int) -> dict[str, str]:
    deputy = (manager + 1) % population.managers
    return {
        "manager_id": f"m{manager + 1:02d}",
        "deputy_id": f"m{deputy + 1:02d}",
        "team_id": f"t{manager // 5 + 1:02d}",
    }


def _indicators(rng: np.random.Generator, lines: int, price_sensitivity: float) -> dict[str, float]:
    """The ones of the 17 that an account manager fills in (1-10), not those the pipeline measures itself."""
    judged = (
        "brought_revenue", "operation_cost", "social_influence", "business_condition", "demand_forecast",
        "value_chain_position",
        "telecom_dependence", "overall_satisfaction", "our_share_of_spend", "mutual_benefit",
    )  # fmt: skip
    values = {name: float(np.round(np.clip(rng.normal(6, 1.8), 1, 10), 1)) for name in judged}
    values["price_sensitivity"] = round(min(10.0, 3 + 2 * price_sensitivity), 1)
    values["size"] = float(lines)
    return values
