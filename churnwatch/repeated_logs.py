"""One line where a library writes a hundred: what is repeated is told once in a while, with how often it was."""

import logging
import time
from collections.abc import Callable, Iterable


class RepeatedOnce(logging.Filter):
    """Lets a message of one logger through once in `every_s`; numbers and names filled into it make no other message.

    At most `KINDS_MAX` kinds are remembered; a flood of ever new ones passes.
    """

    KINDS_MAX = 1000

    def __init__(self, every_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._every_s = every_s
        self._now_s = now_s
        self._told_s: dict[tuple[str, str], float] = {}
        self._held_back: dict[tuple[str, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether this record is told; if so, with the number of those held back before it."""
        kind, now_s = (record.name, str(record.msg)), self._now_s()
        told_s = self._told_s.get(kind)
        if told_s is not None and now_s - told_s < self._every_s:
            self._held_back[kind] = self._held_back.get(kind, 0) + 1
            return False
        if len(self._told_s) >= self.KINDS_MAX:
            self._told_s.clear()
        self._told_s[kind] = now_s
        if held_back := self._held_back.pop(kind, 0):
            record.msg, record.args = f"{record.getMessage()} (and {held_back} times more since)", ()
        return True


def tell_once(library: str, every_s: float) -> None:
    """Hold back repetitions of all loggers that a library has made so far."""
    repeated = RepeatedOnce(every_s)
    for logger in _loggers_of(library):
        logger.addFilter(repeated)


def _loggers_of(library: str) -> Iterable[logging.Logger]:
    for name in list(logging.root.manager.loggerDict):
        if name == library or name.startswith(f"{library}."):
            yield logging.getLogger(name)
