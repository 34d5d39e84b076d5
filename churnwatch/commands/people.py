"""`churnwatch people`: who may sign in at the console; for the first ones, and when an administrator is locked out."""

from typing import TYPE_CHECKING, Annotated

import typer

from alerts.accounts.roles import StaffRole

if TYPE_CHECKING:
    from alerts.accounts.store import PeopleStore

people = typer.Typer(no_args_is_help=True, help="Who may sign in at the console: list, add, new links for passwords.")
Login = Annotated[str, typer.Argument(help="2 to 64 of a-z, 0-9, dot, dash, underscore")]


def register(app: typer.Typer) -> None:
    """Add the group."""
    app.add_typer(people, name="people")


@people.command("list")
def show() -> None:
    """Everybody with a login, and their roles.

    Example: churnwatch people list
    """
    for person in _store().everybody():
        state = "shut" if person.disabled else "" if person.password_hash else "no password yet"
        typer.echo(f"{person.login:<20} {', '.join(person.roles):<30} inbox {person.inbox:<16} {state}".rstrip())


@people.command()
def add(
    login: Login,
    role: Annotated[list[StaffRole], typer.Option(help="may be given several times")],
    name: Annotated[str, typer.Option(help="as shown on the pages; empty: the login")] = "",
    inbox: Annotated[str, typer.Option(help="a manager's code in the customers' records; empty: the login")] = "",
) -> None:
    """Add a person; prints the path of the one-time link with which they choose a password.

    Example: churnwatch people add ada --role manager --inbox m-17
    """
    from churnwatch.staff import add_person

    typer.echo(f"/welcome/{add_person(_store(), login, name, role, inbox)}")


@people.command()
def link(login: Login) -> None:
    """A fresh one-time link: for a forgotten password or a locked login. It works once, within a day.

    Example: churnwatch people link admin
    """
    from churnwatch.staff import new_link

    typer.echo(f"/welcome/{new_link(_store(), login)}")


def _store() -> "PeopleStore":
    from churnwatch.clients import redis_client
    from churnwatch.settings import settings
    from churnwatch.staff import people_store

    configuration = settings()
    return people_store(configuration, redis_client(configuration))
