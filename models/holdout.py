"""Who is never treated, so that the truth stays clean: a share of each segment, by a hash of the account.

The same accounts in every process, after every restart and with every version: nothing but the id, the share and the salt
decides. A larger share keeps those that a smaller one had.
"""

from collections.abc import Mapping
from hashlib import blake2b

SALT = "holdout-1"


def holdout_place(account_id: str, salt: str = SALT) -> float:
    """A number in [0, 1), spread evenly over accounts.

    >>> holdout_place("account-1") == holdout_place("account-1") != holdout_place("account-2")
    True
    """
    return int.from_bytes(blake2b(f"{salt}|{account_id}".encode(), digest_size=8).digest(), "big") / 2.0**64


def is_held_out(account_id: str, segment: str, shares: Mapping[str, float], salt: str = SALT) -> bool:
    """Whether this account is left alone. `shares`: of each segment, 0-1; a segment that is not named has none.

    >>> is_held_out("account-1", "key_account", {"public": 0.5})
    False
    """
    return holdout_place(account_id, salt) < shares.get(segment, 0.0)
