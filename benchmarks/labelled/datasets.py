"""The labelled public sets as matrices: numbers as they are, categories as 0/1 columns, missing values as NaN."""

import csv
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

SHARED_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
SHUFFLE_SEED = 20261122
HORIZON_DAYS = 28


@dataclass(frozen=True, slots=True)
class LabelledSet:
    """`features` (n, n_features) float64, `churned` (n,). `scored_day` and `churned_day` (n,), days since 1970, only
    where moments are known; a `churned_day` of 0 = never. `person` (n,): whom a row is about, never split by folds.
    """

    name: str
    features: NDArray[np.float64]
    churned: NDArray[np.bool_]
    scored_day: NDArray[np.int64] | None = None
    churned_day: NDArray[np.int64] | None = None
    person: NDArray[np.int64] | None = None

    def shuffled(self) -> "LabelledSet":
        """The same rows in one fixed random order; only for sets without moments."""
        order = np.random.default_rng(SHUFFLE_SEED).permutation(len(self.churned))
        return LabelledSet(f"{self.name}_shuffled", self.features[order], self.churned[order])


def snapshot_sets(folder: Path = SHARED_DATA) -> list[LabelledSet]:
    """The three snapshots, in file order."""
    return [
        _snapshot(folder / "ibm_telco" / "Telco-Customer-Churn.csv", "ibm_telco", "Churn", "Yes", ("customerID",)),
        _snapshot(folder / "mlc_churn" / "mlc_churn.csv", "mlc_churn", "churn", "yes", ()),
        _snapshot(folder / "iranian_churn" / "Customer_Churn.csv", "iranian_churn", "Churn", "1", ()),
    ]


def oulad(folder: Path = SHARED_DATA) -> LabelledSet:
    """Dated snapshots of students; the target is leaving within 28 days. Sorted by day, file order within one."""
    with gzip.open(folder / "oulad_2013" / "snapshots.csv.gz", "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    scored = np.array([_day(row["scored_on"]) for row in rows])
    left = np.array([_day(row["churned_on"]) if row["churned_on"] else 0 for row in rows])
    features = _matrix(rows, ("eid", "scored_on", "churned_on"))
    order = np.argsort(scored, kind="stable")
    churned = (left > 0) & (left - scored <= HORIZON_DAYS)
    person = np.array([int(row["eid"]) for row in rows])
    return LabelledSet("oulad_2013", features[order], churned[order], scored[order], left[order], person[order])


def _snapshot(path: Path, name: str, target: str, positive: str, left_out: Sequence[str]) -> LabelledSet:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    churned = np.array([row[target] == positive for row in rows])
    return LabelledSet(name, _matrix(rows, (target, *left_out)), churned)


def _matrix(rows: Sequence[dict[str, str]], left_out: Sequence[str]) -> NDArray[np.float64]:
    columns = [column for name in rows[0] if name not in left_out for column in _columns([row[name] for row in rows])]
    return np.column_stack(columns)


def _columns(values: Sequence[str]) -> list[NDArray[np.float64]]:
    try:
        return [np.array([float(value) if value.strip() else np.nan for value in values])]
    except ValueError:
        categories = sorted(set(values))
        kept = categories[1:] if len(categories) == 2 else categories
        return [np.array([value == category for value in values], dtype=np.float64) for category in kept]


def _day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days
