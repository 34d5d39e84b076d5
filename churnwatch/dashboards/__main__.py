"""Writes the dashboards' files, or checks that they are current.

python -m churnwatch.dashboards --write | --check
"""

import sys
from pathlib import Path

from churnwatch.dashboards.ladder import LADDER
from churnwatch.dashboards.learning import LEARNING
from churnwatch.dashboards.pipeline import PIPELINE
from churnwatch.dashboards.queue import QUEUE
from churnwatch.dashboards.retention import RETENTION

FOLDER = Path(__file__).resolve().parents[2] / "config" / "grafana" / "dashboards"
BOARDS = (RETENTION, LEARNING, PIPELINE, QUEUE, LADDER)


def main(arguments: list[str]) -> int:
    """0 when all files are current (afterwards), 1 when `--check` finds one that is not, 2 for wrong use."""
    if arguments not in (["--write"], ["--check"]):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    made = {FOLDER / f"{board.name}.json": board.as_json() for board in BOARDS}
    if arguments == ["--write"]:
        for path, text in made.items():
            path.write_text(text, encoding="utf-8")
        return 0
    stale = [path.name for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    stale += [path.name for path in FOLDER.glob("*.json") if path not in made]
    if stale:
        sys.stderr.write(f"not current in config/grafana/dashboards: {', '.join(stale)}; run `make generated`\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
