"""The policy of signals: what `config/policies/signals.toml` says, checked."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec

from pipeline.events import CareKind, Level, OrderKind, Origin

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
    """When a gradual signal is on, and what it weighs."""

    origin: Origin
    weight: Probability
    on: Probability
    off: Probability
    warn_at: Probability = 1.0
    critical_at: Probability = 1.0

    def level(self, strength: float) -> Level:
        """Level of a warning at this strength."""
        if strength >= self.critical_at:
            return Level.CRITICAL
        return Level.WARN if strength >= self.warn_at else Level.WATCH


class HardPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one kind of order or care record means while it stands."""

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

    def strength_of(self, count: int, severity: int) -> float:
        """Strength after so many records in the window, the worst of this severity (1-5, 0 none)."""
        return min(1.0, self.strength + self.per_repeat * (count - 1) + self.per_severity * max(0, severity - 1))

    def level_of(self, strength: float) -> Level:
        """Level of a warning at this strength; never below the policy's own."""
        if self.level is Level.CRITICAL or strength >= self.critical_at < 1.0:
            return Level.CRITICAL
        return Level.WARN if self.level is Level.WARN or strength >= self.warn_at < 1.0 else Level.WATCH


class SignalPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of it. `starts` and `ends` say which record kind begins or ends which hard signal."""

    base_rate: Probability
    model_score_on: Probability
    model_score_off: Probability
    model_score_critical: Probability
    reasons_max: Annotated[int, msgspec.Meta(ge=1, le=10)]
    soft: dict[str, SoftPolicy]
    hard: dict[str, HardPolicy]

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
    unknown = sorted(set(policy.soft) - set(known_soft))
    if unknown:
        raise PolicyError(
            f"{path}: no detector for soft signal {unknown[0]!r}; known are {', '.join(sorted(known_soft))}"
        )
    missing = sorted(set(known_soft) - set(policy.soft))
    if missing:
        raise PolicyError(f"{path}: section [soft.{missing[0]}] is missing")
    for name, soft in policy.soft.items():
        if soft.off >= soft.on:
            raise PolicyError(f"{path}: soft.{name}: `off` ({soft.off}) must be below `on` ({soft.on})")
    if not policy.model_score_off < policy.model_score_on <= policy.model_score_critical:
        raise PolicyError(
            f"{path}: `model_score_off` must be below `model_score_on`, and that not above `model_score_critical`"
        )
    for name, hard in policy.hard.items():
        _check_hard(name, hard, policy, path)
    return policy


def _convert(raw: Any, policy_type: type[Checked], where: str) -> Checked:
    try:
        return msgspec.convert(raw, policy_type)
    except msgspec.ValidationError as error:
        raise PolicyError(f"{where}: {error}{_allowed(str(error), policy_type)}") from None


def _allowed(message: str, policy_type: type[msgspec.Struct]) -> str:
    """What would have been right, where the message does not say it."""
    if "unknown field" in message:
        return f"; the keys are {', '.join(policy_type.__struct_fields__)}"
    for key, values in (("level", Level), ("origin", Origin)):
        if "Invalid enum value" in message and message.endswith(f"`$.{key}`"):
            return f"; allowed are {', '.join(values)}"
    return ""


def _check_hard(name: str, hard: HardPolicy, policy: SignalPolicy, path: str) -> None:
    if name in policy.soft or name == MODEL_SCORE:
        raise PolicyError(f"{path}: [hard.{name}]: a gradual signal has this name already")
    for kind in (*(hard.started_by or (name,)), *hard.ended_by):
        if kind not in SIGNAL_KINDS:
            raise PolicyError(
                f"{path}: [hard.{name}]: there is no kind of record {kind!r} that begins or ends a signal; "
                f"there are {', '.join(sorted(SIGNAL_KINDS))}"
            )
    for kind in hard.started_by or (name,):
        if policy.starts()[kind] != name:
            raise PolicyError(f"{path}: [hard.{name}] and [hard.{policy.starts()[kind]}] are both begun by {kind}")
