"""To whom a task can be given: everybody who has an inbox or a login that works tasks, and the outbound team."""

from fastapi import Request

from alerts.accounts.roles import Permission, permissions
from alerts.console.context import console_of
from alerts.tasks import OUTBOUND, UNASSIGNED


def known_owners(request: Request) -> list[str]:
    """Inboxes by name, the outbound team first."""
    console = console_of(request)
    names = {counts.owner for counts in console.board.owners()}
    if console.staff is not None:
        for person in console.staff.people.everybody():
            if not person.disabled and Permission.OWN_TASKS in permissions(person.roles):
                names.add(person.inbox)
    return [OUTBOUND, *sorted(names - {OUTBOUND, UNASSIGNED})]
