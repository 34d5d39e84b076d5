"""A chart of a page as a file of its own: with its namespace, its size and the few colours that the page gave it."""

import re

from alerts.console.charts.plane import HEIGHT, WIDTH

#: The light colours of console.css; a file has no page to take them from.
STYLE = (
    "svg{font-family:sans-serif;background:#fff}text{fill:#56606e;font-size:12px}.grid{stroke:#d9dee5}"
    ".band{fill:#dbe7fb}.baseline{stroke:#56606e;stroke-dasharray:5 4}"
    ".curve polyline{fill:none;stroke:#1f5fbf;stroke-width:2}.curve circle{fill:#1f5fbf}"
    ".bar{fill:#dbe7fb;stroke:#1f5fbf}.bar.last{fill:#1f5fbf}.mark line{stroke:#b3261e}.mark circle{fill:#b3261e}"
    ".mark text{fill:#fff;font-weight:700}.event path{fill:#1f5fbf}.order path{fill:#8a5a00}.care circle{fill:#b3261e}"
    ".contact rect{fill:#1c6b3c}.incident rect{fill:#56606e}"
)


def standalone(chart: str) -> str:
    """The SVG document.

    >>> standalone('<svg class="chart"><g/></svg>').startswith('<?xml version="1.0" encoding="UTF-8"?>')
    True
    """
    size = re.search(r'viewBox="0 0 (\d+) (\d+)"', str(chart))
    width, height = size.groups() if size else (WIDTH, HEIGHT)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
    opened = str(chart).replace("<svg ", head, 1)
    place = opened.index(">") + 1
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{opened[:place]}<style>{STYLE}</style>{opened[place:]}\n'
