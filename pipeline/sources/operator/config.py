"""What kind of operator is simulated: sizes, churn, mediation and shocks; a scenario is one small TOML file of it."""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

SCENARIO_DIR = Path(__file__).resolve().parents[3] / "config" / "scenarios"

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Positive = Annotated[float, msgspec.Meta(gt=0.0)]
Factor = Annotated[float, msgspec.Meta(ge=0.0, le=1000.0)]
Country = Literal["CN", "UK", "IN"]
ShockKind = Literal["outage", "price_war", "campaign", "festival", "feed_silent"]


DEFAULT_CAUSES = {
    "price": 0.19, "service": 0.13, "rival": 0.11, "contagion": 0.10, "contract_end": 0.09, "fade": 0.20,
    "life_event": 0.15, "key_account": 0.05,
}  # fmt: skip


class ScenarioError(ValueError):
    """A scenario that cannot be read; the message names the file, the key and what is allowed."""


class PopulationConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who the customers are. Shares are of accounts."""

    key_account_share: Share = 0.01
    business_share: Share = 0.09
    prepaid_share: Share = 0.35
    key_account_lines_median: Positive = 12.0
    regions: tuple[str, ...] = ("north", "east", "south", "west", "centre", "harbour")
    records_per_line_day: Positive = 3.0
    activity_sigma: Positive = 1.25


class ChurnConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many leave, why, and who only looks like it.

    `monthly`: voluntary churn, share of the live lines in 30 days. `causes`: relative shares. `won_back_share`:
    deciders who
    change their mind by themselves. `largest_leaver_share`: a key account with more of all lines than this stays, so
    that
    one draw does not move a scenario out of its range.
    """

    monthly: Share = 0.02
    monthly_low: Share = 0.015
    monthly_high: Share = 0.025
    involuntary_monthly: Share = 0.002
    causes: dict[str, Factor] = msgspec.field(default_factory=lambda: dict(DEFAULT_CAUSES))
    won_back_share: Share = 0.12
    lookalikes_per_decider: Positive = 7.0
    largest_leaver_share: Share = 0.003


class MediationConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What happens between the switch and us: shares of call records."""

    duplicate_share: Share = 0.002
    late_share: Share = 0.01
    partial_share: Share = 0.03
    malformed_share: Share = 0.0002


class Shock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that happens to many at once.

    `factor`: of churn by its cause (price_war, campaign, outage) or of usage (festival). `region`: empty means
    everywhere.
    `stream`: which feed falls silent (feed_silent); its records come when it is mended, all late.
    """

    kind: ShockKind
    day: Annotated[int, msgspec.Meta(ge=0)]
    days: Positive = 1.0
    region: str = ""
    factor: Factor = 1.0
    stream: Literal["cdr", "billing", "orders", "care"] = "cdr"


class OperatorConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that decides a simulation: two equal configurations give equal bytes.

    `with_calls` False leaves the call records out of the streams (they are still lived and rated): for tests of the
    truth.
    `with_hazard` fills `OperatorDay.hazard`, the true probability to leave within 30 days.
    """

    customers: Annotated[int, msgspec.Meta(ge=1, le=5_000_000)] = 2000
    days: Annotated[int, msgspec.Meta(ge=1, le=2000)] = 60
    seed: Annotated[int, msgspec.Meta(ge=0)] = 7
    activity: Positive = 1.0
    scenario: str = "calm"
    country: Country = "CN"
    with_calls: bool = True
    with_hazard: bool = False
    population: PopulationConfig = PopulationConfig()
    churn: ChurnConfig = ChurnConfig()
    mediation: MediationConfig = MediationConfig()
    shocks: list[Shock] = []


def scenario_names(folder: Path = SCENARIO_DIR) -> list[str]:
    """Names of the scenarios that exist.

    >>> "calm" in scenario_names()
    True
    """
    return sorted(path.stem for path in folder.glob("*.toml"))


def load_scenario(name: str, folder: Path = SCENARIO_DIR, **changes: Any) -> OperatorConfig:
    """The operator of `config/scenarios/<name>.toml`, with fields such as `customers` or `seed` replaced by `changes`.

    Raises:
        ScenarioError: no such scenario, or a wrong key or value in it or in `changes`.
    """
    path = folder / f"{name}.toml"
    if not path.exists():
        raise ScenarioError(f"there is no scenario `{name}`; choose one of {', '.join(scenario_names(folder))}")
    try:
        values = msgspec.toml.decode(path.read_bytes())
        values.pop("description", None)
        config = msgspec.convert({**values, "scenario": name, **changes}, OperatorConfig)
    except msgspec.MsgspecError as error:
        raise ScenarioError(f"{path}: {error}") from None
    _check_names(config, path)
    return config


def _check_names(config: OperatorConfig, path: Path) -> None:
    """Names that refer to others: regions of shocks, causes."""
    regions = config.population.regions
    for shock in config.shocks:
        if shock.region and shock.region not in regions:
            raise ScenarioError(f"{path}: there is no region `{shock.region}`; regions are {', '.join(regions)}")
    for cause in config.churn.causes:
        if cause not in DEFAULT_CAUSES:
            raise ScenarioError(f"{path}: there is no cause `{cause}`; causes are {', '.join(DEFAULT_CAUSES)}")
