"""Who is told, when and in which words: `config/policies/notify.toml`, `config/notify`, and the file of contacts."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from alerts.local_time import window_minutes, zone_of
from alerts.playbooks.toml_places import line_of, places
from pipeline.events import Level

CONFIG = Path(__file__).resolve().parent.parent / "config"
POLICY_FILE = CONFIG / "policies" / "notify.toml"
TEXTS_DIR = CONFIG / "notify"
LANGUAGES = ("zh", "en")

Pace = Literal["now", "digest", "never"]
#: Hours of a day, perhaps over midnight.
Hours = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")]
Shape = TypeVar("Shape")


class NotifyError(ValueError):
    """A file is missing or wrong; the message names file, line and what is allowed, and no address."""


class PaceRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    digest_minutes: Annotated[float, msgspec.Meta(ge=1, le=1440)]
    messages_per_hour: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    tasks_shown: Annotated[int, msgspec.Meta(ge=1, le=100)]


class QuietRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hours: Hours
    breaks: list[Level] = []


class NotifyPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See the comments of the file."""

    levels: dict[Level, Pace]
    pace: PaceRules
    quiet: QuietRules


class Contact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one owner is reached: addresses as Apprise writes them, secrets in them. Not shown in its representation."""

    urls: Annotated[list[str], msgspec.Meta(min_length=1)]
    language: Literal["zh", "en"] = "zh"
    timezone: str = "Asia/Shanghai"
    quiet: Hours | None = None

    def __repr__(self) -> str:
        return f"Contact({len(self.urls)} addresses)"


class Contacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`others`: for owners that are not named, if anybody."""

    owners: dict[str, Contact]
    others: Contact | None = None

    def of(self, owner: str) -> Contact | None:
        return self.owners.get(owner, self.others)


class NotifyTexts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words of one language, with places for {level}, {reason}, {due}, {link} and {n}."""

    title_one: str
    title_many: str
    created: str
    escalated: str
    reassigned: str
    more: str
    level: dict[Level, str]


def read_notify_policy(path: Path = POLICY_FILE) -> NotifyPolicy:
    """Raises `NotifyError`."""
    policy = _converted(path, NotifyPolicy)
    missing = [level for level in Level if level not in policy.levels]
    if missing:
        raise NotifyError(f"{path}: [levels] says nothing of {missing[0]}; now, digest or never")
    return policy


def read_texts(folder: Path = TEXTS_DIR) -> dict[str, NotifyTexts]:
    """The words of each language. Raises `NotifyError`."""
    return {language: _converted(folder / f"{language}.toml", NotifyTexts) for language in LANGUAGES}


def read_contacts(path: Path) -> Contacts:
    """The owners' addresses.

    Raises:
        NotifyError: the file is missing, wrong, or readable by others.
    """
    contacts = _converted(path, Contacts)
    if path.stat().st_mode & 0o077:
        raise NotifyError(f"{path} holds secrets and can be read by others; run: chmod 600 {path}")
    for name, contact in contacts.owners.items():
        if zone_of(contact.timezone) is None:
            raise NotifyError(f"{path}: owner {name}: there is no time zone {contact.timezone!r}")
    return contacts


def is_quiet(minute: int, hours: str) -> bool:
    """Whether this minute of the day lies in these hours; they may go over midnight. From an hour to itself: never.

    >>> is_quiet(23 * 60, "21:00-08:00"), is_quiet(7 * 60, "21:00-08:00"), is_quiet(8 * 60, "21:00-08:00")
    (True, True, False)
    >>> is_quiet(13 * 60, "12:00-14:00"), is_quiet(0, "00:00-00:00")
    (True, False)
    """
    day = window_minutes(hours)
    if day is not None:
        return day[0] <= minute < day[1]
    start, end = (int(part[:2]) * 60 + int(part[3:]) for part in hours.split("-"))
    return start != end and (minute >= start or minute < end)


def _converted(path: Path, shape: type[Shape]) -> Shape:
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise NotifyError(f"cannot read {path}: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise NotifyError(f"{path}: {error}") from None
    try:
        return msgspec.convert(values, shape)
    except msgspec.ValidationError as error:
        line = line_of(text, str(error))
        raise NotifyError(f"{path}{f', line {line}' if line in places(text).values() else ''}: {error}") from None
