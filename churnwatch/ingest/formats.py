"""Readers of the planned files, built from settings; native formats get the key that makes pseudonyms."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from churnwatch.errors import UserError
from churnwatch.ingest.accounts import read_accounts
from churnwatch.ingest.plan import FileFormat, PlannedFile
from churnwatch.settings import NumbersSettings, Settings
from pipeline.identity import KEY_BYTES, KeyFile, KeyFileError, SecretKey, pseudonymiser, read_or_create_key
from pipeline.sources.asterisk import AsteriskCsv, AsteriskOptions
from pipeline.sources.cgrates import cgrates_csv, cgrates_json
from pipeline.sources.field_map import FieldMap, FieldMapError
from pipeline.sources.field_map_reader import mapped_csv
from pipeline.sources.files import LineFile, UnreadableFileError
from pipeline.sources.freeswitch import freeswitch_csv
from pipeline.sources.gpp import gpp_json
from pipeline.sources.jsonl import JsonLines
from pipeline.sources.line_numbers import CatchingReader, LineNumber, LineNumbers
from pipeline.sources.native import EARLIEST_MS, Surroundings, TimeLimits
from pipeline.sources.numbers import NumberPlan
from pipeline.sources.port import LineFormat
from pipeline.sources.subscribers import Subscribers
from pipeline.sources.tmforum import tmforum_json

HEAD_BLOCK_BYTES = 1 << 16

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class FormatOptions:
    """What the command line adds to the settings. `dry`: no key is created, a passing one makes the pseudonyms."""

    timezone: str = ""
    accounts: Path | None = None
    not_before_ms: int = EARLIEST_MS
    field_map: FieldMap | None = None
    dry: bool = False


@dataclass
class Formats:
    """Makes the reader of a file; the key is read, or created, at the first file that needs it.

    Raises (from `reader`):
        UserError: no such time zone, a key or a table that cannot be used, a map that does not fit the file.
    """

    settings: Settings
    options: FormatOptions = field(default_factory=FormatOptions)

    def reader(self, planned: PlannedFile) -> LineFormat:
        """The reader of one file; numbers of our lines are caught on the way."""
        if planned.format is FileFormat.JSONL:
            return JsonLines(str(planned.path), planned.stream, self.settings.engine.max_record_bytes)
        return CatchingReader(self._native(planned), self.numbers)

    def caught(self) -> list[LineNumber]:
        """Lines met since the last time, with their numbers; for the vault."""
        return self.numbers.drain() if "numbers" in self.__dict__ else []

    @cached_property
    def numbers(self) -> LineNumbers:
        """Makes all pseudonyms of this ingest."""
        return LineNumbers(self._pseudonym())

    def _native(self, planned: PlannedFile) -> LineFormat:
        file = str(planned.path)
        around = self.surroundings
        if planned.format is FileFormat.ASTERISK:
            known = around.subscribers
            options = AsteriskOptions(around.zone, known.plan, known.accountcode, known.accounts, around.limits)
            return AsteriskCsv(file, options, known.pseudonym)
        if planned.format is FileFormat.MAP:
            return self._mapped(planned.path, around)
        if planned.format is FileFormat.CGRATES:
            first = next(iter(head_of(planned.path, 1)), b"")
            is_json = first.lstrip().startswith((b"{", b"["))
            return cgrates_json(file, around) if is_json else cgrates_csv(file, around, first)
        makers = {
            FileFormat.FREESWITCH: freeswitch_csv,
            FileFormat.GPP: gpp_json,
            FileFormat.TMFORUM: tmforum_json,
        }
        return makers[planned.format](file, around)

    def unknown_trunks(self) -> list[str]:
        """Trunk groups met so far that `numbers.trunks` does not have."""
        used = "surroundings" in self.__dict__
        return sorted(self.surroundings.subscribers.unknown_trunks) if used else []

    @cached_property
    def surroundings(self) -> Surroundings:
        """What all native files of this ingest share."""
        numbers = self.settings.numbers
        plan = number_plan(numbers)
        accounts = read_accounts(self.options.accounts, plan) if self.options.accounts else {}
        tolerance_ms = self.settings.engine.future_tolerance_s * 1000
        limits = TimeLimits(self.options.not_before_ms, int(time.time() * 1000) + tolerance_ms)
        subscribers = Subscribers(plan, self.numbers.pseudonym, accounts, numbers.accountcode)
        return Surroundings(subscribers, self._zone(), limits)

    def _mapped(self, path: Path, around: Surroundings) -> LineFormat:
        field_map = self.options.field_map
        if field_map is None:
            raise UserError(f"{path}: --format map needs a field map: --map my.toml")
        try:
            return mapped_csv(str(path), field_map, around, head_of(path, field_map.head_lines))
        except FieldMapError as error:
            raise UserError(str(error)) from None

    def _zone(self) -> ZoneInfo:
        name = self.options.timezone or self.settings.ingest.default_timezone
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise UserError(
                f"there is no time zone {name!r}; give an IANA name such as Asia/Shanghai by --timezone "
                "or ingest.default_timezone"
            ) from None

    def _pseudonym(self) -> Callable[[str], str]:
        privacy = self.settings.privacy
        try:
            if self.options.dry and not privacy.key_file.exists():
                key_file = KeyFile(SecretKey(secrets.token_bytes(KEY_BYTES)), created=False)
            else:
                key_file = read_or_create_key(privacy.key_file)
            made = pseudonymiser(key_file.key, privacy.key_id)
        except KeyFileError as error:
            raise UserError(str(error)) from None
        if key_file.created:
            log.warning(
                "pseudonym_key.created",
                file=str(privacy.key_file),
                do="keep it secret and backed up: with another key the same number becomes another line",
            )
        return made.line


def head_of(path: Path, count: int) -> list[bytes]:
    """The first lines of a file, as far as it has so many; a header is read anew also when an ingest goes on later.

    Raises:
        UserError: a file that cannot be read.
    """
    lines: list[bytes] = []
    try:
        with LineFile(path, HEAD_BLOCK_BYTES) as file:
            for stretch in file.stretches():
                lines += [*stretch.lines, stretch.half] if stretch.half else stretch.lines
                if len(lines) >= count:
                    break
    except UnreadableFileError as error:
        raise UserError(str(error)) from None
    return lines[:count]


def number_plan(numbers: NumbersSettings) -> NumberPlan:
    """The numbering plan of the settings."""
    return NumberPlan(
        country_code=numbers.country_code,
        international_prefix=numbers.international_prefix,
        national_prefix=numbers.national_prefix,
        extension_digits_max=numbers.extension_digits_max,
        own_prefixes=tuple(numbers.own_prefixes),
        operators=dict(numbers.operators),
        competitor_hotlines=dict(numbers.competitor_hotlines),
        own_hotlines=frozenset(numbers.own_hotlines),
        trunks=dict(numbers.trunks),
        routing_numbers=dict(numbers.routing_numbers),
        own_networks=frozenset(numbers.own_networks),
        address_strings=numbers.address_strings,
    )
