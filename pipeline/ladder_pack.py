"""The ladder of a country: its rungs and clocks, read from the section `[ladder]` of `config/countries/<country>.toml`."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec

from pipeline.events import Level, OrderKind

Hours = Annotated[float, msgspec.Meta(gt=0.0, le=8784.0)]
Days = Annotated[float, msgspec.Meta(gt=0.0, le=3650.0)]
Probability = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

#: All rungs, the lowest first.
RUNGS: tuple[str, ...] = (
    OrderKind.OWNERSHIP_TRANSFER,
    OrderKind.BUNDLE_UNBIND,
    OrderKind.PORT_ELIGIBILITY_QUERY,
    OrderKind.CONTRACT_RELEASE_REQUEST,
    OrderKind.BALANCE_CLEARED,
    OrderKind.PORT_CODE_EXPIRED,
    OrderKind.PORT_CODE_ISSUED,
    OrderKind.PORT_OUT_ORDER,
)


class LadderError(ValueError):
    """A ladder that cannot be used; the message names the file, the key and what is allowed."""


class RungClock(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rung means in this country; None: as `config/policies/signals.toml` says."""

    strength: Probability | None = None
    level: Level | None = None
    days: Days | None = None
    days_left: Days | None = None


class LadderPack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ladder of one country.

    Attributes:
        rungs: the rungs that exist there, the lowest first.
        code_life_hours: how long a porting code is valid when its record does not say it.
        least_tenure_days: a line that is younger may not port yet.
        clocks: what differs from the policy, by rung.
        source: where the figures come from.
    """

    rungs: tuple[str, ...] = RUNGS
    code_life_hours: Hours = 720.0
    least_tenure_days: Annotated[float, msgspec.Meta(ge=0.0, le=3650.0)] = 0.0
    clocks: dict[str, RungClock] = {}
    source: str = ""

    @property
    def code_life_ms(self) -> int:
        return round(self.code_life_hours * HOUR_MS)

    def height(self, rung: str) -> int:
        """1 for the lowest rung; 0 for what is none here.

        >>> LadderPack().height("port_out_order"), LadderPack().height("termination")
        (8, 0)
        """
        return self.rungs.index(rung) + 1 if rung in self.rungs else 0

    def may_port_from_ms(self, tenure_start_ms: int) -> int:
        """When a line whose relationship began then may port; 0 where that is not known, or there is no such rule."""
        return tenure_start_ms + round(self.least_tenure_days * DAY_MS) if tenure_start_ms else 0


def read_ladder(path: Path) -> LadderPack:
    """The ladder in a country's pack; the general one where the pack has none.

    Raises:
        LadderError: unreadable, or wrong.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LadderError(f"cannot read {path}: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LadderError(f"{path}: {error}") from None
    return checked_ladder(raw.get("ladder", {}), str(path))


def checked_ladder(raw: Any, where: str) -> LadderPack:
    """The ladder in decoded TOML.

    Raises:
        LadderError: a wrong key, value or rung.
    """
    try:
        pack = msgspec.convert(raw, LadderPack)
    except msgspec.ValidationError as error:
        raise LadderError(f"{where}: [ladder]: {error}") from None
    for rung in (*pack.rungs, *pack.clocks):
        if rung not in RUNGS:
            raise LadderError(f"{where}: [ladder]: there is no rung {rung!r}; rungs are {', '.join(RUNGS)}")
    if len(set(pack.rungs)) < len(pack.rungs):
        raise LadderError(f"{where}: [ladder]: a rung stands twice in `rungs`")
    return pack
