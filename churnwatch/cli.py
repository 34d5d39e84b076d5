"""The command line: `churnwatch COMMAND`. Each command group is a file in `churnwatch/commands/`."""

import importlib
import pkgutil
import sys

import typer

from alerts.law_pack import LawPackError
from churnwatch import commands
from churnwatch.errors import UserError
from churnwatch.settings import SettingsError
from pipeline.policy import PolicyError

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Churn early warning for a telecom operator: call records and bills in, explained warnings and tasks out.",
)

for module in sorted(info.name for info in pkgutil.iter_modules(commands.__path__)):
    importlib.import_module(f"churnwatch.commands.{module}").register(app)


def main() -> None:
    """Run a command; a person's mistake becomes a message and exit code 1."""
    try:
        app()
    except (UserError, SettingsError, PolicyError, LawPackError) as error:
        typer.secho(f"churnwatch: {error}", fg=typer.colors.RED, err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
