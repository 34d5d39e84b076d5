"""Telephone numbers as an exchange writes them: one spelling, and whose they are."""

import re
from dataclasses import dataclass, field

_FILL = re.compile(r"[\s().\-/]+")
_DIGITS = re.compile(r"\+?\d{2,20}")
OWN = "self"
ABROAD = "intl"
UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class NumberPlan:
    """How numbers are written here and whom they belong to; from settings, all prefixes in international spelling.

    `operators` and `competitor_hotlines` map a prefix (or a whole number) to an operator's code; the longest one wins.
    Without `own_prefixes` it is unknown which numbers are ours, and the caller decides by other means.
    """

    country_code: str = ""
    international_prefix: str = "00"
    national_prefix: str = "0"
    extension_digits_max: int = 5
    own_prefixes: tuple[str, ...] = ()
    operators: dict[str, str] = field(default_factory=dict)
    competitor_hotlines: dict[str, str] = field(default_factory=dict)
    own_hotlines: frozenset[str] = frozenset()

    def normalise(self, written: str) -> str | None:
        """The one spelling of a number: `+` and country code where that is known; None where it is no number.

        >>> plan = NumberPlan(country_code="49")
        >>> plan.normalise("0049 30/123-456"), plan.normalise("030 123456"), plan.normalise("2001"), plan.normalise("s")
        ('+4930123456', '+4930123456', '2001', None)
        """
        number = _FILL.sub("", written)
        if not _DIGITS.fullmatch(number):
            return None
        if number.startswith("+") or self.is_extension(number):
            return number
        if self.international_prefix and number.startswith(self.international_prefix):
            return "+" + number.removeprefix(self.international_prefix)
        if not self.country_code or self._is_hotline(number):
            return number
        if self.national_prefix and number.startswith(self.national_prefix):
            return f"+{self.country_code}{number.removeprefix(self.national_prefix)}"
        return f"+{number}" if number.startswith(self.country_code) and len(number) > 9 else number

    def is_extension(self, number: str) -> bool:
        """Whether this is an internal extension: a few digits that name no hotline."""
        return number.isdigit() and len(number) <= self.extension_digits_max and not self._is_hotline(number)

    def is_own(self, number: str) -> bool:
        """Whether the plan knows this number as one of ours."""
        return self.is_extension(number) or number.startswith(self.own_prefixes)

    def operator_of(self, number: str) -> str:
        """The network of a number: `self`, an operator's code, `intl`, or `unknown`.

        >>> NumberPlan(operators={"+491": "rival-a", "+4915": "rival-b"}).operator_of("+4915112345")
        'rival-b'
        """
        if self.is_own(number) or number in self.own_hotlines:
            return OWN
        for length in range(len(number), 0, -1):
            prefix = number[:length]
            operator = self.competitor_hotlines.get(prefix) or self.operators.get(prefix)
            if operator is not None:
                return operator
        if self.country_code and number.startswith("+") and not number.startswith(f"+{self.country_code}"):
            return ABROAD
        return UNKNOWN

    def peer_kind(self, number: str | None) -> str:
        """What is at the other end, as CONTRACT.md names it; `other` where there is no number."""
        if number is None:
            return "other"
        if number in self.competitor_hotlines:
            return "competitor_hotline"
        return "own_hotline" if number in self.own_hotlines else "subscriber"

    def _is_hotline(self, number: str) -> bool:
        return number in self.competitor_hotlines or number in self.own_hotlines
