"""Makes every page: one Jinja environment that escapes everything, and what all pages share."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import HTMLResponse

from alerts.accounts.roles import Permission, permissions
from alerts.console.config import ConsoleConfig
from alerts.console.csrf import FormSeal
from alerts.console.page_texts import ConsoleTexts
from alerts.console.ports import Services
from alerts.console.rows import Wording
from alerts.console.visitor import THEMES, Preferences, acting, person_of, preferences, remember_preferences
from alerts.tasks import OUTBOUND, UNASSIGNED, Actor

HERE = Path(__file__).parent
STATIC = HERE / "static"
#: Owners that are no people: they have words of their own.
NO_PERSON = (OUTBOUND, UNASSIGNED)


class Pages:
    """Renders templates for one visitor: language, light, form token, actor."""

    def __init__(
        self, texts: ConsoleTexts, config: ConsoleConfig, *, login: bool = False, services: Services | None = None
    ) -> None:
        self.login = login
        self._services = services
        self.texts = texts
        self.config = config
        self.seal = FormSeal(config.secret)
        self.zone = ZoneInfo(config.timezone)
        self._assets = _assets_version()
        self._environment = _environment()

    def preferences(self, request: Request) -> Preferences:
        return preferences(request, self.texts.languages, self.config.language)

    def wording(self, request: Request) -> Wording:
        language = self.preferences(request).language
        return Wording(self.texts.pages[language], self.texts.reasons[language], self.zone)

    def render(
        self, request: Request, template: str, status: int = 200, *, actor: Actor | None = None, **values: Any
    ) -> HTMLResponse:
        """A whole page. `values` are the template's own; cookies for the form token and preferences go with it."""
        chosen = self.preferences(request)
        visit = self.seal.visit(request)
        words = self.texts.pages[chosen.language]
        html = self._environment.get_template(template).render(
            t=words,
            word=words.word,
            owner_words=lambda owner: words.word("owners", owner) if owner in NO_PERSON else owner,
            lang=chosen.language,
            theme=chosen.theme,
            themes=THEMES,
            other_language=_next(self.texts.languages, chosen.language),
            here=lambda **query: _here(request, query),
            token=self.seal.token(visit),
            actor=actor or acting(request, None),
            person=person_of(request),
            login=self.login,
            may=lambda permission: self._may(request, permission),
            assets=self._assets,
            services_away=sorted(self._services.away()) if self._services else [],
            **values,
        )
        response = HTMLResponse(html, status)
        self.seal.remember(request, response, visit)
        remember_preferences(request, response, chosen)
        return response

    def _may(self, request: Request, permission: str) -> bool:
        person = person_of(request)
        return not self.login or (person is not None and Permission(permission) in permissions(person.roles))


@cache
def _environment() -> Environment:
    """One for all consoles of this process: it keeps every template that it has compiled."""
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _here(request: Request, query: dict[str, str]) -> str:
    """This page again with other query values; a page that answers a form links to the start, which can be fetched."""
    url = (
        request.url.include_query_params(**query) if request.method == "GET" else URL("/").include_query_params(**query)
    )
    return f"{url.path}?{url.query}" if url.query else url.path


def _next(languages: tuple[str, ...], language: str) -> str:
    return languages[(languages.index(language) + 1) % len(languages)]


def _assets_version() -> str:
    """Changes with any file under `static`, so that browsers may keep those files for ever."""
    contents = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(STATIC.iterdir())}
    return hashlib.sha256(json.dumps(contents).encode()).hexdigest()[:12]
