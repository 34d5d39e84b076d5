"""Readers of the planned files, built from settings; native formats get the key that makes pseudonyms."""

from collections.abc import Callable
from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import structlog

from churnwatch.errors import UserError
from churnwatch.ingest.plan import FileFormat, PlannedFile
from churnwatch.settings import NumbersSettings, Settings
from pipeline.identity import KeyFileError, Pseudonymiser, pseudonymiser, read_or_create_key
from pipeline.sources.asterisk import AsteriskCsv, AsteriskOptions
from pipeline.sources.jsonl import JsonLines
from pipeline.sources.numbers import NumberPlan
from pipeline.sources.port import LineFormat

log = structlog.get_logger()


@dataclass(slots=True)
class Formats:
    """Makes the reader of a file; the key is read, or created, at the first file that needs it."""

    settings: Settings
    timezone: str = ""
    _pseudonymiser: Pseudonymiser | None = None

    def reader(self, planned: PlannedFile) -> LineFormat:
        """The reader of one file.

        Raises:
            UserError: no such time zone, or a key that cannot be used.
        """
        if planned.format is FileFormat.JSONL:
            return JsonLines(str(planned.path), planned.stream, self.settings.engine.max_record_bytes)
        return AsteriskCsv(str(planned.path), self._asterisk_options(), self._pseudonym())

    def _asterisk_options(self) -> AsteriskOptions:
        numbers = self.settings.numbers
        return AsteriskOptions(self._zone(), number_plan(numbers), numbers.accountcode)

    def _zone(self) -> ZoneInfo:
        name = self.timezone or self.settings.ingest.default_timezone
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise UserError(
                f"there is no time zone {name!r}; give an IANA name such as Asia/Shanghai by --timezone "
                "or ingest.default_timezone"
            ) from None

    def _pseudonym(self) -> Callable[[str], str]:
        if self._pseudonymiser is None:
            privacy = self.settings.privacy
            try:
                key_file = read_or_create_key(privacy.key_file)
                self._pseudonymiser = pseudonymiser(key_file.key, privacy.key_id)
            except KeyFileError as error:
                raise UserError(str(error)) from None
            if key_file.created:
                log.warning(
                    "pseudonym_key.created",
                    file=str(privacy.key_file),
                    do="keep it secret and backed up: with another key the same number becomes another line",
                )
        return self._pseudonymiser.line


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
    )
