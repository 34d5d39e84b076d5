"""Pages of where the calls go."""

from math import exp, log

from pipeline.signals.neighbours import neighbour_churn
from pipeline.signals.network import competitor_hotline, forward_off_net, off_net_shift
from pipeline.signals.pages import SignalPage, of_line
from pipeline.state.catalogue import CIRCLE_HALF_LIVES, HALF_LIVES_DAYS

#: What a rate of one a day leaves as decayed count.
MIDDLE_DAYS, SLOW_DAYS = (HALF_LIVES_DAYS[place] / log(2.0) for place in CIRCLE_HALF_LIVES)

NETWORK_PAGES: dict[str, SignalPage] = {
    "off_net_shift": SignalPage(
        "More of the calls and messages than usual go to rivals' networks.",
        "A new friend on another network: a rise within 0.08 is noise, and a few calls are judged by the usual share.",
        "Usually 20 %; now 5 calls a day to rivals and 5 to our own: with 8 usual events beside the 50 recent ones 0.46, so "
        "(0.46 - 0.20 - 0.08) / 0.37 = 0.48.",
        0.484,
        of_line(off_net_shift, {"to_rival": (5.0, 0.0, 2.0), "to_own_network": (5.0, 0.0, 8.0)}),
    ),
    "competitor_hotline": SignalPage(
        "Calls to a rival's hotline.",
        "One curious call is forgotten in weeks: each counts half after 14 days.",
        "Two calls just now, of a line watched for long: 1 - exp(-2) = 0.86.",
        1.0 - exp(-2.0),
        of_line(competitor_hotline, {"hotline": (0.0, 2.0 * 0.6931471805599453 / 14.0, 0.0)}, age_days=10_000.0),
    ),
    "neighbour_churn": SignalPage(
        "People whom the line usually calls within our network answer at a rival's now.",
        "A new friend at a rival's moves no cell from none to all; a contact that is merely called less moves nothing.",
        "Four contacts who were called equally often, one of whom ported: 8 calls of late, all to the rival, beside 4 usual "
        "ones of which none did: 8 / 12 = 0.67, (0.67 - 0.25) / 0.40 = 1 of that cell, a quarter of the circle, of which half is "
        "full: 0.50.",
        0.50,
        of_line(
            neighbour_churn,
            {},
            age_days=100_000.0,
            own_cells=[(0.0, 8.0 / SLOW_DAYS), *[(4.0 / MIDDLE_DAYS, 12.0 / SLOW_DAYS)] * 3],
            rival_cells=[(8.0 / MIDDLE_DAYS, 8.0 / SLOW_DAYS)],
        ),
    ),
    "forward_off_net": SignalPage(
        "Calls are forwarded to a rival's network, or forwarding there was set.",
        "A phone that was always forwarded shows as usage that does not fall; it fades in weeks.",
        "Last forwarded a week ago: 2 ^ (-7 / 14) = 0.71.",
        0.707,
        of_line(forward_off_net, {}, forwarded_days=7.0),
    ),
}
