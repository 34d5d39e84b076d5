"""Pages of how the line is used."""

import numpy as np

from pipeline.signals.pages import SignalPage, of_line
from pipeline.signals.usage import data_moved, fallen, incoming_only, roaming_away, silence

USAGE_PAGES: dict[str, SignalPage] = {
    "usage_drop": SignalPage(
        "The line is used much less than usual, all services together or one of them.",
        "What the crowd of its region and segment does at the same time is taken out; bursts and small numbers prove little.",
        "3 events expected and 1 seen: the true rate is below 60 % of the usual with P(Gamma(9) < 6.6) = 0.216, before looking "
        "with P(Gamma(8) < 4.8) = 0.113: (0.216 - 0.113) / (1 - 0.113) = 0.12. Of 300 and 100 it is 1.00.",
        0.116,
        lambda _: float(fallen(np.array([1.0]), np.array([3.0]))[0]),
    ),
    "silence": SignalPage(
        "The line is silent for longer than its own rhythm explains: 1 - the probability that it is still alive.",
        "A line that rests often may rest again; days on which the crowd rests count for less, and so do those of a dead feed.",
        "Active on each of 28 days, then silent for 2, before habits were learnt: gone 1/1479 + 0.01723/1480 = 0.000688, alive "
        "0.5/29 x 1.5/30 = 0.000861: 0.000688 / (0.000688 + 0.000861) = 0.44.",
        0.444,
        of_line(silence, {}, gap_days=2.0, own_gap_days=2.0),
    ),
    "incoming_only": SignalPage(
        "The line is called and calls nobody any more.",
        "The crowd's change, a line that never called much, and less than three days without use of its own.",
        "Usually 2 calls a day each way, now none of its own for 5 days: 13.5 occasions expected and none seen, "
        "P(Gamma(8) < 12.9) = 0.947, (0.947 - 0.113) / (1 - 0.113) = 0.94; incoming calls have not fallen: 0.94.",
        0.94,
        of_line(
            incoming_only, {"voice_out": (0.0, 0.0, 2.0), "voice_in": (2.0, 2.0, 2.0)}, gap_days=0.0, own_gap_days=5.0
        ),
    ),
    "data_moved": SignalPage(
        "Mobile data is gone and calls are not: a second SIM carries the data now.",
        "A fault of the data network shows in the crowd; abroad data is often off.",
        "Usually 2 sessions a day, now none, 2 calls a day as ever: 15.5 occasions expected and none seen, P(Gamma(8) < 14.1) = "
        "0.974, (0.974 - 0.113) / (1 - 0.113) = 0.97.",
        0.97,
        of_line(data_moved, {"data_sessions": (0.0, 0.0, 2.0), "voice_out": (2.0, 2.0, 2.0)}),
    ),
    "roaming_away": SignalPage(
        "The line is abroad.",
        "It is itself the benign explanation of a drop and of silence: weight 0, no warning.",
        "A record abroad 3.5 days ago: 1 - (3.5 - 2) / (5 - 2) = 0.50.",
        0.50,
        of_line(roaming_away, {}, roaming_days=3.5),
    ),
}
