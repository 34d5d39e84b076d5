"""`churnwatch model list|show`: what the trainer has published."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="Published models: list them, show one.", no_args_is_help=True)
    app.add_typer(group, name="model")

    @group.command("list")
    def list_models(
        last: Annotated[int, typer.Option(min=1, help="How many of the newest.")] = 20,
        as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
    ) -> None:
        """List the newest published models.

        Example: churnwatch model list --last 5
        """
        import msgspec
        from rich.console import Console
        from rich.table import Table

        from churnwatch.model_log import published_models, summary
        from churnwatch.settings import settings

        models = published_models(settings())[-last:]
        if as_json:
            typer.echo(msgspec.json.encode({"models": [summary(model) for model in models]}).decode())
            return
        table = Table("version", "counts from", "labels", "AUC", "average precision", "log loss")
        for model in models:
            figures = [
                f"{model.metrics[name]:.4f}" if name in model.metrics else "-"
                for name in ("auc", "average_precision", "log_loss")
            ]
            table.add_row(model.version, summary(model)["counts_from"], str(model.labels_learned), *figures)
        Console().print(table)

    @group.command("show")
    def show_model(
        version: Annotated[str, typer.Argument(help="A version or its beginning; the newest when left out.")] = "",
        as_json: Annotated[bool, typer.Option("--json", help="One JSON object as the last line.")] = False,
    ) -> None:
        """Show one model: when it counts from, on what it was trained, how good it was.

        Example: churnwatch model show blend-1500
        """
        import msgspec
        from rich.console import Console

        from churnwatch.model_log import find_model, published_models, summary
        from churnwatch.settings import settings

        model = find_model(published_models(settings()), version)
        if as_json:
            typer.echo(msgspec.json.encode({**summary(model), "body": model.body}).decode())
            return
        for name, value in summary(model).items():
            Console().print(f"{name}: {value}", highlight=False)
