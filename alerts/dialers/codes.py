"""A dialer's own codes as our dispositions, by the tables of `config/dialers`, checked when read."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.events import Disposition

DIALERS_DIR = Path(__file__).resolve().parent.parent.parent / "config" / "dialers"


class CodesError(ValueError):
    """A table is unreadable or wrong; the message names file, code and what is allowed."""


@dataclass(frozen=True, slots=True)
class DispositionCodes:
    """One dialer's table. Codes are looked up as they are, then in capitals."""

    dialer: str
    codes: Mapping[str, Disposition]

    def of(self, code: str) -> Disposition | None:
        """The disposition of a code, or of a disposition's own name; None for what nobody knows."""
        if code in set(Disposition):
            return Disposition(code)
        return self.codes.get(code) or self.codes.get(code.upper())


def read_codes(folder: Path = DIALERS_DIR) -> dict[str, DispositionCodes]:
    """All tables by the name of their file.

    Raises:
        CodesError: a file cannot be read, or maps a code to what is no disposition.
    """
    return {path.stem: _read(path) for path in sorted(folder.glob("*.toml"))}


def _read(path: Path) -> DispositionCodes:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CodesError(f"cannot read the codes {path}: {error}") from None
    codes = values.pop("codes", None)
    if values or not isinstance(codes, dict) or not codes:
        raise CodesError(f'{path}: one table [codes] is wanted, with a line for each code, as SALE = "reached_saved"')
    allowed = set(Disposition)
    for code, disposition in codes.items():
        if disposition not in allowed:
            raise CodesError(
                f"{path}: {code} = {disposition!r} is no disposition; allowed are {', '.join(Disposition)}"
            )
    return DispositionCodes(path.stem, {code: Disposition(value) for code, value in codes.items()})
