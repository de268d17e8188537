"""Every example of a request's body, sent as it stands to a server on which nothing has happened yet.

Only what the path names is made before, as whoever tries a call out has it.
"""

import pytest

from tests.api import Api, register
from tests.contract.document import body_examples, operations

pytestmark = pytest.mark.django_db

WITH_BODIES = {operation.id: operation for operation in operations() if body_examples(operation)}
# The token and the name in the examples are nobody's; the other one is of a user who is nowhere.
OF_SOMEBODY = {"auth_refresh": "token_invalid", "auth_log_in": "bad_credentials"}
NAMES_A_USER = {"members_add"}


@pytest.mark.parametrize("name", sorted(WITH_BODIES))
def test_an_example_is_taken_as_it_stands(name):
    operation = WITH_BODIES[name]
    eve, bob = register("eve"), register("bob_b")
    room = eve.room(bob)
    ids = {
        "room_id": room,
        "message_id": eve.send(room)["id"],
        "user_id": bob.id,
        "bot_id": eve.post("bots/", {"username": "eves-bot"}).body["id"],
    }
    for said, example in body_examples(operation).items():
        path = operation.path.format(**ids)
        token = None if operation.open else eve.access
        answer = Api().call(operation.method, path, example, token=token)
        if name in NAMES_A_USER:
            assert [error["code"] for error in answer.body["errors"]] == ["not_found"], said
        elif name in OF_SOMEBODY:
            assert answer.code == OF_SOMEBODY[name], said
        else:
            assert answer.status in (200, 201), (said, answer.body)
