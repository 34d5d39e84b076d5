"""What a customer would answer to a call: hidden from the engine, for simulated interventions with a known effect."""

from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.sources.operator.clock import generator
from pipeline.sources.operator.config import OperatorConfig
from pipeline.sources.operator.population import PUBLIC, Population, account_name

RESPONSE_TYPES = ("persuadable", "sure_thing", "lost_cause", "do_not_disturb")
TYPE_SHARES = (0.3, 0.4, 0.2, 0.1)

# Factor that a contact puts on the hazard of somebody of this type: below 1 it saves, above 1 it pushes out.
CONTACT_EFFECT = {"persuadable": 0.45, "sure_thing": 1.0, "lost_cause": 1.0, "do_not_disturb": 1.7}

# Whether somebody answers the phone, by local hour: a workplace, a home.
_OFFICE = np.array(
    [0.01] * 7 + [0.1, 0.35, 0.6, 0.62, 0.55, 0.3, 0.4, 0.6, 0.6, 0.55, 0.4, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01]
)
_HOME = np.array(
    [0.02] * 7 + [0.1, 0.15, 0.2, 0.22, 0.25, 0.35, 0.28, 0.22, 0.22, 0.28, 0.4, 0.52, 0.55, 0.48, 0.3, 0.12, 0.04]
)


class HiddenAccount(msgspec.Struct, frozen=True):
    """`reach`: probability that a call at this local hour reaches the customer, 24 values."""

    account_id: str
    response_type: str
    contact_effect: float
    reach: list[float]


def response_types(config: OperatorConfig, n_accounts: int) -> NDArray[np.int64]:
    """The hidden type of each account, as its place in RESPONSE_TYPES, shape (n_accounts,)."""
    return _drawn_types(generator(config.seed, "response"), n_accounts)


def _drawn_types(rng: np.random.Generator, n_accounts: int) -> NDArray[np.int64]:
    return np.asarray(rng.choice(len(RESPONSE_TYPES), n_accounts, p=TYPE_SHARES))


def hidden_accounts(config: OperatorConfig, population: Population) -> Iterator[HiddenAccount]:
    """The hidden answers of all accounts, in their order."""
    rng = generator(config.seed, "response")
    kinds = _drawn_types(rng, population.n_accounts)
    ease = np.clip(rng.lognormal(0, 0.35, population.n_accounts), 0.3, 1.5)
    for account in range(population.n_accounts):
        curve = _HOME if population.segment[account] == PUBLIC else _OFFICE
        reach = np.round(np.minimum(curve * ease[account], 0.95), 3)
        kind = RESPONSE_TYPES[int(kinds[account])]
        yield HiddenAccount(account_name(account), kind, CONTACT_EFFECT[kind], reach.tolist())
