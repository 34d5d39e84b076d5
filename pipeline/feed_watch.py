"""Has the feed of calls stopped? By the wall clock: stream time stands still with its feed, and tells nothing.

Nothing is decided from this. A stopped feed moves no stream time, so that no tick falls, no silence is found and no label
becomes known; somebody has to be told, and that is all.
"""

from dataclasses import dataclass, field

from pipeline.events import Stream


@dataclass(slots=True)
class FeedWatch:
    """When each stream last brought a record. Times are an argument: seconds of a clock that never goes back.

    >>> watch = FeedWatch(limit_s=600.0)
    >>> watch.note(Stream.CDR, 0.0)
    >>> watch.has_stopped(600.0), watch.has_stopped(601.0), watch.silent_s(601.0)
    (False, True, {<Stream.CDR: 'cdr'>: 601.0})

    Attributes:
        limit_s: calls come all the time; none for longer than this means that their feed has stopped. The other streams are
            thin by nature: what is a long pause for them follows from their own rhythm (pipeline/calm/feeds.py).
    """

    limit_s: float
    _last_s: dict[Stream, float] = field(default_factory=dict)

    def note(self, stream: Stream, now_s: float) -> None:
        """A record of this stream came."""
        self._last_s[stream] = now_s

    def forget(self) -> None:
        """Partitions went or came: what they bring is not known yet."""
        self._last_s.clear()

    def silent_s(self, now_s: float) -> dict[Stream, float]:
        """For how long each stream that ever brought something has brought nothing."""
        return {stream: now_s - last_s for stream, last_s in self._last_s.items()}

    def has_stopped(self, now_s: float) -> bool:
        """Whether the calls came and come no more."""
        return self.silent_s(now_s).get(Stream.CDR, 0.0) > self.limit_s
