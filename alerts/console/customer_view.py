"""Everything the customer page shows, gathered from the task board in one place."""

from collections.abc import Mapping
from dataclasses import dataclass

from markupsafe import Markup

from alerts.console.ageing import refreshed
from alerts.console.cards import Card, Typed, card, marks
from alerts.console.charts.invoices import invoice_chart
from alerts.console.charts.timeline import Drawing, Event, Lane, timeline
from alerts.console.charts.usage import DAY_MS, day_label, sparkline
from alerts.console.page_texts import PageTexts
from alerts.console.ports import CustomerDesk, TaskBoard
from alerts.console.rows import Wording
from alerts.console.time_axis import SPANS, Told, earlier, event_rows, events
from alerts.tasks import Customer, Task
from pipeline.line_views import LineView


@dataclass(frozen=True, slots=True)
class LineRow:
    line_id: str
    chosen: bool
    view: LineView | None
    spark: Markup | None
    last_bill: str


@dataclass(frozen=True, slots=True)
class Picture:
    """The chosen line's charts, and the same numbers as tables for whoever cannot see them."""

    line_id: str
    usage: Markup
    usage_rows: list[tuple[str, int]]
    event_rows: list[tuple[str, str, str]]
    days: int
    earlier: int
    invoices: Markup | None
    invoice_rows: list[tuple[str, str]]

    def charts(self) -> dict[str, Markup]:
        """Every chart by the name under which it can be had as a file."""
        drawn = {"usage": self.usage, "invoices": self.invoices}
        return {name: chart for name, chart in drawn.items() if chart is not None}


@dataclass(frozen=True, slots=True)
class CustomerPage:
    account_id: str
    customer: Customer | None
    owner: str | None
    open_cards: list[Card]
    closed_cards: list[Card]
    lines: list[LineRow]
    lines_hidden: int
    picture: Picture | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What the visitor asked of the page: a line to draw over so many days, and typed words to show again (by task id)."""

    line_id: str | None = None
    typed: Mapping[str, Typed] | None = None
    days: int = SPANS[0]


def customer_page(
    board: TaskBoard, account_id: str, wording: Wording, wish: Wish, lines_max: int, desk: CustomerDesk | None = None
) -> CustomerPage | None:
    """None when neither the directory nor any task knows this account. Without `desk`, only tasks and lines are known."""
    customer = board.customer(account_id)
    tasks = board.tasks_of(account_id)
    if customer is None and not tasks:
        return None
    known = _line_ids(board, account_id, customer, tasks)
    shown = known[:lines_max]
    views = board.line_views(shown)
    now_ms = board.now_ms()
    opened = _cards([refreshed(task, views) for task in tasks if task.open], now_ms, wording, wish)
    closed = _cards([task for task in tasks if not task.open], now_ms, wording, wish)
    chosen = _chosen_line(wish.line_id, shown, views, tasks)
    found = events(tasks, told(desk, account_id, customer, now_ms), now_ms, wording) if chosen else []
    return CustomerPage(
        account_id=account_id,
        customer=customer,
        owner=tasks[0].owner if tasks else (customer.manager_id if customer else None),
        open_cards=opened,
        closed_cards=closed,
        lines=[_line_row(line_id, chosen, views.get(line_id), wording) for line_id in shown],
        lines_hidden=len(known) - len(shown),
        picture=_picture(views[chosen], opened, found, (now_ms, wish.days), wording) if chosen else None,
    )


def told(desk: CustomerDesk | None, account_id: str, customer: Customer | None, now_ms: int) -> Told:
    """What the desk knows of the longest span that can be looked at."""
    if desk is None:
        return Told()
    incidents = desk.incidents(customer.region) if customer else []
    return Told(desk.happened(account_id, now_ms - max(SPANS) * DAY_MS, now_ms), incidents)


def _cards(tasks: list[Task], now_ms: int, wording: Wording, wish: Wish) -> list[Card]:
    cards: list[Card] = []
    number = 1
    for task in tasks:
        cards.append(card(task, now_ms, wording, number, (wish.typed or {}).get(task.task_id)))
        number += len(task.signals)
    return cards


def _line_ids(board: TaskBoard, account_id: str, customer: Customer | None, tasks: list[Task]) -> list[str]:
    """The lines that tasks speak of first, then the rest, each once."""
    troubled = [line_id for task in tasks if task.open for line_id in _lines_of(task)]
    listed = [*(customer.lines if customer else []), *board.lines_of(account_id)]
    return list(dict.fromkeys([*troubled, *listed]))


def _chosen_line(wished: str | None, shown: list[str], views: Mapping[str, LineView], tasks: list[Task]) -> str | None:
    """The line asked for, else that of the first task, else the first one that has a picture."""
    candidates = [wished, *(task.line_id for task in tasks), *shown]
    return next((line_id for line_id in candidates if line_id and views.get(line_id)), None)


def _line_row(line_id: str, chosen: str | None, view: LineView | None, wording: Wording) -> LineRow:
    bills = sorted(view.invoices, key=lambda invoice: invoice.ts_ms) if view else []
    spark = sparkline(view.daily_activity, f"{wording.texts('customer.recent')}: {line_id}") if view else None
    return LineRow(line_id, line_id == chosen, view, spark, f"{bills[-1].amount:,.2f}" if bills else "")


def _picture(
    view: LineView, opened: list[Card], found: list[Event], looked: tuple[int, int], wording: Wording
) -> Picture:
    """`looked`: when, and at how many days."""
    now_ms, days = looked
    texts = wording.texts
    about = [entry for entry in opened if entry.task.line_id is None or view.line_id in _lines_of(entry.task)]
    bills = sorted(view.invoices, key=lambda invoice: invoice.ts_ms)
    usage_words = texts(
        "customer.usage_words",
        days=len(view.daily_activity),
        day=day_label(view.day_ms),
        last=view.daily_activity[-1] if view.daily_activity else 0,
        low=f"{view.baseline_low:.1f}",
        high=f"{view.baseline_high:.1f}",
    )
    bill_words = texts("customer.invoices_words", n=len(bills), last=f"{bills[-1].amount:,.2f}" if bills else "-")
    return Picture(
        line_id=view.line_id,
        usage=timeline(
            Drawing(view, marks(about), found, days, _names(texts)),
            texts("customer.usage", line=view.line_id),
            f"{usage_words} {bill_words} {texts('customer.events_words', n=len(event_rows(found, days, now_ms, wording)))}",
        ),
        usage_rows=_usage_rows(view),
        event_rows=event_rows(found, days, now_ms, wording),
        days=days,
        earlier=earlier(found, days, now_ms),
        invoices=invoice_chart(bills, texts("customer.invoices", line=view.line_id), bill_words) if bills else None,
        invoice_rows=[(day_label(invoice.ts_ms), f"{invoice.amount:,.2f}") for invoice in bills],
    )


def _names(texts: PageTexts) -> dict[str, str]:
    """What stands beside the curves and lanes."""
    return {name: texts.word("lane", name) for name in ("usage", "spend", *Lane)}


def _usage_rows(view: LineView) -> list[tuple[str, int]]:
    first_ms = view.day_ms - (len(view.daily_activity) - 1) * DAY_MS
    return [(day_label(first_ms + place * DAY_MS), count) for place, count in enumerate(view.daily_activity)]


def _lines_of(task: Task) -> list[str]:
    return [*task.line_ids, *([task.line_id] if task.line_id else [])]
