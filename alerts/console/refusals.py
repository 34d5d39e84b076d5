"""Why something was not done, told to the person who tried. Pure."""

from alerts.console.page_texts import PageTexts
from alerts.tasks import NOTE_LENGTH_MAX, Actor, Refusal, RefusalReason, Task

PLAIN = frozenset(
    {
        RefusalReason.UNKNOWN_TASK,
        RefusalReason.IN_THE_PAST,
        RefusalReason.BUSY,
        RefusalReason.NO_SUCH_OFFER,
        RefusalReason.OFFER_NOT_WORTH,
        RefusalReason.OVER_BUDGET,
    }
)


def refusal_words(refusal: Refusal, actor: Actor, texts: PageTexts) -> str:
    """One sentence; where somebody else has the task, it says who."""
    task, reason = refusal.task, refusal.reason
    if reason in PLAIN:
        return texts(f"refusal.{reason}")
    if reason is RefusalReason.NOTE_TOO_LONG:
        return texts("refusal.note_too_long", n=f"{NOTE_LENGTH_MAX:,}")
    if task is None:
        return texts("refusal.other", reason=reason)
    if reason in {RefusalReason.STALE_VERSION, RefusalReason.NOT_YOURS, RefusalReason.WRONG_STATE} and _taken(
        task, actor
    ):
        return texts("refusal.taken", who=task.accepted_by)
    who = task.accepted_by or task.owner
    if reason is RefusalReason.ALREADY_CLOSED:
        return texts("refusal.already_closed", who=_last_actor(task) or who)
    if reason is RefusalReason.NOT_YOURS:
        return texts("refusal.not_yours", who=who, name=actor.name)
    if reason is RefusalReason.WRONG_STATE:
        return texts("refusal.wrong_state", state=texts.word("state", task.state))
    return (
        texts("refusal.stale_version")
        if reason is RefusalReason.STALE_VERSION
        else texts("refusal.other", reason=reason)
    )


def _taken(task: Task, actor: Actor) -> bool:
    return task.accepted_by is not None and task.accepted_by != actor.name


def _last_actor(task: Task) -> str | None:
    return task.history[-1].actor if task.history else None
