"""What a record costs: prices in integers of 1/10,000 of the currency, so that invoices add up exactly."""

import numpy as np
from numpy.typing import NDArray

from pipeline.sources.operator.calls import DATA, MO, SMS, VOICE, Calls

MINUTE_PRICE = np.array([900, 1200, 9000, 1800, 1800, 1800], np.int64)  # by circles.OPERATORS
SMS_PRICE = np.array([500, 500, 6000, 1000, 1000, 1000], np.int64)
MEGABYTE_PRICE = 120
ROAMING_FACTOR = 3


def rate_calls(calls: Calls) -> None:
    """Fill `charge`: begun minutes and messages that our line pays for (outgoing ones), data by megabyte."""
    calls.charge[:] = 0
    outgoing = calls.direction == MO
    voice = outgoing & (calls.service == VOICE)
    calls.charge[voice] = -(-calls.duration_s[voice] // 60) * MINUTE_PRICE[calls.operator[voice]]
    sms = outgoing & (calls.service == SMS)
    calls.charge[sms] = SMS_PRICE[calls.operator[sms]]
    data = calls.service == DATA
    volume = calls.bytes_up[data] + calls.bytes_down[data]
    calls.charge[data] = volume * MEGABYTE_PRICE // 1_000_000
    calls.charge[calls.roaming] *= ROAMING_FACTOR


def charge_by_line(calls: Calls, n_lines: int) -> NDArray[np.int64]:
    """Sum of charges of each line, shape (n_lines,), exact."""
    total = np.zeros(n_lines, np.int64)
    np.add.at(total, calls.line, calls.charge)
    return total
