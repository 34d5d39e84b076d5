"""A dashboard: variables for data source, process and instance, figures on top, curves below in a grid of 24 columns."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders.dashboard import Dashboard, DashboardLink, DatasourceVariable, QueryVariable
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardCursorSync,
    DashboardLinkType,
    GridPos,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from churnwatch.dashboards.panels import SOURCE, Curves, Figure

COLUMNS = 24
FIGURE_WIDTH, FIGURE_HEIGHT, CURVES_HEIGHT = 4, 4, 8


@dataclass(frozen=True, slots=True)
class Board:
    """What one dashboard shows; `name` is its file and the end of its uid."""

    name: str
    title: str
    meaning: str
    figures: Sequence[Figure]
    curves: Sequence[Curves]
    #: How far back the first look goes.
    since: str = "now-6h"

    def as_json(self) -> str:
        """The file that Grafana is provisioned with."""
        board = (
            Dashboard(f"Churnwatch: {self.title}")
            .uid(f"churnwatch-{self.name}")
            .description(self.meaning)
            .tags(["churnwatch"])
            .timezone("browser")
            .refresh("30s")
            .time(self.since, "now")
            .readonly()
            .tooltip(DashboardCursorSync.CROSSHAIR)
            .with_variable(DatasourceVariable("datasource").label("Data source").type("prometheus"))
            .with_variable(_choice("job", "Process", "label_values(up, job)"))
            .with_variable(_choice("instance", "Instance", 'label_values(up{job=~"$job"}, instance)'))
            .link(
                DashboardLink("Churnwatch")
                .type(DashboardLinkType.DASHBOARDS)
                .tags(["churnwatch"])
                .as_dropdown(as_dropdown=True)
            )
        )
        panels: list[Figure | Curves] = [*self.figures, *self.curves]
        for panel, place in zip(panels, self._places(), strict=True):
            board = board.with_panel(panel.build().id(place.number).grid_pos(place.position))
        return JSONEncoder(sort_keys=True, indent=2).encode(board.build()) + "\n"

    def _places(self) -> list["Place"]:
        widths = [(FIGURE_WIDTH, FIGURE_HEIGHT)] * len(self.figures)
        widths += [(curves.width, CURVES_HEIGHT) for curves in self.curves]
        places, x, y, row = [], 0, 0, 0
        for number, (width, height) in enumerate(widths, start=1):
            if x + width > COLUMNS or (row and height != row):
                x, y = 0, y + row
            places.append(Place(number, GridPos(h=height, w=width, x=x, y=y)))
            x, row = x + width, height
        return places


@dataclass(frozen=True, slots=True)
class Place:
    """Where a panel stands; its id is its number on the page."""

    number: int
    position: GridPos


def _choice(name: str, label: str, query: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": query, "refId": name})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .include_all(include_all=True)
        .multi(multi=True)
        .all_value(".+")
        .current(VariableOption(selected=True, text="All", value="$__all"))
    )
