"""Grafana's dashboards as code: `python -m churnwatch.dashboards --write` makes the files in `config/grafana/dashboards/`."""
