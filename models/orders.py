"""What a person orders the trainer to do. Orders travel in its one ordered log, so that a replay obeys them in their place."""

from enum import StrEnum

import msgspec

from pipeline.events import EpochMs


class OrderKind(StrEnum):
    """`freeze` and `unfreeze` the learning; `promote` a contestant; `pin` what is in use: nothing is published;
    `release` the pin.
    """

    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    PROMOTE = "promote"
    PIN = "pin"
    RELEASE = "release"


class TrainerOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`learn_held`: at an unfreeze, learn what came while frozen; else it is dropped. `contestant`: whom to promote.

    `version`: the model that was put back, for the log.
    """

    order: OrderKind
    given_ms: EpochMs
    learn_held: bool = False
    contestant: str = ""
    version: str = ""
