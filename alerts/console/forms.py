"""What a person typed into a task's form, read and checked once for every action."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from alerts.console.context import console_of

#: All rules with their thresholds and switches; fifty tasks picked in an inbox, each with its version, are fewer.
FIELDS_MAX = 300
#: The token is made anew; what nobody but the person knows is typed again.
NEVER_SENT_BACK = frozenset({"token", "password", "repeated", "old", "code", "secret"})


class FormExpiredError(Exception):
    """The form's token does not fit this visitor: an old page, or somebody else's. Carries what was typed."""

    def __init__(self, form: "ActionForm") -> None:
        super().__init__("the form token does not fit")
        self.form = form


@dataclass(frozen=True, slots=True)
class ActionForm:
    """Text fields as sent; `version` is None where the form named none."""

    fields: dict[str, str]

    @property
    def version(self) -> int | None:
        text = self.fields.get("version", "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None

    @property
    def disposition(self) -> str:
        return self.fields.get("disposition", "")

    @property
    def note(self) -> str:
        """The note with the line ends of this machine and no spaces around it."""
        return self.fields.get("note", "").replace("\r\n", "\n").strip()

    @property
    def retry(self) -> dict[str, str]:
        """What has to be sent again when this could not be done;"""
        return {key: value for key, value in self.fields.items() if key not in NEVER_SENT_BACK}


async def checked_form(request: Request) -> ActionForm:
    """The form of an action, its token checked; every unsafe route depends on this.

    Raises:
        FormExpiredError: the token is missing or does not belong to the visitor's cookie.
    """
    async with request.form(max_files=0, max_fields=FIELDS_MAX) as sent:
        form = ActionForm({key: value for key, value in sent.items() if isinstance(value, str)})
    if not console_of(request).pages.seal.accepts(request, form.fields.get("token", "")):
        raise FormExpiredError(form)
    request.state.form = form  # for the page that says that the store is away
    return form


CheckedForm = Annotated[ActionForm, Depends(checked_form)]
