"""Schemathesis reads the API's own description and tries everything that it allows, and much that it does not.

No 5xx, no status, media type, header or body off the description.
"""

import os
from typing import Any

import hypothesis
import pytest
import redis
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    missing_required_header,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from alerts.accounts.roles import StaffRole
from alerts.queue import CallQueue
from alerts.store import TaskStore
from tests.fakes.alert_records import customer_record, managed, warning
from tests.fakes.api_desk import ApiUser, api_user, fill_vault

#: A route, few, so that the suite stays short; SCHEMA_EXAMPLES=500 asks for more.
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "8"))
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_headers_conformance,
    response_schema_conformance, negative_data_rejection, missing_required_header, unsupported_method,
]  # fmt: skip

BOUNDED = hypothesis.settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)  # fmt: skip


@pytest.fixture
def api(client: redis.Redis, store: TaskStore) -> ApiUser:
    """Some tasks of managers and of the outbound team, one call leased, numbers in the vault."""
    store.directory.put([managed(), *(customer_record(f"a-{number}") for number in range(2, 12))], [], {})
    store.admit_warnings([warning(f"w-{n}", account_id=f"a-{n}", line_id=f"l-{n}") for n in range(1, 12)])
    fill_vault(client, store, {"l-1": "+8613800138000"})
    CallQueue(client, store, "d-1").prepare()
    return api_user(client, store)


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("role", [StaffRole.SUPERVISOR, StaffRole.DIALER])
def test_every_answer_is_as_described(api: ApiUser, role: StaffRole, mode: GenerationMode) -> None:
    described = schemathesis.openapi.from_asgi("/openapi.json", api.app)
    headers = api.headers(role)
    tried = 0
    for found in described.get_all_operations():
        assert isinstance(found, Ok), found
        operation = found.ok()

        @BOUNDED
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def answers_as_described(case: Case[Any]) -> None:
            case.call_and_validate(checks=CHECKS, headers=headers)

        answers_as_described()
        tried += 1
    assert tried == sum(len(methods) for methods in api.app.openapi()["paths"].values())
