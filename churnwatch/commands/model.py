"""`churnwatch model`: what the trainer has published, and orders to it."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(help="Published models, and orders to the trainer.", no_args_is_help=True)
    app.add_typer(group, name="model")
    _register_views(group)
    _register_champion(group)
    _register_learning(group)


def _register_views(group: typer.Typer) -> None:

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


def _register_champion(group: typer.Typer) -> None:
    @group.command("promote")
    def promote(
        contestant: Annotated[str, typer.Argument(help="Who is to score: one of learning.contestants.")],
    ) -> None:
        """Make a contestant the champion, whatever the figures say; it also ends what a rollback began.

        Example: churnwatch model promote blend
        """
        from churnwatch.model_orders import give_order
        from churnwatch.settings import settings
        from models.orders import OrderKind

        learning = settings().learning
        if contestant not in learning.contestants:
            there = ", ".join(learning.contestants)
            raise typer.BadParameter(f"{contestant!r} does not learn here; in learning.contestants are {there}")
        give_order(settings(), OrderKind.PROMOTE, contestant=contestant)
        typer.echo(f"ordered: {contestant} becomes the champion at the trainer's next poll")

    @group.command("rollback")
    def rollback(
        version: Annotated[str, typer.Argument(help="A version or its beginning, from `churnwatch model list`.")],
    ) -> None:
        """Score with an earlier model again; the trainer learns on, but publishes nothing until a `promote`.

        Example: churnwatch model rollback blend-1536
        """
        from churnwatch.model_orders import put_back
        from churnwatch.settings import settings

        model = put_back(settings(), version)
        typer.echo(f"ordered: {model} scores from the next tick on; `churnwatch model promote` ends it")


def _register_learning(group: typer.Typer) -> None:
    @group.command("freeze")
    def freeze() -> None:
        """Stop learning; scoring goes on. What comes meanwhile is held aside.

        Example: churnwatch model freeze
        """
        from churnwatch.model_orders import give_order
        from churnwatch.settings import settings
        from models.orders import OrderKind

        give_order(settings(), OrderKind.FREEZE)
        typer.echo("ordered: learning is frozen; `churnwatch model unfreeze` ends it")

    @group.command("unfreeze")
    def unfreeze(
        learn_held: Annotated[
            bool, typer.Option("--learn-held", help="Learn what came meanwhile: it was right after all.")
        ] = False,
    ) -> None:
        """Learn again after an alarm; what came meanwhile is dropped unless it was right.

        Example: churnwatch model unfreeze --learn-held
        """
        from churnwatch.model_orders import give_order
        from churnwatch.settings import settings
        from models.orders import OrderKind

        give_order(settings(), OrderKind.UNFREEZE, learn_held=learn_held)
        typer.echo(f"ordered: learning goes on; what came meanwhile is {'learnt' if learn_held else 'dropped'}")
