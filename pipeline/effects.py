"""What the engine decided, for the shell to send and count."""

from collections import Counter
from dataclasses import dataclass, field

from pipeline.events import ChurnWarning, Example
from pipeline.line_views import LineView


@dataclass(slots=True)
class Effects:
    """Messages to publish, in order, and counts for the metrics (names are the keys of `counts`)."""

    warnings: list[ChurnWarning] = field(default_factory=list)
    views: list[LineView] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def extend(self, other: "Effects") -> None:
        """Append another's effects."""
        self.warnings += other.warnings
        self.views += other.views
        self.examples += other.examples
        self.counts.update(other.counts)
