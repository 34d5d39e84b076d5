"""Has a feed other than calls stopped? By its pauses: bills come in runs, so that counts by the hour would say nothing."""

from pipeline.calm.crowd import FEEDS, Crowd, FeedRhythm, Floats
from pipeline.calm.incidents import EVERYWHERE, Incident
from pipeline.calm.rest_days import DAY_MS, HOUR_MS, local_day

#: A pause of so many times the longest one of late is no pause.
TIMES_LONGEST = 2.5
SHORTEST_MS = 24 * HOUR_MS
#: So many records must be missing by then.
MISSING_MIN = 15.0
#: A feed is watched for so long before it is judged.
KNOWN_MS = 14 * DAY_MS
#: The mean forgets in two weeks, the longest pause by a tenth a week.
MEAN_RATE = 1.0 / 336.0
PAUSE_KEPT = 0.9 ** (1.0 / 168.0)


def watch_feeds(crowd: Crowd, hour_ms: int, seen: Floats) -> list[Incident]:
    """Take in the records of each feed in the hour that began at `hour_ms`; incidents that began or ended with it."""
    told = []
    for feed, count in zip(FEEDS, seen.tolist(), strict=True):
        name = f"feed:{feed}"
        rhythm = crowd.feeds.get(feed)
        if rhythm is None:
            if count:
                crowd.feeds[feed] = FeedRhythm(hour_ms, hour_ms)
            continue
        if count:
            if name in crowd.incidents:
                incident = crowd.incidents.pop(name)
                incident.over_ms = hour_ms
                told.append(incident)
            else:
                rhythm.longest_hours = max(rhythm.longest_hours, (hour_ms - rhythm.last_ms) / HOUR_MS)
            rhythm.last_ms = hour_ms
        if name in crowd.incidents:
            crowd.incidents[name].heard.expected += rhythm.per_hour
            continue
        rhythm.per_hour += (count - rhythm.per_hour) * max(MEAN_RATE, HOUR_MS / (hour_ms - rhythm.first_ms + HOUR_MS))
        rhythm.longest_hours = max(1.0, rhythm.longest_hours * PAUSE_KEPT)
        if _has_stopped(rhythm, hour_ms):
            told.append(_declare(crowd, feed, rhythm))
    return told


def _has_stopped(rhythm: FeedRhythm, hour_ms: int) -> bool:
    pause_ms = hour_ms - rhythm.last_ms
    return (
        hour_ms - rhythm.first_ms >= KNOWN_MS
        and pause_ms >= max(SHORTEST_MS, TIMES_LONGEST * rhythm.longest_hours * HOUR_MS)
        and pause_ms / HOUR_MS * rhythm.per_hour >= MISSING_MIN
    )


def _declare(crowd: Crowd, feed: str, rhythm: FeedRhythm) -> Incident:
    """An incident since the hour after the feed's last record."""
    since_ms = rhythm.last_ms + HOUR_MS
    day = local_day(rhythm.last_ms, crowd.zones[-1])
    incident = crowd.incidents[f"feed:{feed}"] = Incident(EVERYWHERE, feed, since_ms, day, int(crowd.lines.sum()))
    incident.heard.expected = rhythm.per_hour
    return incident
