"""The pages of all signals, by name."""

from pipeline.signals.pages import SignalPage
from pipeline.signals.pages_of_cases import CASE_PAGES
from pipeline.signals.pages_of_ladder import LADDER_PAGES
from pipeline.signals.pages_of_network import NETWORK_PAGES
from pipeline.signals.pages_of_relationship import RELATIONSHIP_PAGES
from pipeline.signals.pages_of_spend import SPEND_PAGES
from pipeline.signals.pages_of_usage import USAGE_PAGES

PAGES: dict[str, SignalPage] = {
    **LADDER_PAGES, **CASE_PAGES, **RELATIONSHIP_PAGES, **NETWORK_PAGES, **SPEND_PAGES, **USAGE_PAGES,
}  # fmt: skip
