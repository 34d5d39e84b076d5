"""Pages of where the calls go."""

from math import exp

from pipeline.signals.network import circle_move, competitor_hotline, forward_off_net, off_net_shift
from pipeline.signals.pages import SignalPage, of_line

#: What a rate of one a day leaves as decayed count.

NETWORK_PAGES: dict[str, SignalPage] = {
    "off_net_shift": SignalPage(
        "More of the calls and messages than usual go to rivals' networks.",
        "A new friend on another network: a rise within 0.08 is noise, and a few calls are judged by the usual share.",
        "Usually 20 %; now 5 calls a day to rivals and 5 to our own: with 8 usual events beside the 50 recent ones 0.46, so "
        "(0.46 - 0.20 - 0.08) / 0.37 = 0.48.",
        0.484,
        of_line(off_net_shift, {"to_rival": (5.0, 0.0, 2.0), "to_own_network": (5.0, 0.0, 8.0)}),
    ),
    "circle_move": SignalPage(
        "Its frequent contacts are now on one rival: that rival's share of its calls and messages rose.",
        "New friends at one rival look the same, and so does a handful of calls: six usual occasions stand beside the recent "
        "ones, and a rise within 0.10 is chance.",
        "10 calls a day, usually 1 and now 2.5 of them with one rival: 67 occasions of late at 0.249, with 6 at the usual 0.0995 "
        "a share of 0.236 +- 0.049; P(above 0.1995) = 0.773, without looking 0.188: (0.773 - 0.188) / (1 - 0.188) = 0.72.",
        0.72,
        of_line(circle_move, {"voice_out": (10.0, 10.0, 10.0)}, rivals=[(2.5, 1.0), (0.0, 0.0)]),
    ),
    "competitor_hotline": SignalPage(
        "Calls to a rival's hotline.",
        "One curious call is forgotten in weeks: each counts half after 14 days.",
        "Two calls just now, of a line watched for long: 1 - exp(-2) = 0.86.",
        1.0 - exp(-2.0),
        of_line(competitor_hotline, {"hotline": (0.0, 2.0 * 0.6931471805599453 / 14.0, 0.0)}, age_days=10_000.0),
    ),
    "forward_off_net": SignalPage(
        "Calls are forwarded to a rival's network, or forwarding there was set.",
        "A phone that was always forwarded shows as usage that does not fall; it fades in weeks.",
        "Last forwarded a week ago: 2 ^ (-7 / 14) = 0.71.",
        0.707,
        of_line(forward_off_net, {}, forwarded_days=7.0),
    ),
}
