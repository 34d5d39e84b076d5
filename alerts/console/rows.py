"""A task as one line of the inbox: who, how urgent, why in a sentence, by when. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from urllib.parse import quote

from alerts.console.ageing import aged
from alerts.console.moments import Due, due, moment
from alerts.console.page_texts import PageTexts
from alerts.reason_texts import ReasonTexts
from alerts.tasks import Customer, Task, TaskState


@dataclass(frozen=True, slots=True)
class Row:
    """`star` is None where the directory does not know the customer; `more` counts the reasons not told in `why`."""

    task_id: str
    account_id: str
    href: str
    level: str
    level_words: str
    group_words: str
    star: int | None
    why: str
    more: int
    due: Due
    due_at: str
    state: str
    state_words: str
    version: int
    acceptable: bool
    stake: str


@dataclass(frozen=True, slots=True)
class Wording:
    """What turns a task into words for one reader."""

    texts: PageTexts
    reasons: ReasonTexts
    zone: tzinfo


def rows(tasks: Iterable[Task], customers: Mapping[str, Customer], now_ms: int, wording: Wording) -> list[Row]:
    return [_row(task, customers.get(task.account_id), now_ms, wording) for task in tasks]


def why(task: Task, now_ms: int, reasons: ReasonTexts) -> str:
    """The strongest signal in a sentence with its numbers; without signals the first reason code's words."""
    if task.signals:
        first = task.signals[0]
        return reasons.sentence(first.name, {"score": task.score, **aged(first, now_ms)})
    return reasons.sentence(task.reasons[0], {"score": task.score}) if task.reasons else reasons.name(task.reason_group)


def acceptable(task: Task) -> bool:
    """Is there anything to accept: nobody has it yet, and no call is under way."""
    return task.accepted_by is None and task.state in {TaskState.NEW, TaskState.WAITING, TaskState.SNOOZED}


def customer_href(account_id: str) -> str:
    """The customer page's path; an id may hold any character.

    >>> customer_href("A 1/2")
    '/customers/A%201%2F2'
    """
    return f"/customers/{quote(account_id, safe='')}"


def inbox_href(owner: str) -> str:
    """The inbox's path.

    >>> inbox_href("m 1")
    '/inbox/m%201'
    """
    return f"/inbox/{quote(owner, safe='')}"


def _row(task: Task, customer: Customer | None, now_ms: int, wording: Wording) -> Row:
    texts = wording.texts
    return Row(
        task_id=task.task_id,
        account_id=task.account_id,
        href=customer_href(task.account_id),
        level=task.level,
        level_words=texts.word("level", task.level),
        group_words=texts.word("group", task.reason_group),
        star=None if customer is None else customer.star,
        why=why(task, now_ms, wording.reasons),
        more=max(len(task.signals) - 1, 0),
        due=due(task, now_ms, texts, wording.zone),
        due_at=texts("inbox.by", moment=moment(task.due_ms, wording.zone)),
        state=task.state,
        state_words=_state_words(task, texts),
        version=task.version,
        acceptable=acceptable(task),
        stake=_stake(task, texts),
    )


def _stake(task: Task, texts: PageTexts) -> str:
    """What the planned contact is expected to bring; empty while no plan has worked it out."""
    gain = task.slot.gain if task.slot is not None else None
    return "" if gain is None else texts("inbox.stake", n=f"{gain:,.0f}")


def _state_words(task: Task, texts: PageTexts) -> str:
    state = texts.word("state", task.state)
    if task.result is not None:
        return f"{state}: {texts.word('result', task.result)}"
    return state if task.accepted_by is None else f"{state} · {task.accepted_by}"
