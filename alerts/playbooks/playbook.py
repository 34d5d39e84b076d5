"""What a playbook is: the shape of the files in `config/playbooks`."""

from typing import Annotated, Literal

import msgspec

from alerts.tasks import Task
from pipeline.events import Segment

Words = Annotated[str, msgspec.Meta(min_length=2, max_length=400)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Money = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The same in both languages."""

    zh: Words
    en: Words

    def in_language(self, language: str) -> str:
        return self.en if language == "en" else self.zh


class Lines(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A list of sentences in both languages, as many in each."""

    zh: Annotated[list[Words], msgspec.Meta(min_length=1)]
    en: Annotated[list[Words], msgspec.Meta(min_length=1)]

    def in_language(self, language: str) -> list[str]:
        return self.en if language == "en" else self.zh


class Firewall(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What makes leaving harder or less attractive afterwards: `soft` (brand, tariff, package) or `hard` (switching cost)."""

    kind: Literal["soft", "hard"]
    measure: Text


class Offer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that may be offered.

    Attributes:
        cost_once: what it costs us at once. `cost_month`: and in each of the first `months` months.
        save_share: how many of those who would have left stay with it; a first guess, replaced once measured.
        standard: open to every customer on the same terms; only such an offer may be made after a porting request.
    """

    id: Name
    title: Text
    save_share: Share
    months: Annotated[int, msgspec.Meta(ge=0, le=60)] = 0
    cost_once: Money = 0.0
    cost_month: Money = 0.0
    standard: bool = False

    @property
    def cost(self) -> float:
        """All that it can cost us, in the operator's currency; what the budget has to hold."""
        return self.cost_once + self.cost_month * self.months


class Pdca(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Plan, do and act in words; the check is measured by the system against `saved_share_target`."""

    plan: Text
    do: Text
    act: Text
    saved_share_target: Share


class Playbook(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One playbook. `reasons` are reason groups of tasks; `segments` and `stars_min` say for whom.

    `budget_year`: what its offers may cost in a calendar year, in the operator's currency.
    """

    title: Text
    reasons: Annotated[list[str], msgspec.Meta(min_length=1)]
    segments: Annotated[list[Segment], msgspec.Meta(min_length=1)]
    aim: Text
    script: Lines
    do_not: Lines
    firewall: Firewall
    budget_year: Money
    pdca: Pdca
    offers: list[Offer] = []
    stars_min: Annotated[int, msgspec.Meta(ge=0, le=5)] = 0
    id: str = ""
    """The name of its file."""

    def serves(self, task: Task) -> bool:
        """Whether it is for such a task."""
        segment = task.segment or "public"
        return task.reason_group in self.reasons and segment in self.segments and task.star >= self.stars_min

    def offer(self, offer_id: str) -> Offer | None:
        return next((offer for offer in self.offers if offer.id == offer_id), None)


class Economics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By what an offer is judged, and the budget of all playbooks together (`config/policies/offers.toml`).

    Attributes:
        discount_rate_year: 0.1 is 10 % a year. `horizon_months`: what is looked at.
        stay_share_month: how many of those who stayed are still there a month later.
        npv_min, payback_months_max, irr_year_min: an offer that misses one of them may not be proposed.
        margin_month: used where a customer's own margin is not known, by segment.
        budget_year: what all offers together may cost in a calendar year.
    """

    discount_rate_year: Annotated[float, msgspec.Meta(ge=0, le=1)]
    horizon_months: Annotated[int, msgspec.Meta(ge=1, le=120)]
    stay_share_month: Share
    npv_min: float
    payback_months_max: Annotated[float, msgspec.Meta(gt=0, le=120)]
    irr_year_min: float
    margin_month: dict[Segment, Money]
    budget_year: Money


class Playbooks(msgspec.Struct, frozen=True):
    """All playbooks, those for more stars first."""

    all: list[Playbook]
    economics: Economics

    def of(self, task: Task) -> Playbook | None:
        """The playbook for a task; of several the one that asks for most stars."""
        return next((one for one in self.all if one.serves(task)), None)

    def by_id(self, playbook_id: str) -> Playbook | None:
        return next((one for one in self.all if one.id == playbook_id), None)
