"""Times as exchanges and business systems write them, to epoch milliseconds UTC."""

import re
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

_BCD = re.compile(r"(\d{12})(2B|2D|\+|-)(\d{2})(\d{2})", re.IGNORECASE)


def epoch_ms(moment: datetime, zone: ZoneInfo) -> int:
    """A moment to epoch ms; one without an offset is local time of `zone`, in the hour that comes twice the first.

    Raises:
        ValueError: outside of what a calendar has.
    """
    aware = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment
    try:
        return round(aware.astimezone(UTC).timestamp() * 1000)
    except OverflowError:
        raise ValueError("no such year") from None


def iso_ms(text: str, zone: ZoneInfo) -> int:
    """ISO 8601, with or without an offset.

    Raises:
        ValueError: no such time.

    >>> iso_ms("2026-03-02T10:00:00+08:00", ZoneInfo("UTC")), iso_ms("2026-03-02 10:00:00", ZoneInfo("Asia/Shanghai"))
    (1772416800000, 1772416800000)
    """
    return epoch_ms(datetime.fromisoformat(text.strip()), zone)


def start_before_end(start: str, end: str, lasted_s: float, zone: ZoneInfo) -> int:
    """Start, epoch ms, of a call with local stamps. In the hour that comes twice the start is the one of the two from
    which the duration leads to the end; the first one where both do (start and end in that hour).

    Raises:
        ValueError: no such time.
    """
    first = iso_ms(start, zone)
    local = datetime.fromisoformat(start.strip())
    if local.tzinfo is not None or not end.strip():
        return first
    second = epoch_ms(local.replace(tzinfo=zone, fold=1), zone)
    if second <= first:
        return first
    closing = datetime.fromisoformat(end.strip())
    ends = {epoch_ms(closing.replace(tzinfo=closing.tzinfo or zone, fold=fold), zone) for fold in (0, 1)}

    def error_ms(candidate: int) -> int:
        return min(abs(candidate + round(lasted_s * 1000) - each) for each in ends)

    return min(first, second, key=error_ms)


def bcd_timestamp_ms(text: str, zone: ZoneInfo) -> int:
    """TS 32.298 TimeStamp: nine octets YYMMDDhhmmss, sign in ASCII (2B or 2D), hhmm, local time with its offset from UTC.

    Decoders write it in hexadecimal, with the sign as itself, or already as ISO 8601: all three are read.

    Raises:
        ValueError: no such time.

    >>> bcd_timestamp_ms("2603021000002B0800", ZoneInfo("UTC")), bcd_timestamp_ms("260302100000+0800", ZoneInfo("UTC"))
    (1772416800000, 1772416800000)
    """
    packed = _BCD.fullmatch(text.strip().replace(" ", ""))
    if packed is None:
        if "-" not in text:
            raise ValueError("digits that are no TimeStamp")
        return iso_ms(text, zone)
    digits, sign, hours, minutes = packed.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    west = sign in {"2D", "2d", "-"}
    year, month, day, hour, minute, second = (int(digits[place : place + 2]) for place in range(0, 12, 2))
    # By hand: strptime would be a third of the reading of a record.
    local = datetime(2000 + year, month, day, hour, minute, second, tzinfo=timezone(-offset if west else offset))
    return epoch_ms(local, zone)
