"""Telling owners of their tasks: at once, in a digest, or after quiet hours. Pure: what is told when, and in which words.

A message names level, reason, due time and a link; never an account, a line, a number or a name.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from urllib.parse import quote

from alerts.local_time import zone_of
from alerts.notify_policy import Contact, Contacts, NotifyPolicy, NotifyTexts, is_quiet
from alerts.policy import HOUR_MS
from alerts.tasks import OUTBOUND, TaskEvent, TaskEventKind
from pipeline.events import Level

MINUTE_MS = 60_000
KINDS: dict[TaskEventKind, Literal["created", "escalated", "reassigned"]] = {
    TaskEventKind.CREATED: "created",
    TaskEventKind.ESCALATED: "escalated",
    TaskEventKind.REASSIGNED: "reassigned",
}


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell one owner. `position`: its offset in the log."""

    event_id: str
    owner: str
    task_id: str
    level: Level
    reason_group: str
    due_ms: int
    kind: Literal["created", "escalated", "reassigned"]
    position: int


@dataclass(frozen=True, slots=True)
class Message:
    """What one owner is sent; once it is, `notices` are told."""

    owner: str
    title: str
    body: str
    notices: tuple[Notice, ...]


@dataclass(slots=True)
class Mailbox:
    """What waits for one owner: `since_ms` the oldest of it; `sent_ms` the last hour's messages."""

    waiting: list[Notice] = field(default_factory=list)
    urgent: bool = False
    since_ms: int = 0
    sent_ms: list[int] = field(default_factory=list)


def notice_of(event: TaskEvent, position: int) -> Notice | None:
    """What an event has to be told of, and to whom; None for most events.

    An overdue task of the outbound team is told to its supervisor, whom the event names.
    """
    kind, task = KINDS.get(event.kind), event.task
    if kind is None or task is None or not task.open:
        return None
    told = task.history[-1].detail if kind == "escalated" and task.history else task.owner
    if told in {"", OUTBOUND}:
        return None
    return Notice(event.event_id, told, task.task_id, task.level, task.reason_group, task.due_ms, kind, position)


class Notifier:
    """Collects notices and says what is to be sent now.

    Args:
        texts: words of messages by language. reasons: words of reason groups by language.
        link: the console's address, as owners reach it.
    """

    def __init__(
        self,
        policy: NotifyPolicy,
        contacts: Contacts,
        texts: dict[str, NotifyTexts],
        reasons: dict[str, dict[str, str]],
        link: str,
    ) -> None:
        self._policy = policy
        self._contacts = contacts
        self._texts = texts
        self._reasons = reasons
        self._link = link.rstrip("/")
        self._boxes: dict[str, Mailbox] = {}

    def add(self, notice: Notice, now_ms: int) -> None:
        """Keep a notice until it is told; one that nobody wants to hear is dropped."""
        pace = self._policy.levels[notice.level]
        if pace == "never" or self._contacts.of(notice.owner) is None:
            return
        box = self._boxes.setdefault(notice.owner, Mailbox())
        if not box.waiting:
            box.since_ms = now_ms
        box.waiting.append(notice)
        # What is overdue is told at once, whatever its level.
        box.urgent = box.urgent or pace == "now" or notice.kind == "escalated"

    def due(self, now_ms: int) -> list[Message]:
        """Everything that is to be sent now."""
        return [self._message(owner, box) for owner, box in self._boxes.items() if self._is_due(owner, box, now_ms)]

    def told(self, message: Message, now_ms: int) -> None:
        """This message was sent, or given up."""
        box = self._boxes[message.owner]
        done = {notice.event_id for notice in message.notices}
        box.waiting = [notice for notice in box.waiting if notice.event_id not in done]
        box.urgent = any(self._policy.levels[notice.level] == "now" for notice in box.waiting)
        box.since_ms = now_ms
        box.sent_ms = [at for at in box.sent_ms if at > now_ms - HOUR_MS] + [now_ms]

    def waiting(self) -> int:
        """How many notices wait."""
        return sum(len(box.waiting) for box in self._boxes.values())

    def told_up_to(self, position: int) -> int:
        """The position in the log before which everything is told, at most `position`."""
        return min([position, *(notice.position for box in self._boxes.values() for notice in box.waiting)])

    def contact(self, owner: str) -> Contact:
        """Of an owner to whom a message is due."""
        found = self._contacts.of(owner)
        assert found is not None
        return found

    def _is_due(self, owner: str, box: Mailbox, now_ms: int) -> bool:
        if not box.waiting:
            return False
        contact = self.contact(owner)
        if self._quiet(contact, now_ms) and not any(
            notice.level in self._policy.quiet.breaks for notice in box.waiting
        ):
            return False
        recent = [at for at in box.sent_ms if at > now_ms - HOUR_MS]
        if box.urgent and len(recent) < self._policy.pace.messages_per_hour:
            return True
        return now_ms - box.since_ms >= self._policy.pace.digest_minutes * MINUTE_MS

    def _quiet(self, contact: Contact, now_ms: int) -> bool:
        local = datetime.fromtimestamp(now_ms / 1000, zone_of(contact.timezone))
        return is_quiet(local.hour * 60 + local.minute, contact.quiet or self._policy.quiet.hours)

    def _message(self, owner: str, box: Mailbox) -> Message:
        contact, notices = self.contact(owner), tuple(box.waiting)
        texts = self._texts[contact.language]
        shown = notices[: self._policy.pace.tasks_shown]
        lines = [self._line(notice, contact, texts) for notice in shown]
        if len(notices) > len(shown):
            inbox = f"{self._link}/inbox/{quote(owner, safe='')}"
            lines.append(texts.more.format(n=len(notices) - len(shown), link=inbox))
        return Message(owner, self._title(notices, contact, texts), "\n".join(lines), notices)

    def _title(self, notices: Sequence[Notice], contact: Contact, texts: NotifyTexts) -> str:
        if len(notices) > 1:
            return texts.title_many.format(n=len(notices))
        return texts.title_one.format(level=texts.level[notices[0].level], reason=self._reason(notices[0], contact))

    def _line(self, notice: Notice, contact: Contact, texts: NotifyTexts) -> str:
        due = datetime.fromtimestamp(notice.due_ms / 1000, zone_of(contact.timezone))
        words: str = getattr(texts, notice.kind)
        return words.format(
            level=texts.level[notice.level],
            reason=self._reason(notice, contact),
            due=f"{due:%m-%d %H:%M}",
            link=f"{self._link}/t/{quote(notice.task_id, safe='')}",
        )

    def _reason(self, notice: Notice, contact: Contact) -> str:
        return self._reasons[contact.language].get(notice.reason_group, notice.reason_group)
