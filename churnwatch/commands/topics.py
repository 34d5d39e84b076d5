"""`churnwatch topics`: creates the topics, or shows what is there."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def topics(
        create: Annotated[bool, typer.Option(help="Create what is missing.")] = True,
        as_json: Annotated[bool, typer.Option("--json", help="Print the topics as JSON, in the last line.")] = False,
    ) -> None:
        """Create all topics as Churnwatch needs them; every process does so by itself when it starts.

        Example: KAFKA_BOOTSTRAP=localhost:9092 churnwatch topics
        """
        import json

        from churnwatch.logs import configure_logs
        from churnwatch.settings import settings
        from churnwatch.topics import describe_topics, ensure_topics

        configure_logs("topics")
        states = ensure_topics(settings()) if create else describe_topics(settings())
        if as_json:
            rows = {state.plan.name: {"partitions": state.partitions, "problem": state.problem} for state in states}
            typer.echo(json.dumps(rows))
        else:
            for state in states:
                policy = "compacted" if state.plan.compacted else "log"
                typer.echo(
                    f"{state.plan.name:32} {state.partitions or 0:4} partitions  {policy:10} {state.problem or 'fine'}"
                )
        if any(state.problem for state in states):
            raise typer.Exit(1)
