"""A query parameter without a value is one that is not set, as many HTTP clients send it."""

import pytest

from tests.bots import make_bot
from tests.contract.document import operations

LISTS = {one.id: one for one in operations() if one.method == "GET" and one.query}
REQUIRED = {"events_list": "since=0", "users_list": "search=a"}


@pytest.mark.parametrize("operation", sorted(LISTS))
def test_every_list_answers_as_if_it_were_absent(ada, bob, operation):
    room = ada.room(bob)
    ids = {"room_id": room, "message_id": ada.send(room)["id"], "user_id": bob.id, "bot_id": make_bot(ada).id}
    path = LISTS[operation].path.format(**ids)
    required = REQUIRED.get(operation, "")
    empty = [f"{name}=" for name in LISTS[operation].query if f"{name}=" not in required]
    found = ada.see(f"{path}?{required}")
    for query in (*empty, "&".join(empty)):
        assert ada.see(f"{path}?{required}&{query}") == found, query


def test_what_is_required_is_required(ada):
    answer = ada.get(f"rooms/{ada.room()}/events/?since=")
    assert (answer.status, answer.body["errors"]) == (
        400, [{"attr": "since", "code": "required", "detail": "required"}],
    )  # fmt: skip
