"""The table by which a telephone system's codes become dispositions, as the settings name it."""

from alerts.dialers.codes import CodesError, DispositionCodes, read_codes
from churnwatch.errors import UserError
from churnwatch.settings import Settings


def codes_of(settings: Settings) -> DispositionCodes:
    """The table of codes of the settings. Raises `UserError` when it is missing or wrong."""
    try:
        tables = read_codes()
    except CodesError as error:
        raise UserError(str(error)) from None
    if settings.dialer.codes not in tables:
        raise UserError(f"dialer.codes: there is no table {settings.dialer.codes!r}; there are {', '.join(tables)}")
    return tables[settings.dialer.codes]
