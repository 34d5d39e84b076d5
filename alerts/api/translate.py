"""What a dialer calls a disposition, as one of ours."""

from collections.abc import Mapping

from alerts.api.models import DispositionIn
from alerts.api.problems import ProblemError
from alerts.dialers.codes import DispositionCodes
from pipeline.events import Disposition

DEFAULT_TABLE = "vicidial"


def disposition_of(
    told: DispositionIn, codes: Mapping[str, DispositionCodes], table: str = DEFAULT_TABLE
) -> Disposition:
    """The disposition that was told, by name or by a code of this table.

    Raises:
        ProblemError: 422 when neither or both were given, or the code is in no table.
    """
    if (told.disposition is None) == (told.code is None):
        raise ProblemError(422, "wrong_value", "send either `disposition` or `code`")
    if told.disposition is not None:
        return told.disposition
    found = codes[table].of(told.code or "") if table in codes else None
    if found is None:
        raise ProblemError(422, "unknown_code", f"the table {table} has no such code; see config/dialers")
    return found
