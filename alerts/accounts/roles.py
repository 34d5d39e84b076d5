"""Roles of people and machines, and what each may see and do, on pages and in the API. What is not written here is refused."""

from collections.abc import Iterable
from enum import StrEnum

from alerts.tasks import Role


class StaffRole(StrEnum):
    """What somebody is employed for; a person may have several, a token of the API has one."""

    MANAGER = "manager"
    CALLER = "caller"
    SUPERVISOR = "supervisor"
    ANALYST = "analyst"
    AUDITOR = "auditor"
    ADMIN = "admin"
    #: A telephone system: of tokens only, no person has it.
    DIALER = "dialer"


#: Roles that people may have.
PEOPLE_ROLES = tuple(role for role in StaffRole if role is not StaffRole.DIALER)


class Permission(StrEnum):
    """One thing that a page or a route of the API lets people do."""

    #: Tasks and customers of one's own inbox.
    OWN_TASKS = "own_tasks"
    #: Everybody's inboxes and customers.
    ALL_TASKS = "all_tasks"
    #: Accept, record, note, snooze, hand over: on tasks that one may see.
    WORK_TASKS = "work_tasks"
    #: Give tasks to others, many at once.
    ASSIGN = "assign"
    #: Read a customer's number, with the reason asked and logged.
    REVEAL = "reveal"
    REPORTS = "reports"
    #: How full the outbound queue is.
    QUEUE = "queue"
    #: Lease, begin and end calls of the outbound queue.
    DIAL = "dial"
    #: Who saw, revealed, changed, called.
    AUDIT = "audit"
    #: Thresholds and switches.
    RULES = "rules"
    #: Add people, set roles, reset passwords.
    PEOPLE = "people"


ALLOWED: dict[StaffRole, frozenset[Permission]] = {
    StaffRole.MANAGER: frozenset({Permission.OWN_TASKS, Permission.WORK_TASKS, Permission.REVEAL}),
    StaffRole.CALLER: frozenset({Permission.OWN_TASKS, Permission.WORK_TASKS, Permission.REVEAL}),
    StaffRole.SUPERVISOR: frozenset({
        Permission.ALL_TASKS, Permission.WORK_TASKS, Permission.ASSIGN, Permission.REVEAL, Permission.REPORTS,
        Permission.RULES, Permission.QUEUE,
    }),
    StaffRole.ANALYST: frozenset({Permission.REPORTS, Permission.RULES, Permission.QUEUE}),
    StaffRole.AUDITOR: frozenset({Permission.AUDIT, Permission.REPORTS}),
    StaffRole.ADMIN: frozenset({Permission.PEOPLE, Permission.QUEUE}),
    StaffRole.DIALER: frozenset({Permission.DIAL, Permission.QUEUE}),
}  # fmt: skip

#: Either lets one read tasks and customers; which of them is another matter.
READ_TASKS = (Permission.OWN_TASKS, Permission.ALL_TASKS)
#: In whose name somebody acts on a task: the strongest of the roles that work tasks.
_ACTING = (
    (StaffRole.SUPERVISOR, Role.SUPERVISOR),
    (StaffRole.MANAGER, Role.MANAGER),
    (StaffRole.CALLER, Role.CALLER),
    (StaffRole.DIALER, Role.DIALER),
)


def permissions(roles: Iterable[StaffRole]) -> frozenset[Permission]:
    """Everything that at least one of the roles allows.

    >>> Permission.PEOPLE in permissions([StaffRole.SUPERVISOR])
    False
    """
    return frozenset(permission for role in roles for permission in ALLOWED[role])


def acting_role(roles: Iterable[StaffRole]) -> Role | None:
    """The role in which tasks are worked; None for people who work none.

    >>> acting_role([StaffRole.CALLER, StaffRole.SUPERVISOR])
    <Role.SUPERVISOR: 'supervisor'>
    """
    have = set(roles)
    return next((role for staff_role, role in _ACTING if staff_role in have), None)
