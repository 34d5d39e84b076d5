"""Which account a number belongs to: a table from the business system, for formats that know only numbers."""

import csv
from pathlib import Path

from churnwatch.errors import UserError
from pipeline.sources.numbers import NumberPlan

#: Two texts and their place in a dictionary take some 200 bytes: 2 GB.
MAX_ACCOUNTS = 10_000_000


def read_accounts(path: Path, plan: NumberPlan) -> dict[str, str]:
    """Normalised number to account id, from a CSV `number,account_id`; a header is passed over.

    Raises:
        UserError: no such file, a line that is none, a number twice with two accounts; names file and line.
    """
    accounts: dict[str, str] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            for row in rows:
                if row:
                    _add(accounts, row, plan, f"{path}, line {rows.line_num}", is_first=rows.line_num == 1)
    except OSError as error:
        raise UserError(f"cannot read the accounts {path}: {error.strerror}") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise UserError(f"{path} is no CSV in UTF-8: {error}") from None
    return accounts


def _add(accounts: dict[str, str], row: list[str], plan: NumberPlan, place: str, *, is_first: bool) -> None:
    if len(row) < 2:
        raise UserError(f"{place}: expected number,account_id")
    number, account = plan.normalise(row[0]), row[1].strip()
    if number is None or not account:
        if is_first:
            return
        raise UserError(f"{place}: the first column is no number, or the second one is empty")
    if accounts.setdefault(number, account) != account:
        raise UserError(f"{place}: this number is in another account above")
    if len(accounts) > MAX_ACCOUNTS:
        raise UserError(f"{place}: more than {MAX_ACCOUNTS:,} numbers")
