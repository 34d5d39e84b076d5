"""The playbook of a task in the reader's language, with its offers judged for this customer. Pure but for the desk asked."""

from dataclasses import dataclass
from typing import Protocol

from starlette.requests import Request

from alerts.console.cards import Card
from alerts.console.page_texts import PageTexts
from alerts.playbooks.desk import Advice
from alerts.playbooks.judge import Judgement
from alerts.tasks import Actor, Refusal, Task


class Offers(Protocol):
    """Looks up playbooks and proposes offers; `alerts.playbooks.desk.OfferDesk` is the real one."""

    def advice(self, task: Task) -> Advice | None: ...

    def propose(self, task_id: str, actor: Actor, offer_id: str, version: int | None = None) -> Task | Refusal: ...


@dataclass(frozen=True, slots=True)
class OfferRow:
    """`why_not`: in words, what it misses; "" where it may be proposed. `standing`: it is before the customer now."""

    offer_id: str
    title: str
    cost: str
    npv: str
    payback: str
    irr: str
    why_not: str
    standing: bool


@dataclass(frozen=True, slots=True)
class PlaybookCard:
    title: str
    aim: str
    script: list[str]
    do_not: list[str]
    firewall: str
    budget_left: str
    offers: list[OfferRow]


def offers_of(request: Request) -> Offers | None:
    """What proposes offers here; None where the console was started without it."""
    found: Offers | None = getattr(request.app.state, "offers", None)
    return found


def playbook_cards(request: Request, cards: list[Card], texts: PageTexts) -> dict[str, PlaybookCard]:
    """By task id, the playbooks of these open tasks, as far as there are any."""
    desk = offers_of(request)
    if desk is None:
        return {}
    advised = {card.task.task_id: (card.task, desk.advice(card.task)) for card in cards}
    return {task_id: _card(task, advice, texts) for task_id, (task, advice) in advised.items() if advice is not None}


def _card(task: Task, advice: Advice, texts: PageTexts) -> PlaybookCard:
    book, language = advice.playbook, texts.language
    standing = task.offered.offer if task.offered and task.offered.playbook == book.id else None
    titles = {offer.id: offer.title.in_language(language) for offer in book.offers}
    return PlaybookCard(
        title=book.title.in_language(language),
        aim=book.aim.in_language(language),
        script=book.script.in_language(language),
        do_not=book.do_not.in_language(language),
        firewall=book.firewall.measure.in_language(language),
        budget_left=f"{advice.budget.free:,.0f}",
        offers=[_row(one, titles[one.offer_id], standing, texts) for one in advice.judgements],
    )


def _row(one: Judgement, title: str, standing: str | None, texts: PageTexts) -> OfferRow:
    payback = texts("playbook.never") if one.payback_months is None else f"{one.payback_months:g}"
    return OfferRow(
        offer_id=one.offer_id,
        title=title,
        cost=f"{one.cost:,.2f}",
        npv=f"{one.npv:,.2f}",
        payback=payback,
        irr="–" if one.irr_year is None else f"{min(one.irr_year, 99.99):.0%}",
        why_not=", ".join(texts.word("playbook", f"misses_{name}") for name in one.misses),
        standing=one.offer_id == standing,
    )
