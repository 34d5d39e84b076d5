"""Panels as all our dashboards have them: title, what it means, unit, limits of its alert, data source by variable."""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import prometheus, stat, timeseries
from grafana_foundation_sdk.builders.common import GraphThresholdsStyleConfig, VizLegendOptions, VizTooltipOptions
from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, Threshold, ThresholdsMode

from churnwatch.dashboards.limits import limits

SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
LIMITS = limits()
#: What every query is narrowed to by the variables on top of a dashboard.
CHOSEN = 'job=~"$job", instance=~"$instance"'


HOUR_S, DAY_S = 3600, 86_400


@dataclass(frozen=True, slots=True)
class Ask:
    """One query and the name of its curves.

    In `query`, `{}` stands for the chosen processes, `{+` begins further matchers: `metric{+stream="cdr"}`.
    """

    query: str
    legend: str

    @property
    def expression(self) -> str:
        """As Prometheus gets it."""
        return self.query.replace("{}", f"{{{CHOSEN}}}").replace("{+", f"{{{CHOSEN}, ")


@dataclass(frozen=True, slots=True)
class Figure:
    """One number now, with its course behind it."""

    title: str
    unit: str
    meaning: str
    ask: Ask
    alert: str = ""
    decimals: int | None = None

    def build(self) -> stat.Panel:
        """The panel without its place."""
        panel = (
            stat.Panel()
            .title(self.title)
            .description(_explained(self.meaning, self.alert))
            .datasource(SOURCE)
            .unit(self.unit)
            .thresholds(_thresholds(self.alert))
            .color_mode(BigValueColorMode.VALUE)
            .graph_mode(BigValueGraphMode.AREA)
            .with_target(_target(self.ask, "A"))
        )
        return panel if self.decimals is None else panel.decimals(self.decimals)


@dataclass(frozen=True, slots=True)
class Curves:
    """Courses over time."""

    title: str
    unit: str
    meaning: str
    asks: Sequence[Ask]
    alert: str = ""
    width: int = 8

    def build(self) -> timeseries.Panel:
        """The panel without its place."""
        panel = (
            timeseries.Panel()
            .title(self.title)
            .description(_explained(self.meaning, self.alert))
            .datasource(SOURCE)
            .unit(self.unit)
            .min(0)
            .fill_opacity(8)
            .thresholds(_thresholds(self.alert))
            .legend(
                VizLegendOptions()
                .display_mode(LegendDisplayMode.LIST)
                .placement(LegendPlacement.BOTTOM)
                .show_legend(show_legend=True)
            )
            .tooltip(VizTooltipOptions().mode(TooltipDisplayMode.MULTI))
        )
        if self.alert in LIMITS:
            panel = panel.thresholds_style(GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED))
        for letter, ask in zip("ABCDEFGH", self.asks, strict=False):
            panel = panel.with_target(_target(ask, letter))
        return panel


def rate(metric: str, by: str = "", per_s: int = 1) -> str:
    """Query: what a counter grows in `per_s` seconds, summed, or by these labels.

    >>> rate("x_total{}", "stream", 3600)
    'sum by (stream) (rate(x_total{}[$__rate_interval])) * 3600'
    """
    grouped = f"sum by ({by}) " if by else "sum"
    times = f" * {per_s}" if per_s != 1 else ""
    return f"{grouped}(rate({metric}[$__rate_interval])){times}"


def or_none(query: str, label: str) -> str:
    """The query, and 0 of "none" where nothing of it has ever happened: an empty panel looks like a broken one.

    >>> or_none("x", "reason")
    'x or (label_replace(vector(0), "reason", "none", "", "") unless on() x)'
    """
    return f'{query} or (label_replace(vector(0), "{label}", "none", "", "") unless on() {query})'


def grown(metric: str, span: str) -> str:
    """Query: how much a counter grew over a span such as `24h`, all together."""
    return f"sum(increase({metric}[{span}]))"


def quantile(share: float, histogram: str, by: str = "") -> str:
    """Query: the value that `share` of a histogram's observations stay below; `by` are further labels."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, sum by ({labels}) (rate({histogram}_bucket{{}}[$__rate_interval])))"


def _target(ask: Ask, ref_id: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery().datasource(SOURCE).expr(ask.expression).legend_format(ask.legend).range().ref_id(ref_id)
    )


def _thresholds(alert: str) -> ThresholdsConfig:
    steps = [Threshold(color="green", value=None)]
    if alert in LIMITS:
        limit = LIMITS[alert]
        first, then = ("green", "red") if limit.above else ("red", "green")
        steps = [Threshold(color=first, value=None), Threshold(color=then, value=limit.value)]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def _explained(meaning: str, alert: str) -> str:
    return f"{meaning} Red: alert {alert}, see docs/operations/runbooks/{alert}.md." if alert else meaning
