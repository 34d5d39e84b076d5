"""The kinds of telephone systems that the reference dialer knows."""

from enum import StrEnum


class Adapter(StrEnum):
    VICIDIAL = "vicidial"
    WEBHOOK = "webhook"
    CSV = "csv"
