"""Every query of every Grafana panel, asked of a real Prometheus that scrapes the demo while it runs: who has data?

Run: `.venv/bin/python benchmarks/dashboards.py --json`. Wants Debian's `prometheus`. A query counts as soon as it has once
returned a number; what never did is named.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from churnwatch.embedded import free_port

ROOT = Path(__file__).resolve().parents[1]
DASHBOARDS = sorted((ROOT / "config" / "grafana" / "dashboards").glob("*.json"))
RULES = ROOT / "config" / "prometheus" / "rules.yml"
RATE_INTERVAL = "15s"
PORT_VARIABLE = "CHURNWATCH_METRICS__PORT="
LOOK_EVERY_S = 3.0


def all_queries(rate_interval: str = RATE_INTERVAL) -> dict[str, str]:
    """Expression by dashboard, panel and letter, with Grafana's variables put in."""
    variables = {"$__rate_interval": rate_interval, "$job": ".+", "$instance": ".+"}
    found = {}
    for path in DASHBOARDS:
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
            for target in panel["targets"]:
                expression = target["expr"]
                for variable, value in variables.items():
                    expression = expression.replace(variable, value)
                found[f"{path.stem}: {panel['title']} {target['refId']}"] = expression
    return found


def targets(parent: int) -> dict[str, int]:
    """Metrics port of each child of the demo by its command, as the kernel knows them."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if int((folder / "stat").read_text().rpartition(")")[2].split()[1]) != parent:
                continue
            words = (folder / "cmdline").read_text().split("\0")
            told = (folder / "environ").read_text().split("\0")
        except OSError:  # it has just ended
            continue
        port = next((line.removeprefix(PORT_VARIABLE) for line in told if line.startswith(PORT_VARIABLE)), "")
        if port and "churnwatch" in words:
            found[words[words.index("churnwatch") + 1]] = int(port)
    return found


def look(port: int) -> None:
    """Somebody opens the team's board, so that the console has something to tell."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/team", timeout=5).close()
    except OSError:
        return


def has_data(address: str, expression: str) -> bool:
    """Whether the query returns a number now."""
    query = urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(f"http://{address}/api/v1/query?{query}", timeout=10) as response:
            samples: list[dict[str, Any]] = json.load(response)["data"]["result"]
    except OSError:
        return False
    return any(sample["value"][1] != "NaN" for sample in samples)


def watch(demo: subprocess.Popen[bytes], program: str, folder: Path, seconds: float, port: int) -> dict[str, Any]:
    """Scrape the demo's processes and ask until every query had data, the demo ended or the time is over."""
    address = f"127.0.0.1:{free_port()}"
    jobs = folder / "jobs.json"
    jobs.write_text("[]")
    config = {
        "global": {"scrape_interval": "2s", "evaluation_interval": "2s"},
        "rule_files": [str(RULES)],
        "scrape_configs": [
            {"job_name": name, "file_sd_configs": [{"files": [str(folder / f"{name}.json")], "refresh_interval": "1s"}]}
            for name in ("worker", "trainer", "tasks", "console", "notify")
        ],
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    with (folder / "prometheus.log").open("wb") as log:
        prometheus = subprocess.Popen(
            [program, f"--config.file={folder / 'prometheus.yml'}", f"--web.listen-address={address}",
             f"--storage.tsdb.path={folder / 'data'}"], stdout=log, stderr=subprocess.STDOUT, cwd=folder,
        )  # fmt: skip
    waiting, scraped, deadline_s = all_queries(), set[str](), time.monotonic() + seconds
    count = len(waiting)
    try:
        while waiting and time.monotonic() < deadline_s and demo.poll() is None:
            for name, metrics_port in targets(demo.pid).items():
                scraped.add(name)
                target = [{"targets": [f"127.0.0.1:{metrics_port}"]}]
                (folder / f"{name}.json").write_text(json.dumps(target))
            look(port)
            waiting = {title: one for title, one in waiting.items() if not has_data(address, one)}
            time.sleep(LOOK_EVERY_S)
    finally:
        prometheus.terminate()
        prometheus.wait(10)
    return {
        "queries": count,
        "with_data": count - len(waiting),
        "without_data": sorted(waiting),
        "processes": sorted(scraped),
        "demo_ended": demo.poll() is not None,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=400)
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--speed", type=float, default=None, help="of the demo's stream; without: the demo's own")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    chosen = parser.parse_args()
    program = shutil.which("prometheus")
    if program is None:
        raise SystemExit("Prometheus is not installed: apt-get install prometheus")
    port = free_port()
    command = [sys.executable, "-m", "churnwatch", "demo", "--port", str(port)]
    command += ["--customers", str(chosen.customers), "--days", str(chosen.days)]
    command += ["--speed", str(chosen.speed)] if chosen.speed else []
    with tempfile.TemporaryDirectory() as name, (Path(name) / "demo.log").open("wb") as log:
        demo = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ)
        )
        try:
            result = watch(demo, program, Path(name), chosen.seconds, port)
        finally:
            demo.terminate()
            demo.wait(30)
    result["met"] = not result["without_data"]
    sys.stdout.write(json.dumps(result, indent=None if chosen.json else 2) + "\n")


if __name__ == "__main__":
    main()
