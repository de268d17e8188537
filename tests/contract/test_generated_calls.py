"""Calls made from the document by schemathesis: never a 5xx, and no answer that the document does not promise.

By ada, who may do most, with ids that there are. Each call is undone, and they are the same in every run.
"""

import pytest
import schemathesis
from django.test.client import ClientHandler
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.document import document, operations
from tests.contract.story import undone

pytestmark = pytest.mark.django_db

CALLS = {operation.id: operation for operation in operations()}
FEW = {GenerationMode.POSITIVE: 5, GenerationMode.NEGATIVE: 3}  # what is wrong takes long to make up
MANY = 100


class InThisTransaction:
    """The whole application as WSGI, on the test's own connection, which no request closes."""

    def __init__(self):
        self.handler = ClientHandler(enforce_csrf_checks=False)

    def __call__(self, environ, start_response):
        answer = self.handler(environ)
        start_response(f"{answer.status_code} {answer.reason_phrase}", list(answer.items()))
        return [answer.content]


@pytest.fixture(scope="module")
def schema():
    # Tokens are given below; what nobody asked for is ignored by contract.
    config = {"generation": {"with-security-parameters": False, "allow-extra-parameters": False}}
    made = schemathesis.openapi.from_dict(document(), config=schemathesis.Config.from_dict(config))
    made.app = InThisTransaction()
    return made


@pytest.fixture(autouse=True)
def served(settings):
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.SECURE_SSL_REDIRECT = False


def documented_code(ctx, response, case):
    """A problem's code is one that the document lists for this status."""
    if response.status_code >= 400:
        assert response.json()["code"] in CALLS[case.operation.definition.raw["operationId"]].codes(
            response.status_code
        )


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    documented_code,
]


def try_out(story, schema, operation, mode, examples):
    call = CALLS[operation]
    ids = story.ids(call, "owner", "private", mine=True)
    if mode is GenerationMode.NEGATIVE and not call.has_input:
        ids = {}  # all that can be wrong with it is the path
    token = {} if call.open else {"Authorization": f"Bearer {story.people['owner'].access}"}
    checks = [*CHECKS, negative_data_rejection] if mode is GenerationMode.NEGATIVE else CHECKS

    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(schema.find_operation_by_id(operation).as_strategy(mode, path_parameters=ids), st.data())
    def run(case, data):
        if mode is GenerationMode.POSITIVE and isinstance(case.body, dict):
            # Mostly all right: else every call would fail at the first id that it makes up.
            true = story.body(call, "owner", "private")
            own = data.draw(st.sets(st.sampled_from(sorted(case.body)), max_size=2)) if case.body else ()
            case.body = true | {name: case.body[name] for name in own}
        with undone():
            answer = case.call(headers=token)
            case.validate_response(answer, checks=checks)

    try:
        run()
    except Unsatisfiable:
        assert mode is GenerationMode.NEGATIVE  # it takes any text: nothing can be wrong with it


with_every_call = pytest.mark.parametrize(
    ("operation", "mode"),
    [
        (name, mode)
        for name, call in sorted(CALLS.items())
        for mode in GenerationMode
        if mode is GenerationMode.POSITIVE or call.has_input or call.parameters
    ],
)


@with_every_call
def test_every_answer_is_one_that_the_document_promises(story, schema, operation, mode):
    try_out(story, schema, operation, mode, FEW[mode])


@pytest.mark.slow
@with_every_call
def test_every_answer_to_many_calls_is_one_that_the_document_promises(story, schema, operation, mode):
    try_out(story, schema, operation, mode, MANY)
