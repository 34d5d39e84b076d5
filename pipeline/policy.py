"""The policy of signals: what `config/policies/signals.toml` says, checked."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.customer_kinds import KINDS, CustomerKind
from pipeline.events import CareKind, Level, OrderKind, Origin
from pipeline.ladder_pack import LadderError, LadderPack, read_ladder

Probability = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
Days = Annotated[float, msgspec.Meta(gt=0.0, le=3650.0)]
MODEL_SCORE = "model_score"
#: Kinds of records that can begin or end a hard signal: those of orders and care that are no label (CONTRACT.md section 3).
SIGNAL_KINDS = frozenset({*OrderKind, *CareKind}) - {
    OrderKind.PORT_OUT_DONE,
    OrderKind.TERMINATION_DONE,
    OrderKind.RECONNECT,
}
Checked = TypeVar("Checked", bound=msgspec.Struct)


class PolicyError(ValueError):
    """A policy file that cannot be used; the message names the file, the key and what is allowed."""


class SoftPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a gradual signal is on, and what it weighs. Not `enabled`: it never comes on, and what is on ends.

    `out_for`: kinds of customers of whom it proved no better than chance. There it is kept as evidence beside other signals; it
    warns of nothing and does not count.
    """

    origin: Origin
    weight: Probability
    on: Probability
    off: Probability
    warn_at: Probability = 1.0
    critical_at: Probability = 1.0
    enabled: bool = True
    out_for: tuple[CustomerKind, ...] = ()

    def told_of(self) -> NDArray[np.bool_]:
        """Whether it is told of each kind of customer, by the kind's code."""
        return np.array([kind not in self.out_for for kind in KINDS])

    def level(self, strength: float) -> Level:
        """Level of a warning at this strength."""
        if strength >= self.critical_at:
            return Level.CRITICAL
        return Level.WARN if strength >= self.warn_at else Level.WATCH


class HardPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one kind of order or care record means while it stands.

    Attributes:
        per_repeat, per_severity: added for each further record of 90 days, and for each step of severity above 1.
        per_open_day: added for each day that nobody ended it, up to `open_days_max`; only then it begins to fade.
        score_below: only a satisfaction score below this begins it. `per_point`: added for each point that is missing.
        eased_by_score: a satisfaction score of at least this ends it.
        after_days: it begins so many days after its record, unless that was ended before; by product where that is told.
        not_for_reasons: a record with one of these reasons is none (a suspension for arrears is no wish of the customer's).
        out: it proved no better than chance: kept as evidence beside other signals, it warns of nothing and does not count.
        enabled: whether it warns; its records are remembered all the same, since the models learn from them.
    """

    origin: Origin
    weight: Probability
    strength: Probability
    level: Level
    days: Days
    days_left: Days
    per_repeat: Probability = 0.0
    per_severity: Probability = 0.0
    warn_at: Probability = 1.0
    critical_at: Probability = 1.0
    started_by: tuple[str, ...] = ()
    ended_by: tuple[str, ...] = ()
    per_open_day: Probability = 0.0
    open_days_max: Days = 7.0
    per_point: Probability = 0.0
    score_below: Annotated[float, msgspec.Meta(gt=1.0, le=10.0)] | None = None
    eased_by_score: Annotated[float, msgspec.Meta(ge=1.0, le=10.0)] | None = None
    after_days: Annotated[float, msgspec.Meta(ge=0.0, le=365.0)] = 0.0
    after_days_by_product: dict[str, Days] = {}
    not_for_reasons: tuple[str, ...] = ()
    out: bool = False
    enabled: bool = True

    def strength_of(self, count: int, severity: int, open_days: float = 0.0, points: float = 0.0) -> float:
        """Strength after so many records in the window, the worst of this severity (1-5, 0 none), open for so many days."""
        more = self.per_repeat * (count - 1) + self.per_severity * max(0, severity - 1)
        return min(1.0, self.strength + more + self.per_open_day * open_days + self.per_point * points)

    @property
    def waits(self) -> bool:
        """Whether it begins only some time after its record."""
        return self.after_days > 0.0 or bool(self.after_days_by_product)

    def wait_days(self, product: str | None) -> float:
        """Days between the record and the beginning of the signal."""
        return self.after_days_by_product.get(product or "", self.after_days)

    def level_of(self, strength: float) -> Level:
        """Level of a warning at this strength; never below the policy's own."""
        if self.level is Level.CRITICAL or strength >= self.critical_at < 1.0:
            return Level.CRITICAL
        return Level.WARN if self.level is Level.WARN or strength >= self.warn_at < 1.0 else Level.WATCH


class SignalPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it. `starts` and `ends` say which record kind begins or ends which hard signal.

    `barred`: beginnings of signals' names that nobody may be judged by in this country: no feature and no prior knows of them.
    """

    base_rate: Probability
    model_score_on: Probability
    model_score_off: Probability
    model_score_critical: Probability
    reasons_max: Annotated[int, msgspec.Meta(ge=1, le=10)]
    soft: dict[str, SoftPolicy]
    hard: dict[str, HardPolicy]
    ladder: LadderPack = LadderPack()
    barred: tuple[str, ...] = ()

    def is_barred(self, reason: str) -> bool:
        """Whether features of this reason code are left out."""
        return bool(self.barred) and reason.startswith(self.barred)

    def in_country(self, ladder: LadderPack) -> "SignalPolicy":
        """This policy with the rungs and clocks of a country."""
        hard = dict(self.hard)
        for rung, clock in ladder.clocks.items():
            if rung in hard:
                told = {name: value for name, value in msgspec.structs.asdict(clock).items() if value is not None}
                hard[rung] = msgspec.structs.replace(hard[rung], **told)
        return msgspec.structs.replace(self, hard=hard, ladder=ladder)

    def starts(self) -> dict[str, str]:
        """Record kind -> hard signal that it begins."""
        return {kind: name for name, hard in self.hard.items() for kind in hard.started_by or (name,)}

    def ends(self) -> dict[str, list[str]]:
        """Record kind -> hard signals that it ends."""
        result: dict[str, list[str]] = {}
        for name, hard in self.hard.items():
            for kind in hard.ended_by:
                result.setdefault(kind, []).append(name)
        return result

    def origin(self, signal: str) -> Origin:
        """Where the knowledge of a signal comes from; a model's score counts as our own usage data."""
        if signal == MODEL_SCORE:
            return Origin.OWN_USAGE
        return self.soft[signal].origin if signal in self.soft else self.hard[signal].origin

    def weight(self, signal: str) -> float:
        """Prior weight of a signal; a model's score is no signal of its own in the prior."""
        if signal == MODEL_SCORE:
            return 0.0
        return self.soft[signal].weight if signal in self.soft else self.hard[signal].weight


#: What the country's pack decides (config/countries); no file of signals may say it.
FROM_COUNTRY = ("ladder", "barred")
SECTION_TYPES: dict[str, type[SoftPolicy] | type[HardPolicy]] = {"soft": SoftPolicy, "hard": HardPolicy}


def read_policy(path: Path, known_soft: Collection[str]) -> SignalPolicy:
    """The policy in a TOML file.

    Raises:
        PolicyError: unreadable, a typo, a value out of range, or a soft signal that no detector computes.
    """
    try:
        raw = msgspec.toml.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise PolicyError(f"cannot read {path}: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PolicyError(f"{path}: {error}") from None
    return checked_policy(raw, str(path), known_soft)


def policy_in_country(policy: SignalPolicy, countries: Path, country: str) -> SignalPolicy:
    """The policy with the rungs and clocks of a country's pack in this folder.

    Raises:
        PolicyError: there is no such pack, or its ladder is wrong.
    """
    try:
        return policy.in_country(read_ladder(countries / f"{country.lower()}.toml"))
    except LadderError as error:
        raise PolicyError(str(error)) from None


def checked_policy(raw: Mapping[str, Any], path: str, known_soft: Collection[str]) -> SignalPolicy:
    """The policy in decoded TOML; `path` says in errors where it comes from.

    Raises:
        PolicyError: a typo, a value out of range, or a soft signal that no detector computes.
    """
    # Section by section first: an error of the whole does not tell which section it is in.
    for table, policy_type in SECTION_TYPES.items():
        sections = raw.get(table)
        for name, section in sections.items() if isinstance(sections, Mapping) else ():
            _convert(section, policy_type, f"{path}: [{table}.{name}]")
    policy = _convert(raw, SignalPolicy, path)
    if of_country := sorted(set(FROM_COUNTRY) & set(raw)):
        raise PolicyError(
            f"{path}: `{of_country[0]}` is decided by the country's pack in config/countries; take it out here"
        )
    unknown = sorted(set(policy.soft) - set(known_soft))
    if unknown:
        raise PolicyError(
            f"{path}: no detector for soft signal {unknown[0]!r}; known are {', '.join(sorted(known_soft))}"
        )
    missing = sorted(set(known_soft) - set(policy.soft))
    if missing:
        raise PolicyError(f"{path}: section [soft.{missing[0]}] is missing")
    check_order(policy, path)
    for name, hard in policy.hard.items():
        _check_hard(name, hard, policy, path)
    return policy


def check_order(policy: SignalPolicy, path: str) -> None:
    """Raises PolicyError where a signal would begin below where it ends."""
    for name, soft in policy.soft.items():
        if soft.off >= soft.on:
            raise PolicyError(f"{path}: soft.{name}: `off` ({soft.off}) must be below `on` ({soft.on})")
    if not policy.model_score_off < policy.model_score_on <= policy.model_score_critical:
        raise PolicyError(
            f"{path}: `model_score_off` must be below `model_score_on`, and that not above `model_score_critical`"
        )


def _convert(raw: Any, policy_type: type[Checked], where: str) -> Checked:
    try:
        return msgspec.convert(raw, policy_type)
    except msgspec.ValidationError as error:
        raise PolicyError(f"{where}: {error}{_allowed(str(error), policy_type)}") from None


def _allowed(message: str, policy_type: type[msgspec.Struct]) -> str:
    """What would have been right, where the message does not say it."""
    if "unknown field" in message:
        return f"; the keys are {', '.join(policy_type.__struct_fields__)}"
    for key, values in (("level", Level), ("origin", Origin), ("out_for", KINDS)):
        if "Invalid enum value" in message and f"`$.{key}" in message:
            return f"; allowed are {', '.join(values)}"
    return ""


def _check_hard(name: str, hard: HardPolicy, policy: SignalPolicy, path: str) -> None:
    if name in policy.soft or name == MODEL_SCORE:
        raise PolicyError(f"{path}: [hard.{name}]: a gradual signal has this name already")
    if hard.out and hard.weight > 0.0:
        raise PolicyError(f"{path}: [hard.{name}]: what is `out` has the weight 0, not {hard.weight:g}")
    for kind in (*(hard.started_by or (name,)), *hard.ended_by):
        if kind not in SIGNAL_KINDS:
            raise PolicyError(
                f"{path}: [hard.{name}]: there is no kind of record {kind!r} that begins or ends a signal; "
                f"there are {', '.join(sorted(SIGNAL_KINDS))}"
            )
    for kind in hard.started_by or (name,):
        if policy.starts()[kind] != name:
            raise PolicyError(f"{path}: [hard.{name}] and [hard.{policy.starts()[kind]}] are both begun by {kind}")
