"""What the end of a contact teaches: counters that rise with the task log, so that a rebuild learns the same. Pure."""

from datetime import UTC, datetime

from alerts.local_time import zone_of
from alerts.tasks import OUTBOUND, REACHED, Role, TaskEvent
from pipeline.events import Disposition

MANAGER = "manager"
TRIES, HITS = "tries", "hits"


def reach_field(channel: str, hour: int) -> str:
    return f"reach|{channel}|{hour:02d}"


def save_field(group: str, segment: str) -> str:
    return f"save|{group}|{segment}"


def learnt(event: TaskEvent) -> list[str]:
    """The counters that this event raises by one; none when it is not the end of a contact.

    A number that does not exist says nothing about when people answer.
    """
    task, told = event.task, event.disposition
    if task is None or told in {None, Disposition.NOT_TRIED, Disposition.BAD_NUMBER}:
        return []
    channel = OUTBOUND if event.role is Role.DIALER or task.owner == OUTBOUND else MANAGER
    reach = reach_field(channel, local_hour(event.ts_ms, task.timezone))
    if told not in REACHED:
        return [f"{reach}|{TRIES}"]
    save = save_field(task.reason_group, task.segment)
    fields = [f"{reach}|{TRIES}", f"{reach}|{HITS}", f"{save}|{TRIES}"]
    return [*fields, f"{save}|{HITS}"] if told is Disposition.REACHED_SAVED else fields


def local_hour(at_ms: int, timezone: str | None) -> int:
    """Hour of the day there.

    >>> local_hour(1_772_539_200_000, "Asia/Shanghai"), local_hour(1_772_539_200_000, None)
    (20, 12)
    """
    return datetime.fromtimestamp(at_ms / 1000, zone_of(timezone) or UTC).hour
