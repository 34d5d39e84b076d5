"""Which model scores at a tick: the newest whose time has come."""

from dataclasses import dataclass, field

from pipeline.ports import Scorer


@dataclass(slots=True)
class ModelsInUse:
    """Models by the tick from which they count."""

    waiting: list[tuple[int, Scorer]] = field(default_factory=list)
    current: Scorer | None = None

    def add(self, scorer: Scorer, counts_from_ms: int) -> None:
        """A published model; several may wait."""
        self.waiting.append((counts_from_ms, scorer))
        self.waiting.sort(key=lambda item: item[0])

    def at(self, tick_ms: int) -> Scorer | None:
        """The model that counts at this tick; None before the first one."""
        while self.waiting and self.waiting[0][0] <= tick_ms:
            self.current = self.waiting.pop(0)[1]
        return self.current
