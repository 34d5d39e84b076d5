"""How strong each signal of each line was lately, as warnings and line views told it: what a preview is counted from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pipeline.events import SignalReport

#: So much of stream time is looked back on.
WINDOW_MS = 7 * 86_400_000
#: More is not kept, so that a bad week does not fill the console's memory; the page says so.
OBSERVATIONS_MAX = 400_000

Subject = tuple[str, str | None]


@dataclass(frozen=True, slots=True)
class Observation:
    """What was on at one moment. `warned`: it is a warning; else a view, drawn beside one or at a daily sweep."""

    ts_ms: int
    signals: Sequence[SignalReport]
    warned: bool


@dataclass(slots=True)
class Observed:
    """Observations by account and line (None: the whole account), the newest seven days of stream time.

    `unread`: records that are on the topics and were not read yet. `full`: there were more than are kept.
    """

    subjects: dict[Subject, list[Observation]] = field(default_factory=dict)
    newest_ms: int = 0
    count: int = 0
    unread: int = 0
    full: bool = False

    @property
    def since_ms(self) -> int:
        """Beginning of the window."""
        return max(0, self.newest_ms - WINDOW_MS)

    @property
    def oldest_ms(self) -> int:
        """The earliest moment that anything is known of, at most a window ago."""
        first = min((seen[0].ts_ms for seen in self.subjects.values()), default=self.newest_ms)
        return max(first, self.since_ms)

    def add(self, account_id: str, line_id: str | None, observation: Observation) -> None:
        """Take one in; what says nothing of any signal is passed over."""
        if not observation.signals or observation.ts_ms < self.since_ms:
            return
        if self.count >= OBSERVATIONS_MAX:
            self.full = True
            return
        self.subjects.setdefault((account_id, line_id), []).append(observation)
        self.newest_ms = max(self.newest_ms, observation.ts_ms)
        self.count += 1

    def forget_old(self) -> None:
        """Drop what is older than the window; call after a batch."""
        since_ms, kept = self.since_ms, {}
        for subject, seen in self.subjects.items():
            if recent := sorted((one for one in seen if one.ts_ms >= since_ms), key=_in_time):
                kept[subject] = recent
        self.subjects = kept
        self.count = sum(len(seen) for seen in kept.values())
        self.full = self.full and self.count >= OBSERVATIONS_MAX

    def accounts(self) -> Iterable[str]:
        """Every account of which something is known, once."""
        return dict.fromkeys(account for account, _ in self.subjects)


def _in_time(observation: Observation) -> tuple[int, bool]:
    """A view is drawn after the warning that it stands beside."""
    return observation.ts_ms, not observation.warned
