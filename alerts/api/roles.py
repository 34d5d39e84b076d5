"""Who may do what through the API. What is not listed here is not allowed."""

from enum import StrEnum

from alerts.tasks import Role


class ApiRole(StrEnum):
    """What a token was made for."""

    MANAGER = "manager"
    CALLER = "caller"
    SUPERVISOR = "supervisor"
    ANALYST = "analyst"
    AUDITOR = "auditor"
    ADMIN = "admin"
    DIALER = "dialer"


class Permission(StrEnum):
    READ_TASKS = "read_tasks"
    ACT_ON_TASKS = "act_on_tasks"
    READ_CUSTOMERS = "read_customers"
    REVEAL_NUMBERS = "reveal_numbers"
    WORK_QUEUE = "work_queue"
    READ_QUEUE = "read_queue"
    READ_REPORTS = "read_reports"


_STAFF = frozenset(
    {Permission.READ_TASKS, Permission.ACT_ON_TASKS, Permission.READ_CUSTOMERS, Permission.REVEAL_NUMBERS}
)
GRANTED: dict[ApiRole, frozenset[Permission]] = {
    ApiRole.MANAGER: _STAFF,
    ApiRole.CALLER: _STAFF,
    ApiRole.SUPERVISOR: _STAFF | {Permission.READ_QUEUE, Permission.READ_REPORTS},
    ApiRole.ANALYST: frozenset({Permission.READ_QUEUE, Permission.READ_REPORTS}),
    ApiRole.AUDITOR: frozenset({Permission.READ_REPORTS}),
    ApiRole.ADMIN: frozenset({Permission.READ_QUEUE}),
    ApiRole.DIALER: frozenset({Permission.WORK_QUEUE, Permission.READ_QUEUE}),
}
#: On whose behalf the store sees them act; the others never change a task.
ACTS_AS: dict[ApiRole, Role] = {
    ApiRole.MANAGER: Role.MANAGER,
    ApiRole.CALLER: Role.CALLER,
    ApiRole.SUPERVISOR: Role.SUPERVISOR,
    ApiRole.DIALER: Role.DIALER,
}
