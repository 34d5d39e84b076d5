"""The law packs of `config/countries`: what each country lets us do with a signal, checked when read.

They are an engineering reading of public rules, not legal advice: every operator confirms its own.
"""

import tomllib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from alerts.local_time import zone_of
from alerts.policy import Window
from pipeline.events import Consent, Origin
from pipeline.ladder_pack import LadderError, LadderPack, checked_ladder

COUNTRIES_DIR = Path(__file__).resolve().parent.parent / "config" / "countries"

Words = Annotated[str, msgspec.Meta(min_length=10)]
ConsentTo = Literal["call", "sms", "profiling"]


class LawPackError(ValueError):
    """There is no such pack, or it is wrong; the message names it, what is wrong and what is allowed."""


class Effect(StrEnum):
    """What a rule does."""

    BAR = "bar"
    """The signals it matches may not be used, or only with its `consent`."""
    STOP = "stop"
    """They may not be used, and for `days` nothing may be done to keep this line's customer: stop work."""
    LIMIT = "limit"
    """They may be used, but for `days` at most `contacts` may reach the customer (without: any number), as `text` says."""
    CONSENT = "consent"
    """The call queue calls nobody without its `consent`; without it a manager's task carries the rule."""


class RuleText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rule in words, for the log and for whoever has the task."""

    en: Words
    zh: Annotated[str, msgspec.Meta(min_length=5)]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule.

    It matches a signal whose origin is among `origins` (empty: any) and whose name begins with one of `signals` (empty: any).
    """

    id: Annotated[str, msgspec.Meta(pattern=r"^[a-z]{2}_[a-z0-9_]+$")]
    effect: Effect
    text: RuleText
    source: Words
    signals: list[str] = []
    origins: list[Origin] = []
    consent: ConsentTo | None = None
    days: Annotated[float, msgspec.Meta(gt=0, le=365)] | None = None
    contacts: Annotated[int, msgspec.Meta(ge=1, le=100)] | None = None

    def matches(self, name: str, origin: Origin) -> bool:
        """Whether this rule speaks of such a signal.

        >>> text = RuleText("calls to rivals", "呼叫竞争对手")
        >>> rule = Rule("us_calls", Effect.BAR, text, "47 CFR 64.2005", signals=["competitor_"])
        >>> rule.matches("competitor_hotline", Origin.OWN_USAGE), rule.matches("silence", Origin.OWN_USAGE)
        (True, False)
        """
        named = not self.signals or any(name.startswith(beginning) for beginning in self.signals)
        return named and (not self.origins or origin in self.origins)

    @property
    def is_left_out(self) -> bool:
        """Whether what it bars is left out of all features, since nobody may be judged by it, whoever agrees."""
        of_usage = not self.origins or Origin.OWN_USAGE in self.origins
        return self.effect is Effect.BAR and self.consent is None and of_usage and bool(self.signals)

    def consented(self, consent: Consent) -> bool:
        """Whether the consent that lifts this rule was given; a rule that names none is never lifted."""
        return self.consent is not None and bool(getattr(consent, self.consent))


class LawPack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One country.

    Attributes:
        timezone: used where a customer's record has none.
        holidays: calendar of working days, a code of the library `holidays`, as CN, DE-BY or XECB.
        call_window: hours in which the law lets us call, customer's time; None: it names none.
        rules: in order; of two that bar a signal the first is named.
        ladder: rungs and clocks of a port there, by which the engine counts down.
    """

    country: str
    name: str
    timezone: str
    holidays: str
    rules: list[Rule]
    call_window: Window | None = None
    ladder: LadderPack = LadderPack()

    def rule(self, rule_id: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def with_effect(self, *effects: Effect) -> list[Rule]:
        return [rule for rule in self.rules if rule.effect in effects]

    def unconsented(self, consent: Consent) -> Rule | None:
        """The rule for want of whose consent nobody may be called; None: none."""
        return next((rule for rule in self.with_effect(Effect.CONSENT) if not rule.consented(consent)), None)


def countries(folder: Path = COUNTRIES_DIR) -> list[str]:
    """The countries that there are packs for."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def read_law_pack(country: str, folder: Path = COUNTRIES_DIR) -> LawPack:
    """The pack of a country, as "cn".

    Raises:
        LawPackError: there is none, or it is wrong.
    """
    allowed = countries(folder)
    code = country.lower()
    if code not in allowed:
        raise LawPackError(f"there is no law pack for country {country!r}; allowed are {', '.join(allowed)}")
    path = folder / f"{code}.toml"
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LawPackError(f"cannot read the law pack {path}: {error}") from None
    try:
        ladder = checked_ladder(values.pop("ladder", {}), str(path))
        pack = msgspec.structs.replace(msgspec.convert({**values, "country": code}, LawPack), ladder=ladder)
    except msgspec.ValidationError as error:
        raise LawPackError(f"{path}: {error}") from None
    except LadderError as error:
        raise LawPackError(str(error)) from None
    if zone_of(pack.timezone) is None:
        raise LawPackError(f"{path}: there is no time zone {pack.timezone!r}; IANA names as Asia/Shanghai are allowed")
    _check(pack.rules, path)
    return pack


def _check(rules: Sequence[Rule], path: Path) -> None:
    ids = [rule.id for rule in rules]
    for rule in rules:
        where = f"{path}: rule {rule.id}"
        if ids.count(rule.id) > 1:
            raise LawPackError(f"{where}: two rules have this id")
        matched = bool(rule.signals or rule.origins)
        if matched == (rule.effect is Effect.CONSENT):
            wanted = "takes neither" if matched else "needs"
            raise LawPackError(f"{where}: effect {rule.effect} {wanted} `signals` or `origins`")
        if (rule.days is None) == (rule.effect in {Effect.STOP, Effect.LIMIT}):
            raise LawPackError(f"{where}: effects stop and limit need `days`, the others take none")
        if rule.effect is Effect.CONSENT and rule.consent is None:
            raise LawPackError(f"{where}: effect consent needs `consent`, one of call, sms, profiling")
        if rule.contacts is not None and rule.effect is not Effect.LIMIT:
            raise LawPackError(f"{where}: only effect limit takes `contacts`")
