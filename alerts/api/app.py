"""Puts the API together: an application of its own, mounted by the console under /api/v1."""

from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.routing import APIRoute

from alerts.api import routes_customers, routes_hooks, routes_playbooks, routes_queue, routes_reports, routes_tasks
from alerts.api.context import Desk
from alerts.api.models import CallDispositionIn
from alerts.api.problems import Problem, ProblemError, add_problem_answers

VERSION = "1.0.0"
ROUTERS = (
    routes_tasks.router, routes_playbooks.router, routes_customers.router, routes_queue.router, routes_hooks.router,
    routes_reports.router,
)  # fmt: skip
#: Models that routes describe by name only.
NAMED = (Problem, CallDispositionIn)


def plain_query(request: Request) -> None:
    """Every parameter of a query is known and stands there once: a misspelt filter would show everything."""
    names = [name for name, _ in request.query_params.multi_items()]
    route = request.scope.get("route")
    known = {field.alias for field in route.dependant.query_params} if isinstance(route, APIRoute) else set()
    if len(set(names)) < len(names) or not known.issuperset(names):
        allowed = ", ".join(sorted(known)) or "none"
        raise ProblemError(422, "wrong_value", f"parameters of this query, each once at most: {allowed}")


def create_api(desk: Desk) -> FastAPI:
    """The API as an ASGI application; its description is at /openapi.json."""
    app = FastAPI(
        title="Churnwatch API", version=VERSION, docs_url=None, redoc_url=None, redirect_slashes=False,
        dependencies=[Depends(plain_query)],
    )  # fmt: skip
    app.state.desk = desk
    for router in ROUTERS:
        app.include_router(router)
    add_problem_answers(app)
    described = app.openapi

    def with_named_models() -> dict[str, Any]:
        if app.openapi_schema is None:
            schemas = described().setdefault("components", {}).setdefault("schemas", {})
            for model in NAMED:
                schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
                for name, definition in schema.pop("$defs", {}).items():
                    schemas.setdefault(name, definition)
                schemas.setdefault(model.__name__, schema)
        assert app.openapi_schema is not None
        return app.openapi_schema

    app.openapi = with_named_models  # type: ignore[method-assign]  # FastAPI's documented way to extend the description
    return app
