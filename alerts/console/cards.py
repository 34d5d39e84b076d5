"""A task as the customer page tells it: every signal with its evidence in words, notes, history, what can be done. Pure."""

from dataclasses import dataclass

from markupsafe import Markup

from alerts.console.ageing import aged
from alerts.console.charts.marks import Mark
from alerts.console.ladder_view import ladder
from alerts.console.moments import Due, due, moment
from alerts.console.page_texts import PageTexts
from alerts.console.rows import Wording, acceptable, why
from alerts.tasks import OUTBOUND, UNASSIGNED, HistoryEntry, Task, TaskState
from pipeline.events import Disposition, SignalReport

#: What a person can report. The others are a dialer's own (dropped, dead air, not tried).
OFFERED = (
    Disposition.REACHED_SAVED,
    Disposition.REACHED_REFUSED,
    Disposition.REACHED_CALLBACK,
    Disposition.NO_ANSWER,
    Disposition.BUSY,
    Disposition.MACHINE,
    Disposition.BAD_NUMBER,
    Disposition.TRANSFERRED,
    Disposition.OPT_OUT,
)


@dataclass(frozen=True, slots=True)
class SignalCard:
    number: int
    code: str
    name: str
    sentence: str
    ask: str
    benign: str
    origin: str
    strength_percent: int
    since_ms: int
    since: str
    evidence: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of the history: when, what, by whom, and the detail in words."""

    at: str
    words: str
    actor: str
    detail: str


@dataclass(frozen=True, slots=True)
class Typed:
    """What somebody typed into a task's form that could not be saved; shown again."""

    disposition: str = ""
    note: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Card:
    task: Task
    level_words: str
    group_words: str
    state_words: str
    why: str
    due: Due
    due_at: str
    created: str
    signals: list[SignalCard]
    notes: list[tuple[str, str, str]]
    history: list[Happening]
    acceptable: bool
    escalatable: bool
    ladder: Markup | None
    typed: Typed


def card(task: Task, now_ms: int, wording: Wording, first_number: int = 1, typed: Typed | None = None) -> Card:
    """`first_number`: signals are numbered on through all open tasks, as the marks of the chart are."""
    texts = wording.texts
    return Card(
        task=task,
        level_words=texts.word("level", task.level),
        group_words=texts.word("group", task.reason_group),
        state_words=texts.word("state", task.state),
        why=why(task, now_ms, wording.reasons),
        due=due(task, now_ms, texts, wording.zone),
        due_at=texts("inbox.by", moment=moment(task.due_ms, wording.zone)),
        created=moment(task.created_ms, wording.zone),
        signals=[
            _signal(s, number, now_ms, task.score, wording) for number, s in enumerate(task.signals, first_number)
        ],
        notes=[(moment(note.ts_ms, wording.zone), note.actor, note.text) for note in task.notes],
        history=[_happening(entry, wording) for entry in reversed(task.history)],
        acceptable=acceptable(task),
        escalatable=escalatable(task),
        ladder=ladder(task, now_ms, wording),
        typed=typed or Typed(),
    )


def escalatable(task: Task) -> bool:
    """Whether a supervisor can still be asked for: none has it, and no call is under way."""
    supervisors = {task.team or UNASSIGNED, UNASSIGNED}
    told = task.owner in supervisors or (task.owner == OUTBOUND and task.escalation > 0)
    return task.open and not told and task.state is not TaskState.IN_CONTACT


def marks(cards: list[Card]) -> list[Mark]:
    """Where the chart points: each signal of these cards at its beginning, once where several tasks name it."""
    found: dict[tuple[str, int], Mark] = {}
    for signal in (signal for entry in cards for signal in entry.signals):
        mark = Mark(signal.since_ms, signal.number, f"{signal.name}: {signal.sentence}")
        found.setdefault((signal.code, signal.since_ms), mark)
    return list(found.values())


def _signal(report: SignalReport, number: int, now_ms: int, score: float, wording: Wording) -> SignalCard:
    evidence = aged(report, now_ms)
    return SignalCard(
        number=number,
        code=report.name,
        name=wording.reasons.name(report.name),
        sentence=wording.reasons.sentence(report.name, {"score": score, **evidence}),
        ask=wording.reasons.ask(report.name),
        benign=wording.reasons.benign(report.name, evidence),
        origin=wording.texts.word("origin", report.origin),
        strength_percent=round(report.strength * 100),
        since_ms=report.since_ms,
        since=moment(report.since_ms, wording.zone),
        evidence=wording.reasons.evidence_rows(evidence),
    )


def _happening(entry: HistoryEntry, wording: Wording) -> Happening:
    return Happening(
        moment(entry.ts_ms, wording.zone),
        wording.texts.word("event", entry.kind),
        entry.actor,
        _detail(entry.detail, wording.texts),
    )


def _detail(code: str, texts: PageTexts) -> str:
    """A history detail is a code out of one of several sets, or a staff id, which has no text."""
    for table in ("disposition", "result", "level", "state", "group"):
        if (words := texts.word(table, code)) != code:
            return words
    return code
