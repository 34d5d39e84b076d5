"""What the law makes of the tasks that are already open: some end, others go on under a rule. Pure."""

from alerts.book import Book
from alerts.law import exhausted, exhausted_reason, standing
from alerts.law_pack import LawPack
from alerts.moves import Move, forbid, limit
from alerts.policy import TaskPolicy
from alerts.tasks import OUTBOUND, Purpose, RefusalReason, Restraint, Task, TaskEvent, TaskState
from pipeline.events import Disposition


def enforce(book: Book, law: LawPack, policy: TaskPolicy, now_ms: int) -> list[TaskEvent]:
    """The events by which the account's open tasks follow its restraints; none when they do already.

    A call under way is let end first. A callback that the customer asked for is made. Whoever opted out is called by nobody:
    what waits in the queue for them ends at once. A return visit is no attempt to keep anybody: only an opt-out ends it.
    """
    moves = [_follow(book, task, law, policy, now_ms) for task in book.open.values()]
    return [move for move in moves if isinstance(move, TaskEvent)]


def nothing_left(book: Book, task: Task, law: LawPack, now_ms: int) -> Restraint | None:
    """The restraint under which this task can do nothing more; None: it may go on."""
    found = exhausted(book.restraints, task.line_ids, now_ms)
    if found is None or exhausted_reason(found, law) is RefusalReason.STOP_WORK:
        return found
    return None if task.disposition is Disposition.REACHED_CALLBACK else found


def _follow(book: Book, task: Task, law: LawPack, policy: TaskPolicy, now_ms: int) -> Move | None:
    if task.state is TaskState.IN_CONTACT:
        return None
    if book.opted_out and task.owner == OUTBOUND:
        return forbid(task, RefusalReason.OPTED_OUT, now_ms, policy)
    if task.purpose in {Purpose.RETURN_VISIT, Purpose.CRISIS}:
        return None
    ended_by = nothing_left(book, task, law, now_ms)
    if ended_by is not None:
        return forbid(task, exhausted_reason(ended_by, law), now_ms, policy, law.rule(ended_by.rule))
    ruled = [law.rule(one.rule) for one in standing(book.restraints, task.line_ids, now_ms)]
    missing = [rule for rule in ruled if rule is not None and rule.id not in task.rules]
    return limit(task, missing, now_ms) if missing else None
